"""A handler that takes its time."""

# As its users write it: nothing is annotated, and it prints.
# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201

import time


def handler(event, context):
    time.sleep(event["seconds"])
    return "slept"
