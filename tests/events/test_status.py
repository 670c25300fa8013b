"""The status of a response."""

from __future__ import annotations

import pytest

from warmstart.events.errors import MalformedResponse
from warmstart.events.status import read_status


@pytest.mark.parametrize(("value", "status"), [(200, 200), (100, 100), (999, 999), ("404", 404)])
def test_three_digits_are_a_status(value: object, status: int) -> None:
    assert read_status(value, "statusCode") == status


@pytest.mark.parametrize(
    "value",
    [None, True, 99, 1000, -200, 10**400, 200.0, "", "20", "2000", "+20", " 20", "٢٠٠", [], {}],
)
def test_nothing_else_is(value: object) -> None:
    with pytest.raises(MalformedResponse, match="statusCode: must be a status code"):
        read_status(value, "statusCode")
