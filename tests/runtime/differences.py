"""The table of deliberate differences from AWS's client, for the tests that show them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

__all__ = ["ROWS", "difference"]

DIFFERENCES = Path(__file__).parents[2] / "docs" / "runtime-differences.md"
ROWS = re.findall(r"^\| `([a-z0-9-]+)` \|", DIFFERENCES.read_text(), re.MULTILINE)


def difference(row: str) -> pytest.MarkDecorator:
    """Mark a test that shows one of the differences; it takes the row's name as `row`."""
    assert row in ROWS, f"{DIFFERENCES.name} has no row {row!r}"
    return pytest.mark.parametrize("row", [row], ids=[row])
