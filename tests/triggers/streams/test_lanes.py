from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from warmstart.invoke import MAX_PAYLOAD
from warmstart.triggers.streams.lanes import Progress, batches, lanes
from warmstart.triggers.streams.model import Record


def record(number: int, key: str = "k", text: str = "") -> Record:
    return Record(str(number), key, 0.0, {"n": number, "text": text})


@given(keys=st.lists(st.text(max_size=3), max_size=50), count=st.integers(1, 10))
def test_a_key_is_in_one_lane_in_its_order(keys: list[str], count: int) -> None:
    records = [record(number, key) for number, key in enumerate(keys)]
    found = lanes(records, count)

    assert len(found) <= count
    assert sorted(each.sequence for lane in found for each in lane) == sorted(
        each.sequence for each in records
    )
    for lane in found:
        numbers = [int(each.sequence) for each in lane]
        assert numbers == sorted(numbers)
    for key in keys:
        assert sum(any(each.key == key for each in lane) for lane in found) == 1


def test_a_batch_ends_at_its_size_and_at_what_an_invocation_takes() -> None:
    assert [len(batch) for batch in batches([record(n) for n in range(7)], 3)] == [3, 3, 1]
    large = [record(n, text="x" * (MAX_PAYLOAD // 3)) for n in range(5)]
    for batch in batches(large, 100):
        event = {"Records": [each.event for each in batch]}
        assert len(json.dumps(event).encode()) <= MAX_PAYLOAD


@given(st.permutations(range(8)))
def test_the_position_is_before_the_first_that_is_not_done(order: list[int]) -> None:
    records = [record(number) for number in range(8)]
    progress = Progress(records)
    at: str | None = None
    finished: set[int] = set()
    for number in order:
        at = progress.finish([records[number]]) or at
        finished.add(number)
        first = next((n for n in range(8) if n not in finished), 8)
        assert at == (str(first - 1) if first else None)
        assert {int(each.sequence) for each in progress.left()} == set(range(8)) - finished
