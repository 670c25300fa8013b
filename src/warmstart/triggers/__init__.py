"""Triggers: something has happened, so a function is invoked, and nobody waits for the answer."""
