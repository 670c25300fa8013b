"""Events that others send: SNS, webhooks, and whoever is added to `receivers`."""
