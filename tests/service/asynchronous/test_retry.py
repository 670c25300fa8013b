"""Expected times are those of AWS's page on error handling for asynchronous invocation."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from warmstart.service.asynchronous.configuration import AsyncConfig
from warmstart.service.asynchronous.event import Event, Response
from warmstart.service.asynchronous.retry import (
    Attempt,
    Condition,
    Decision,
    Discard,
    Done,
    Outcome,
    Retry,
    admit,
    decide,
)

CREATED = 1_000_000.0
EVENT = Event(
    function="f",
    qualifier="$LATEST",
    payload=b"{}",
    request_id="r",
    created=CREATED,
    due=CREATED,
    trace_id="Root=1-00000000-000000000000000000000000",
)
SUCCEEDED = Attempt(Outcome.SUCCEEDED, Response(200, "$LATEST", None, b"1"))
FAILED = Attempt(Outcome.FAILED, Response(200, "$LATEST", "Unhandled", b"{}"))
REFUSED = Attempt(Outcome.REFUSED, Response(429, message="Rate Exceeded."))
RECURSIVE = Attempt(Outcome.RECURSIVE, Response(400, message="loop"))
DEFAULTS = AsyncConfig()


def retried(decision: Decision) -> Event:
    assert isinstance(decision, Retry)
    return decision.event


def condition(decision: Decision | None) -> Condition:
    assert isinstance(decision, Discard)
    return decision.condition


def test_a_success_is_the_end() -> None:
    decision = decide(EVENT, SUCCEEDED, DEFAULTS, CREATED + 1)

    assert decision == Done(replace(EVENT, invoke_count=1, response=SUCCEEDED.response))


def test_errors_are_retried_after_one_and_two_minutes_and_then_discarded() -> None:
    first = retried(decide(EVENT, FAILED, DEFAULTS, CREATED + 3))
    second = retried(decide(first, FAILED, DEFAULTS, CREATED + 70))
    third = decide(second, FAILED, DEFAULTS, CREATED + 200)

    assert first.due == CREATED + 3 + 60
    assert second.due == CREATED + 70 + 120
    assert condition(third) is Condition.RETRIES_EXHAUSTED
    assert third.event.invoke_count == 3
    assert third.event.request_id == "r"


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_an_event_is_retried_as_often_as_is_configured(retries: int) -> None:
    config = AsyncConfig(maximum_retry_attempts=retries)
    event = EVENT
    for _ in range(retries):
        event = retried(decide(event, FAILED, config, event.due))

    assert condition(decide(event, FAILED, config, event.due)) is Condition.RETRIES_EXHAUSTED


def test_refusals_back_off_from_one_second_to_five_minutes_for_six_hours() -> None:
    event, waits = EVENT, []
    while admit(event, DEFAULTS, event.due) is None:
        due = event.due
        event = retried(decide(event, REFUSED, DEFAULTS, due))
        waits.append(event.due - due)

    assert waits[:10] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert set(waits[9:-1]) == {300}
    assert event.due == CREATED + 6 * 3600
    assert event.invoke_count == 0
    assert condition(admit(event, DEFAULTS, event.due)) is Condition.EVENT_AGE_EXCEEDED


def test_refusals_do_not_use_up_retries() -> None:
    event = EVENT
    for attempt in [REFUSED, FAILED, REFUSED, REFUSED, FAILED, REFUSED]:
        event = retried(decide(event, attempt, DEFAULTS, event.due))

    assert event.invoke_count == 2
    assert event.refusals == 1
    assert condition(decide(event, FAILED, DEFAULTS, event.due)) is Condition.RETRIES_EXHAUSTED


def test_an_error_that_cannot_be_retried_in_time_discards_the_event_at_once() -> None:
    config = AsyncConfig(maximum_event_age_in_seconds=60)

    decision = decide(EVENT, FAILED, config, CREATED + 1)

    assert condition(decision) is Condition.EVENT_AGE_EXCEEDED
    assert decision.event.response == FAILED.response
    assert decision.event.invoke_count == 1


def test_an_event_that_is_too_old_is_not_tried() -> None:
    config = AsyncConfig(maximum_event_age_in_seconds=60)

    assert admit(EVENT, config, CREATED + 59.9) is None
    assert condition(admit(EVENT, config, CREATED + 60)) is Condition.EVENT_AGE_EXCEEDED


def test_a_success_counts_at_any_age() -> None:
    config = AsyncConfig(maximum_event_age_in_seconds=60)

    assert isinstance(decide(EVENT, SUCCEEDED, config, CREATED + 900), Done)


def test_a_function_without_concurrency_is_not_tried_and_its_event_discarded() -> None:
    decision = admit(EVENT, AsyncConfig(reserved_concurrency=0), CREATED)

    assert condition(decision) is Condition.ZERO_RESERVED_CONCURRENCY
    assert decision == Discard(EVENT, Condition.ZERO_RESERVED_CONCURRENCY)
    assert admit(EVENT, AsyncConfig(reserved_concurrency=1), CREATED) is None


def test_a_loop_is_not_retried() -> None:
    assert condition(decide(EVENT, RECURSIVE, DEFAULTS, CREATED)) is Condition.RECURSIVE_INVOCATION


@pytest.mark.parametrize("attempt", [FAILED, REFUSED])
def test_the_scale_multiplies_all_times(attempt: Attempt) -> None:
    plain = retried(decide(EVENT, attempt, DEFAULTS, CREATED))
    scaled = retried(decide(EVENT, attempt, DEFAULTS, CREATED, 0.001))

    assert scaled.due - CREATED == pytest.approx((plain.due - CREATED) / 1000)
    assert admit(EVENT, DEFAULTS, CREATED + 21.5, 0.001) is None
    assert admit(EVENT, DEFAULTS, CREATED + 21.7, 0.001) is not None


class Queue(RuleBasedStateMachine):
    """Events under any outcomes, delays and settings, as an engine would drive the decisions."""

    @initialize(scale=st.sampled_from([1.0, 0.001]))
    def begin(self, scale: float) -> None:
        self.config = DEFAULTS
        self.scale = scale
        self.now = CREATED
        self.enqueued: dict[str, Event] = {}
        self.waiting: dict[str, Event] = {}
        self.ended: dict[str, Done | Discard] = {}
        self.failures: dict[str, int] = {}

    @rule(later=st.floats(0, 10))
    def enqueue(self, later: float) -> None:
        self.now += later * self.scale
        request_id = f"r{len(self.enqueued)}"
        event = replace(EVENT, request_id=request_id, created=self.now, due=self.now)
        self.enqueued[request_id] = self.waiting[request_id] = event
        self.failures[request_id] = 0

    @rule(retries=st.integers(0, 2), age=st.sampled_from([60, 100, 200, 21_600]))
    def configure(self, retries: int, age: int) -> None:
        self.config = AsyncConfig(maximum_retry_attempts=retries, maximum_event_age_in_seconds=age)

    @rule(concurrency=st.sampled_from([None, 0, 5]))
    def reserve(self, concurrency: int | None) -> None:
        self.config = replace(self.config, reserved_concurrency=concurrency)

    @precondition(lambda self: self.waiting)
    @rule(
        attempt=st.sampled_from([SUCCEEDED, FAILED, FAILED, REFUSED, RECURSIVE]),
        late=st.floats(0, 400),
    )
    def deliver(self, attempt: Attempt, late: float) -> None:
        event = min(self.waiting.values(), key=lambda event: event.due)
        self.now = max(self.now, event.due) + late * self.scale
        assert event.request_id not in self.ended
        decision: Decision | None = admit(event, self.config, self.now, self.scale)
        if decision is None:
            self.failures[event.request_id] += attempt is FAILED
            decision = decide(event, attempt, self.config, self.now, self.scale)
            assert isinstance(decision, Done) == (attempt is SUCCEEDED)
        if isinstance(decision, Retry):
            assert attempt in (FAILED, REFUSED)
            assert decision.event.due >= self.now
            self.waiting[event.request_id] = decision.event
        else:
            del self.waiting[event.request_id]
            self.ended[event.request_id] = decision
            self.check_reason(decision)

    def check_reason(self, end: Done | Discard) -> None:
        event = end.event
        age = self.now - event.created
        match end:
            case Discard(condition=Condition.RETRIES_EXHAUSTED):
                assert event.invoke_count > self.config.maximum_retry_attempts
            case Discard(condition=Condition.EVENT_AGE_EXCEEDED):
                # Where an error comes too late for a retry, what counts is when that would be.
                longest_wait = 60 * event.invoke_count * self.scale
                limit = self.config.maximum_event_age_in_seconds * self.scale
                assert age + longest_wait + 1e-6 >= limit
            case Discard(condition=Condition.ZERO_RESERVED_CONCURRENCY):
                assert self.config.reserved_concurrency == 0
            case _:
                assert event.response in (SUCCEEDED.response, RECURSIVE.response)

    @invariant()
    def each_event_waits_or_has_ended(self) -> None:
        if hasattr(self, "enqueued"):
            assert self.waiting.keys() | self.ended.keys() == self.enqueued.keys()
            assert not self.waiting.keys() & self.ended.keys()

    @invariant()
    def an_event_is_what_was_enqueued_and_counts_its_attempts(self) -> None:
        if hasattr(self, "enqueued"):
            events = [*self.waiting.values(), *(end.event for end in self.ended.values())]
            for event in events:
                was = self.enqueued[event.request_id]
                done = isinstance(self.ended.get(event.request_id), Done)
                assert event.invoke_count == self.failures[event.request_id] + done
                assert replace(was, due=0.0) == replace(
                    event, due=0.0, invoke_count=0, refusals=0, response=None
                )


TestQueue = Queue.TestCase
TestQueue.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
