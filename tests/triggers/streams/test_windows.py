from __future__ import annotations

import pytest

from warmstart.triggers.streams.model import Record
from warmstart.triggers.streams.windows import (
    InvalidState,
    by_window,
    returned_state,
    window_members,
)


def test_records_are_in_the_window_in_which_they_arrived() -> None:
    records = [Record(str(at), "k", float(at), {}) for at in (119, 120, 121, 239, 240)]
    found = {
        start: [record.sequence for record in window] for start, window in by_window(records, 120)
    }

    assert found == {0: ["119"], 120: ["120", "121", "239"], 240: ["240"]}


def test_an_event_tells_of_its_window_as_aws_does() -> None:
    members = window_members(
        1595_894_400.0, 120, '{"n": 1}', "shardId-0", "arn", final=False, early=True
    )

    assert members == {
        "window": {"start": "2020-07-28T00:00:00Z", "end": "2020-07-28T00:02:00Z"},
        "state": {"n": 1},
        "shardId": "shardId-0",
        "eventSourceARN": "arn",
        "isFinalInvokeForWindow": False,
        "isWindowTerminatedEarly": True,
    }


def test_the_state_is_what_the_function_returned() -> None:
    assert returned_state(b'{"state": {"n": 2}, "batchItemFailures": []}') == '{"n": 2}'


@pytest.mark.parametrize("answer", [b"", b"null", b"{", b"[]", b"{}", b'{"state": 1}'])
def test_an_answer_without_a_state_is_a_failure(answer: bytes) -> None:
    with pytest.raises(InvalidState):
        returned_state(answer)
