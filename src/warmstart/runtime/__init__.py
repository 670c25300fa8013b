"""The Runtime API client: asks Lambda for events, runs the handler, posts the answers."""
