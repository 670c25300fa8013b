"""What is in Docker's frames comes out whole, however it was cut on its way."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from warmstart.service.environments.attachment import Frames


@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=40)), max_size=8),
    st.integers(1, 20),
)
def test_frames_are_found_in_any_pieces(frames: list[tuple[int, bytes]], piece: int) -> None:
    # https://docs.docker.com/reference/api/engine/: STREAM_TYPE, three zeros, SIZE, the content
    stream = b"".join(struct.pack(">BxxxL", kind, len(data)) + data for kind, data in frames)
    found: list[bytes] = []
    reader = Frames(found.append)

    for start in range(0, len(stream), piece):
        reader.feed(stream[start : start + piece])

    assert found == [data for _, data in frames]
