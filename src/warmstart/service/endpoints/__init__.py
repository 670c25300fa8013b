"""What an environment's programs talk to: the Runtime API, on a port of the environment's own."""
