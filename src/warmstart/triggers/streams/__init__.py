"""Streams, which are read shard by shard, in order."""
