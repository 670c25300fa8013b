"""The operations of the Lambda API, one file for each kind of resource."""
