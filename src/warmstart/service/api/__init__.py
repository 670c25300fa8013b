"""AWS's protocols from the server's side: routing, validation and wording by botocore's own model."""
