"""What must outlive the service: documents and queues in SQLite, code by its content."""
