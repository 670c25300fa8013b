from __future__ import annotations

from collections import deque
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from warmstart.triggers.streams.attempts import (
    Attempt,
    Condition,
    Outcome,
    judge,
    without_expired,
)
from warmstart.triggers.streams.model import Record, StreamMapping

MAPPING = StreamMapping.read(
    {
        "UUID": "m",
        "EventSourceArn": "arn:aws:kinesis:us-east-1:123456789012:stream/s",
        "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:f",
        "BatchSize": 100,
        "StartingPosition": "TRIM_HORIZON",
    }
)


def records(*numbers: int) -> tuple[Record, ...]:
    return tuple(Record(str(n), "k", float(n), {}) for n in numbers)


def failing(*numbers: int) -> Outcome:
    return Outcome(failed=frozenset(map(str, numbers)))


def test_who_is_not_reached_costs_no_attempt() -> None:
    attempt = Attempt(records(1, 2), retries=1, invokes=2)
    mapping = replace(MAPPING, maximum_retry_attempts=1)

    assert judge(attempt, Outcome(reached=False), mapping).pending == (attempt,)


def test_all_before_the_lowest_failure_is_done_with() -> None:
    verdict = judge(Attempt(records(1, 2, 3, 4)), failing(4, 2), MAPPING)

    assert verdict.done == records(1)
    assert [attempt.records for attempt in verdict.pending] == [records(2, 3, 4)]


def test_halves_cost_no_retry() -> None:
    mapping = replace(MAPPING, bisects=True, maximum_retry_attempts=0)
    verdict = judge(Attempt(records(1, 2, 3)), failing(1, 2, 3), mapping)

    assert [attempt.records for attempt in verdict.pending] == [records(1), records(2, 3)]
    assert {attempt.retries for attempt in verdict.pending} == {0}


def test_a_batch_is_given_up_after_its_retries() -> None:
    mapping = replace(MAPPING, maximum_retry_attempts=2)
    attempt, invokes = Attempt(records(1)), 1
    while not (verdict := judge(attempt, failing(1), mapping)).discarded:
        (attempt,) = verdict.pending
        invokes += 1

    assert invokes == 3
    assert verdict.discarded == records(1)


# https://docs.aws.amazon.com/streams/latest/dev/large-records.html
def test_what_is_too_large_is_tried_in_halves_and_given_up_alone() -> None:
    mapping = replace(MAPPING, maximum_retry_attempts=0)
    too_large = Outcome(reached=False, too_large=True)

    verdict = judge(Attempt(records(1, 2, 3)), too_large, mapping)
    assert [attempt.records for attempt in verdict.pending] == [records(1), records(2, 3)]
    verdict = judge(Attempt(records(1)), too_large, MAPPING)
    assert verdict.discarded == records(1)
    assert verdict.condition is Condition.MAXIMUM_PAYLOAD_SIZE_EXCEEDED
    # The end of a window, with a state that no invocation can hold.
    assert not judge(Attempt(()), too_large, MAPPING).pending


def test_only_what_is_too_old_expires() -> None:
    mapping = replace(MAPPING, maximum_record_age=60)
    expired, left = without_expired(Attempt(records(10, 20, 30)), mapping, now=80.0)

    assert (expired, left.records) == (records(10), records(20, 30))
    assert without_expired(Attempt(records(10)), MAPPING, now=1e9)[0] == ()


# https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
def test_of_a_topic_only_what_failed_is_tried_again() -> None:
    mapping = replace(MAPPING, retries_failed_alone=True)
    verdict = judge(Attempt(records(1, 2, 3, 4)), failing(2, 4), mapping)

    assert verdict.done == records(1, 3)
    assert [attempt.records for attempt in verdict.pending] == [records(2, 4)]


@given(
    count=st.integers(1, 12),
    bad=st.sets(st.integers(0, 11)),
    bisects=st.booleans(),
    reports=st.booleans(),
    retries=st.integers(0, 3),
)
def test_each_record_is_settled_once_and_in_order(
    count: int, bad: set[int], bisects: bool, reports: bool, retries: int
) -> None:
    """Whatever fails: what the function got through is done with, what it never does given up."""
    mapping = replace(MAPPING, bisects=bisects, maximum_retry_attempts=retries)
    pending = deque([Attempt(records(*range(count)))])
    done: list[str] = []
    discarded: list[str] = []
    settled: list[str] = []
    while pending:
        attempt = pending.popleft()
        numbers = [int(record.sequence) for record in attempt.records]
        wrong = [number for number in numbers if number in bad]
        outcome = failing(*((wrong if reports else numbers) if wrong else []))
        verdict = judge(attempt, outcome, mapping)
        done += [record.sequence for record in verdict.done]
        discarded += [record.sequence for record in verdict.discarded]
        settled += [record.sequence for record in verdict.done + verdict.discarded]
        pending.extendleft(reversed(verdict.pending))

    assert settled == [str(number) for number in range(count)]
    assert not {int(each) for each in done} & bad
    if bisects:  # then no good record is given up with a bad one
        assert {int(each) for each in discarded} <= bad
