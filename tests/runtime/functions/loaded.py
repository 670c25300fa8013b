"""Tells what has been imported."""

# As its users write it: nothing is annotated, and it prints.
# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201

import sys


def handler(event, context):
    return list(sys.modules)
