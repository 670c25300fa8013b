"""Messages of the event stream, as botocore reads them."""

from __future__ import annotations

from typing import Any

from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from warmstart.service.api.event_stream import invoke_complete, payload_chunk


def read(data: bytes, size: int) -> list[dict[str, Any]]:
    """The messages in the data, which comes in pieces of this size."""
    buffer = EventStreamBuffer()
    found = []
    for start in range(0, len(data), size):
        buffer.add_data(data[start : start + size])
        found += [event.to_response_dict() for event in buffer]
    return found


@given(chunks=st.lists(st.binary(max_size=300), max_size=5), size=st.integers(1, 400))
def test_chunks_are_read_as_they_were_written(chunks: list[bytes], size: int) -> None:
    data = b"".join(map(payload_chunk, chunks))

    messages = read(data, size)

    assert [message["body"] for message in messages] == chunks
    for message in messages:
        assert message["headers"] == {
            ":event-type": "PayloadChunk",
            ":content-type": "application/octet-stream",
            ":message-type": "event",
        }


def test_the_end_holds_only_what_there_is() -> None:
    good, bad = read(invoke_complete() + invoke_complete("Unhandled", "é", "bG9n"), 1 << 20)

    assert good["headers"][":event-type"] == "InvokeComplete"
    assert good["body"] == b"{}"
    assert (
        bad["body"] == b'{"ErrorCode": "Unhandled", "ErrorDetails": "\\u00e9", "LogResult": "bG9n"}'
    )
