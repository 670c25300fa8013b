from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from warmstart.invoke import MAX_PAYLOAD
from warmstart.triggers.queues.batches import Limit, split


@given(st.lists(st.integers(0, 3_000_000), max_size=8), st.integers(1, 5))
def test_batches_hold_all_in_order_and_fit_an_invocation(lengths: list[int], size: int) -> None:
    records = [{"number": n, "body": "x" * length} for n, length in enumerate(lengths)]
    batches = list(split(records, size))

    assert [record for batch in batches for record in batch] == records
    assert all(0 < len(batch) <= size for batch in batches)
    assert all(len(json.dumps({"Records": batch})) <= MAX_PAYLOAD for batch in batches)


def test_a_batch_is_closed_when_another_record_would_not_fit() -> None:
    records = [{"body": "x" * 1_000_000}] * 10

    assert [len(batch) for batch in split(records, 10)] == [6, 4]


def test_the_limit_grows_by_one_and_is_halved() -> None:
    limit = Limit(7)
    assert limit.value == 5
    for _ in range(5):
        limit.succeeded()
    assert limit.value == 7
    limit.throttled()
    assert limit.value == 3
    for _ in range(3):
        limit.throttled()
    assert limit.value == 1
    assert Limit(2).value == 2
