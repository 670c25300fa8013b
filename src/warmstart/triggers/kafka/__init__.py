"""Kafka as an event source: consumer groups, a lane for each partition."""
