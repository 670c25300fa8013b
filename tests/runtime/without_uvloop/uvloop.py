"""Stands before the real one on the path of a process that is to be without it."""

raise ImportError("uvloop is hidden")
