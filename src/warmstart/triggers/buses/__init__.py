"""EventBridge's rules on the events of a bus."""
