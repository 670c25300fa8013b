from __future__ import annotations

from typing import Any

import pytest

from warmstart.triggers.buses.paths import MISSING, InvalidPath, compile_path, select

EVENT = {"detail": {"items": [{"a b": 1}, {"c-d": None}]}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", EVENT),
        ("$.detail.items[0]['a b']", 1),
        ("$.detail.items[1].c-d", None),
        ("$.detail.items[2]", MISSING),
        ("$.detail.other", MISSING),
        ("$.detail[0]", MISSING),
        ("$.detail.items.a", MISSING),
    ],
)
def test_a_path_leads_to_a_part_or_nowhere(path: str, value: Any) -> None:
    assert select(EVENT, compile_path(path)) == value


@pytest.mark.parametrize("path", ["", "detail", "$detail", "$..a", "$.a[*]", "$.a[-1]", "$.a."])
def test_what_is_no_path_to_one_part_is_refused(path: str) -> None:
    with pytest.raises(InvalidPath, match="is no path"):
        compile_path(path)
