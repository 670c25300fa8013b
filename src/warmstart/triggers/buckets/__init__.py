"""Object storage: a file is uploaded to a bucket, or deleted from it."""
