"""Times in events."""

from __future__ import annotations

import pytest

from warmstart.events.timestamps import request_time


# 12/Mar/2020 is the example of AWS's documentation of payload format 2.0.
@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1584039838, "12/Mar/2020:19:03:58 +0000"),
        (1584039838.999, "12/Mar/2020:19:03:58 +0000"),
        (0, "01/Jan/1970:00:00:00 +0000"),
        (1798761599, "31/Dec/2026:23:59:59 +0000"),
    ],
)
def test_times_are_written_as_in_access_logs(seconds: float, text: str) -> None:
    assert request_time(seconds) == text
