"""A function with SnapStart hooks."""

# As its users write it: nothing is annotated, and it prints.
# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201

import os
import random

import snapshot_restore_py

ran = []
random.seed(1)


def note(what):
    ran.append(what)
    if what.startswith(os.environ.get("FAIL", "never")):
        raise ValueError(f"{os.environ['FAIL']} failed")


snapshot_restore_py.register_before_snapshot(note, "before 1")
snapshot_restore_py.register_before_snapshot(note, "before 2")
snapshot_restore_py.register_after_restore(note, "after 1")
snapshot_restore_py.register_after_restore(note, "after 2")


def handler(event, context):
    return {"ran": ran, "random": random.random()}
