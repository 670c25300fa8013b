"""The runtime client beside AWS's own: `python -m benchmarks.runtime`."""
