"""What becomes of an event after an attempt. Pure: time is passed in.

An event waits, is tried, and waits again, until it is done or discarded:

    success                            done
    error of the function (or a 4xx)   retried after 1 and 2 minutes, as often as is
                                       configured, if it is young enough by then
    throttled, or a service error      retried after 1 s, 2 s, 4 s ... 5 minutes, for as
                                       long as it is young enough; no attempt is counted
    reserved concurrency of 0          discarded without an attempt
    a recursive loop                   discarded

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, StrEnum

from warmstart.service.asynchronous.configuration import AsyncConfig
from warmstart.service.asynchronous.event import Event, Response

__all__ = [
    "Attempt",
    "Condition",
    "Decision",
    "Discard",
    "Done",
    "Outcome",
    "Retry",
    "admit",
    "backoff",
    "decide",
]


class Condition(StrEnum):
    """Why an event has left the queue, as invocation records say it."""

    SUCCESS = "Success"
    RETRIES_EXHAUSTED = "RetriesExhausted"
    EVENT_AGE_EXCEEDED = "EventAgeExceeded"
    ZERO_RESERVED_CONCURRENCY = "ZeroReservedConcurrency"
    RECURSIVE_INVOCATION = "RecursiveInvocation"


class Outcome(Enum):
    """What an attempt came to."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """The handler failed, or the service will not take this event: counted."""
    REFUSED = "refused"
    """Throttled, or an error of the service: not counted."""
    RECURSIVE = "recursive"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try, and the answer it got."""

    outcome: Outcome
    response: Response


@dataclass(frozen=True, slots=True)
class Done:
    """The function has processed the event."""

    event: Event


@dataclass(frozen=True, slots=True)
class Retry:
    """The event goes back to the queue; its `due` says until when."""

    event: Event


@dataclass(frozen=True, slots=True)
class Discard:
    """The event will not be tried again."""

    event: Event
    condition: Condition


Decision = Done | Retry | Discard


def backoff(failures: int) -> float:
    """Seconds to wait after that many failures in a row."""
    return min(300.0, 2.0 ** (min(failures, 10) - 1))


def admit(event: Event, config: AsyncConfig, now: float, time_scale: float = 1) -> Discard | None:
    """Whether an event that is due must be discarded instead of being tried."""
    if config.reserved_concurrency == 0:
        return Discard(replace(event, response=None), Condition.ZERO_RESERVED_CONCURRENCY)
    if now >= _expiry(event, config, time_scale):
        return Discard(event, Condition.EVENT_AGE_EXCEEDED)
    return None


def decide(
    event: Event, attempt: Attempt, config: AsyncConfig, now: float, time_scale: float = 1
) -> Decision:
    """What becomes of an event after an attempt. All waiting times are multiplied by `time_scale`.

    A success is one at any age. What cannot be retried before its age is exceeded
    after an error is discarded at once, but after a refusal it waits its age out.
    """
    expiry = _expiry(event, config, time_scale)
    match attempt.outcome:
        case Outcome.SUCCEEDED:
            return Done(_counted(event, attempt))
        case Outcome.RECURSIVE:
            event = replace(event, response=attempt.response)
            return Discard(event, Condition.RECURSIVE_INVOCATION)
        case Outcome.REFUSED:
            event = replace(event, refusals=event.refusals + 1, response=attempt.response)
            due = now + backoff(event.refusals) * time_scale
            return Retry(replace(event, due=min(due, max(now, expiry))))
    event = _counted(event, attempt)
    if event.invoke_count > config.maximum_retry_attempts:
        return Discard(event, Condition.RETRIES_EXHAUSTED)
    due = now + 60 * event.invoke_count * time_scale
    if due >= expiry:
        return Discard(event, Condition.EVENT_AGE_EXCEEDED)
    return Retry(replace(event, due=due))


def _counted(event: Event, attempt: Attempt) -> Event:
    count = event.invoke_count + 1
    return replace(event, invoke_count=count, refusals=0, response=attempt.response)


def _expiry(event: Event, config: AsyncConfig, time_scale: float) -> float:
    return event.created + config.maximum_event_age_in_seconds * time_scale
