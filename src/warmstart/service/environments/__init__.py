"""Execution environments: the life of one, and how many there are.

`environment.py`, `capacity.py` and `variables.py` decide and do nothing;
`sandbox.py`, `pool.py` and the drivers act.
"""
