"""AWS's protocols from the server's side, by botocore's own model of each service."""
