"""Queues, which are read in batches."""
