"""What becomes of a batch: done, tried again, in halves or as a rest, or given up. Pure.

A record that is alone larger than an invocation may be can never be delivered, and is given
up at once, as on AWS.

https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
https://docs.aws.amazon.com/streams/latest/dev/large-records.html
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from warmstart.triggers.streams.model import Record, StreamMapping

__all__ = ["Attempt", "Condition", "Outcome", "Verdict", "judge", "without_expired"]


class Condition(StrEnum):
    """Why records are given up."""

    RETRY_ATTEMPTS_EXHAUSTED = "RetryAttemptsExhausted"
    RECORD_AGE_EXCEEDED = "RecordAgeExceeded"
    MAXIMUM_PAYLOAD_SIZE_EXCEEDED = "MaximumPayloadSizeExceeded"


@dataclass(frozen=True, slots=True)
class Attempt:
    """Records that are to be handled. `retries` are those that count against the maximum."""

    records: tuple[Record, ...]
    retries: int = 0
    invokes: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the function said: whether it was reached, and the records that it failed at.

    Of an error or an invalid report, these are all. Of what is `too_large` it never heard.
    """

    reached: bool = True
    failed: frozenset[str] = frozenset()
    too_large: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is done with, what is given up and why, and what is tried next, in this order."""

    done: tuple[Record, ...] = ()
    discarded: tuple[Record, ...] = ()
    condition: Condition = Condition.RETRY_ATTEMPTS_EXHAUSTED
    pending: tuple[Attempt, ...] = ()


def without_expired(
    attempt: Attempt, mapping: StreamMapping, now: float
) -> tuple[tuple[Record, ...], Attempt]:
    """The records that are too old, and an attempt at the others."""
    oldest = now - mapping.maximum_record_age
    if mapping.maximum_record_age < 0:
        return (), attempt
    expired = tuple(record for record in attempt.records if record.arrived < oldest)
    fresh = tuple(record for record in attempt.records if record.arrived >= oldest)
    return expired, replace(attempt, records=fresh)


def judge(attempt: Attempt, outcome: Outcome, mapping: StreamMapping) -> Verdict:
    """What comes of an attempt."""
    if not outcome.reached:
        return _not_reached(attempt, too_large=outcome.too_large)
    done, left = _done_and_left(attempt.records, outcome.failed, mapping)
    invokes = attempt.invokes + 1
    if not outcome.failed:
        return Verdict(done=done)
    if mapping.bisects and len(attempt.records) > 1:  # which costs no retry
        parts = (left,) if done else _halves(left)
        pending = tuple(Attempt(part, attempt.retries, invokes) for part in parts)
        return Verdict(done=done, pending=pending)
    if 0 <= mapping.maximum_retry_attempts <= attempt.retries:
        return Verdict(done=done, discarded=left)
    return Verdict(done=done, pending=(Attempt(left, attempt.retries + 1, invokes),))


def _done_and_left(
    records: tuple[Record, ...], failed: frozenset[str], mapping: StreamMapping
) -> tuple[tuple[Record, ...], tuple[Record, ...]]:
    """A stream goes on with the first that failed; a topic's partition with those alone."""
    if mapping.retries_failed_alone:
        good = tuple(record for record in records if record.sequence not in failed)
        return good, tuple(record for record in records if record.sequence in failed)
    first = next(
        (at for at, record in enumerate(records) if record.sequence in failed), len(records)
    )
    return records[:first], records[first:]


def _not_reached(attempt: Attempt, *, too_large: bool) -> Verdict:
    records = attempt.records
    if not too_large:
        return Verdict(pending=(attempt,))
    if len(records) > 1:
        return Verdict(pending=tuple(replace(attempt, records=half) for half in _halves(records)))
    return Verdict(discarded=records, condition=Condition.MAXIMUM_PAYLOAD_SIZE_EXCEEDED)


def _halves(records: tuple[Record, ...]) -> tuple[tuple[Record, ...], tuple[Record, ...]]:
    middle = len(records) // 2
    return records[:middle], records[middle:]
