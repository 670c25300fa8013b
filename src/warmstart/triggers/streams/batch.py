"""Takes the batches of a shard through the function, until each is done with or given up.

What decides is in `attempts`; here is what acts: it invokes, waits, and hands records that
are given up to the on-failure destination before they count as done with.

An attempt that has begun goes on when nobody waits for it any more, and what it came to is
still told: so a mapping that is stopped in good order repeats nothing of it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from warmstart.invoke import InvokeError, Invoker, InvokeResult
from warmstart.triggers.clock import Clock
from warmstart.triggers.queues.results import InvalidReport, reported_failures
from warmstart.triggers.streams.attempts import (
    Attempt,
    Condition,
    Outcome,
    Verdict,
    judge,
    without_expired,
)
from warmstart.triggers.streams.failures import Failure, OnFailure, Place
from warmstart.triggers.streams.model import Record, StreamMapping
from warmstart.triggers.streams.windows import InvalidState, returned_state

__all__ = ["CALL_FAILED", "OK", "BatchHandler", "Finish", "Report", "backoff"]

OK = "OK"
CALL_FAILED = "PROBLEM: Function call failed"

Report = Callable[[str], None]
"""Takes what a mapping's `LastProcessingResult` says from now on."""

Finish = Callable[[Iterable[Record], str | None], None]
"""Takes records that are done with, and the state of their window, if it is another."""

_SHORT, _LONG = 0.2, 30.0
"""Seconds between attempts, at first and in the end."""

_TOO_LARGE = 413
"""The status of an event that is longer than an invocation's may be."""

_logger = logging.getLogger(__name__)


def backoff(attempts: int) -> float:
    """Seconds to wait after so many attempts that came to nothing."""
    return min(_LONG, _SHORT * 2.0 ** min(attempts, 10))


@dataclass(frozen=True, slots=True)
class _Answered:
    outcome: Outcome
    result: InvokeResult | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class _Tried:
    verdict: Verdict
    state: str
    result: InvokeResult | None


class BatchHandler:
    """Handles the batches of one shard."""

    def __init__(
        self,
        mapping: StreamMapping,
        place: Place,
        invoker: Invoker,
        destination: OnFailure | None,
        clock: Clock,
        report: Report,
    ) -> None:
        self._mapping = mapping
        self._place = place
        self._invoker = invoker
        self._destination = destination
        self._clock = clock
        self._report = report
        self._begun: set[asyncio.Task[_Tried]] = set()

    async def wait_idle(self) -> None:
        """Return when nothing that was begun is at the function any more."""
        while self._begun:
            await asyncio.wait(set(self._begun))

    def cancel(self) -> None:
        """Wait for no answer."""
        for attempt in self._begun:
            attempt.cancel()

    async def handle(
        self,
        records: tuple[Record, ...],
        finish: Finish,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        """Return when all records are done with; `finish` hears of them as they are.

        It is also given the state that the function returned, if the event has `members`
        of a tumbling window. Of a window that ends, without records, it hears once.
        """
        pending = deque([Attempt(records)])
        state = json.dumps((members or {}).get("state", {}))
        fruitless = 0
        while pending:
            attempt = pending.popleft()
            expired, attempt = without_expired(attempt, self._mapping, self._clock.time())
            if expired:
                await self._discard(expired, Condition.RECORD_AGE_EXCEEDED, attempt.invokes, None)
                finish(expired, state)
                if not attempt.records:
                    continue
            tried = await self._begin(self._try(attempt, finish, members, state))
            verdict, state = tried.verdict, tried.state
            if verdict.discarded:
                invokes = attempt.invokes + 1
                await self._discard(verdict.discarded, verdict.condition, invokes, tried.result)
                finish(verdict.discarded, state)
            pending.extendleft(reversed(verdict.pending))
            fruitless = 0 if verdict.done or verdict.discarded else fruitless + 1
            if fruitless:
                await self._clock.sleep(backoff(fruitless))

    async def _begin(self, attempt: Coroutine[Any, Any, _Tried]) -> _Tried:
        task = asyncio.create_task(attempt)
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_tell_fault)
            raise

    async def _try(
        self, attempt: Attempt, finish: Finish, members: Mapping[str, Any] | None, state: str
    ) -> _Tried:
        told = None if members is None else {**members, "state": json.loads(state)}
        answered = await self._invoke(attempt, told)
        verdict = judge(attempt, answered.outcome, self._mapping)
        state = answered.state or state
        if verdict.done or not (verdict.discarded or verdict.pending):
            finish(verdict.done, state)
        return _Tried(verdict, state, answered.result)

    async def _invoke(self, attempt: Attempt, members: Mapping[str, Any] | None) -> _Answered:
        target = self._mapping.target
        event = self._place.event(attempt.records) | dict(members or {})
        everything = frozenset(record.sequence for record in attempt.records)
        try:
            result = await self._invoker.invoke(
                target.function, json.dumps(event).encode(), qualifier=target.qualifier
            )
        except InvokeError as error:
            if error.status != 429:
                _logger.error("%s cannot be invoked: %s", target.function, error.message)
            self._report(CALL_FAILED)
            return _Answered(Outcome(reached=False, too_large=error.status == _TOO_LARGE))
        if result.function_error is not None:
            self._report(CALL_FAILED)
            return _Answered(Outcome(failed=everything or _NO_RECORD), result)
        try:
            state = None if members is None else returned_state(result.payload)
            failed = frozenset[str]()
            if self._mapping.reports_failures:
                failed = frozenset(
                    reported_failures(result.payload, everything, self._place.sequence)
                )
        except (InvalidState, InvalidReport) as error:
            _logger.warning(
                "A batch of %s counts as failed, because of the function's answer: %s",
                self._mapping.stream_arn,
                error,
            )
            self._report(CALL_FAILED)
            return _Answered(Outcome(failed=everything or _NO_RECORD), result)
        self._report(CALL_FAILED if failed else OK)
        return _Answered(Outcome(failed=failed), result, state)

    async def _discard(
        self,
        records: tuple[Record, ...],
        condition: Condition,
        invokes: int,
        result: InvokeResult | None,
    ) -> None:
        """Return when the destination has them, if there is one: else they would be lost."""
        mapping = self._mapping
        told = f"{len(records)} records of {mapping.stream_arn} are given up"
        _logger.warning("%s, from %s on: %s", told, records[0].sequence, condition)
        if condition is Condition.MAXIMUM_PAYLOAD_SIZE_EXCEEDED:
            self._report(f"PROBLEM: {told}, as their event is longer than 6 MB")
        if self._destination is None:
            return
        failure = Failure(
            mapping=mapping,
            place=self._place,
            records=records,
            condition=condition,
            invokes=invokes,
            result=result,
            now=self._clock.time(),
        )
        attempts = 0
        while True:
            try:
                return await self._destination.take(failure)
            except Exception as error:  # noqa: BLE001 - whatever it is, the records stay
                _logger.error("%s does not take a failure: %s", mapping.on_failure, error)
                self._report(f"PROBLEM: {mapping.on_failure} does not take what failed: {error}")
            attempts += 1
            await self._clock.sleep(backoff(attempts))


_NO_RECORD = frozenset({""})
"""What failed when the end of a window did."""


def _tell_fault(attempt: asyncio.Task[_Tried]) -> None:
    """Of an attempt that nobody waits for any more."""
    if not attempt.cancelled() and (error := attempt.exception()) is not None:
        _logger.error("What an attempt came to is not kept, and comes again", exc_info=error)
