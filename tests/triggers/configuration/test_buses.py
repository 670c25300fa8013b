from __future__ import annotations

from pathlib import Path

import pytest

from warmstart.triggers.configuration import InvalidTriggers, read_triggers

ARN = "arn:aws:sqs:us-east-1:123456789012:events"


def test_a_bus_has_a_queue() -> None:
    assert read_triggers({"buses": {"shop": ARN}}, Path()).buses == {ARN: "shop"}


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ({"buses": {"shop": "events"}}, "buses: 'events' is no ARN of a standard queue"),
        ({"buses": {"shop": f"{ARN}.fifo"}}, "is no ARN of a standard queue"),
        ({"buses": {"shop": 1}}, "buses: shop is a text, and not 1"),
        ({"buses": {"shop": ARN, "other": ARN}}, f"buses: {ARN} is read already"),
        ({"buses": {"shop": ARN}, "buckets": {"photos": ARN}}, f"buses: {ARN} is read already"),
    ],
)
def test_what_makes_no_sense_is_refused(document: dict[str, object], complaint: str) -> None:
    with pytest.raises(InvalidTriggers, match=complaint.replace("'", ".")):
        read_triggers(document, Path())
