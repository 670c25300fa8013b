"""Reads a queue of SQS for a function: an event source mapping at work.

One reader polls, for as long as SQS lets it wait, and hands batches to tasks of their
own, of which there are as many as the function bears. What a batch has done with is
deleted; the rest becomes visible again by the queue's own time-out, and goes to its
dead-letter queue by the queue's own rule. So each message is handled at least once,
wherever this process is killed.

A FIFO queue hands out no message of a group of which one is under way. What one
answer brings is therefore one batch, and the order within groups is kept.

botocore blocks, so it runs in threads. One that waits for messages cannot be stopped:
if nobody wants them any more when they come, it makes them visible again at once.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from warmstart.invoke import InvokeError, Invoker, InvokeResult
from warmstart.triggers.clock import Clock
from warmstart.triggers.enqueuer import Target
from warmstart.triggers.queues.batches import Limit, split
from warmstart.triggers.queues.event import queue_record
from warmstart.triggers.queues.filters import message_filter
from warmstart.triggers.queues.results import InvalidReport, reported_failures

__all__ = ["LONG_POLL", "QueueMapping", "QueuePoller"]

LONG_POLL = 20
"""Seconds; SQS's longest."""

_AT_ONCE = 10
"""Messages that one call of SQS takes or gives at the most."""

_MAX_CONCURRENCY = 1000
_SHORT, _LONG = 0.1, 5.0
"""Seconds between attempts at a function that is throttled, at first and in the end."""

_UNREACHABLE = 5.0
"""Seconds until a queue that cannot be read is tried again."""

_logger = logging.getLogger(__name__)

_Batch = list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueMapping:
    """What an event source mapping says of a queue."""

    queue_arn: str
    target: Target
    batch_size: int = 10
    window: float = 0.0
    reports_failures: bool = False
    maximum_concurrency: int = _MAX_CONCURRENCY
    patterns: tuple[str, ...] = ()

    @classmethod
    def read(cls, mapping: Mapping[str, Any]) -> QueueMapping:
        """The mapping of that name in the Lambda API's own members."""
        name, _, qualifier = mapping["FunctionArn"].split(":", 6)[6].partition(":")
        scaling = mapping.get("ScalingConfig") or {}
        filters = (mapping.get("FilterCriteria") or {}).get("Filters", [])
        return cls(
            queue_arn=mapping["EventSourceArn"],
            target=Target(name, qualifier or None),
            batch_size=mapping["BatchSize"],
            window=mapping.get("MaximumBatchingWindowInSeconds", 0),
            reports_failures="ReportBatchItemFailures" in mapping.get("FunctionResponseTypes", []),
            maximum_concurrency=scaling.get("MaximumConcurrency", _MAX_CONCURRENCY),
            patterns=tuple(each["Pattern"] for each in filters),
        )

    @property
    def is_fifo(self) -> bool:
        """Whether the queue keeps the order of its messages."""
        return self.queue_arn.endswith(".fifo")


class QueuePoller:
    """Reads one queue from `start` to `stop`. `client` is botocore's, of SQS."""

    def __init__(
        self,
        mapping: QueueMapping,
        client: Any,
        invoker: Invoker,
        *,
        clock: Clock | None = None,
        long_poll: int = LONG_POLL,
    ) -> None:
        self._mapping = mapping
        self._client = client
        self._invoker = invoker
        self._clock = clock or Clock()
        self._long_poll = long_poll
        self._wanted = message_filter(mapping.patterns)
        self._limit = Limit(mapping.maximum_concurrency)
        self._batches: set[asyncio.Task[None]] = set()
        self._url = ""
        self._visibility = 0.0

    def start(self) -> None:
        """Begin to read."""
        self._reader = asyncio.create_task(self._read())

    async def stop(self) -> None:
        """Read no more, and return when all that was read is done with."""
        self._reader.cancel()
        await asyncio.wait({self._reader})
        if self._batches:
            await asyncio.wait(self._batches)

    async def aclose(self) -> None:
        """Stop at once; what is under way will become visible again."""
        tasks = {self._reader, *self._batches}
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    # Reading

    async def _read(self) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        while True:
            try:
                await self._find_queue()
                await self._read_on()
            except (BotoCoreError, ClientError) as error:
                _logger.error(
                    "%s cannot be read, will try again: %s", self._mapping.queue_arn, error
                )
            except Exception:  # a fault of ours must not end the reading
                _logger.exception("%s cannot be read, will try again", self._mapping.queue_arn)
            await self._clock.sleep(_UNREACHABLE)

    async def _find_queue(self) -> None:
        _, _, _, _, account, name = self._mapping.queue_arn.split(":")
        found = await asyncio.to_thread(
            self._client.get_queue_url, QueueName=name, QueueOwnerAWSAccountId=account
        )
        self._url = found["QueueUrl"]
        attributes = await asyncio.to_thread(
            self._client.get_queue_attributes,
            QueueUrl=self._url,
            AttributeNames=["VisibilityTimeout"],
        )
        self._visibility = float(attributes["Attributes"]["VisibilityTimeout"])

    async def _read_on(self) -> None:
        while True:
            while len(self._batches) >= self._limit.value:
                await asyncio.wait(self._batches, return_when=asyncio.FIRST_COMPLETED)
            messages = await self._gather()
            if messages:
                self._dispatch(messages)

    async def _gather(self) -> list[Any]:
        """The messages for as many batches as there may be more, within the batching window."""
        size = self._mapping.batch_size
        most = size
        if not self._mapping.is_fifo and not self._mapping.window:
            most *= self._limit.value - len(self._batches)
        messages = await self._receive(most, self._long_poll)
        end = self._clock.time() + self._mapping.window
        while messages and len(messages) < size and (left := end - self._clock.time()) > 0:
            wait = min(self._long_poll, max(1, round(left)))
            try:
                messages += await self._receive(size - len(messages), wait)
            except BaseException:
                _start_thread(self._give_back, messages)
                raise
        return messages

    async def _receive(self, most: int, wait: int) -> list[Any]:
        """Messages, or none after `wait` seconds without one."""

        def receive() -> list[Any]:
            answer = self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=min(most, _AT_ONCE),
                WaitTimeSeconds=wait,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            return list(answer.get("Messages", []))

        messages: list[Any] = await _in_thread(receive, self._give_back)
        return messages

    def _give_back(self, messages: list[Any]) -> None:
        if messages:
            self._client.change_message_visibility_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(n), "ReceiptHandle": each["ReceiptHandle"], "VisibilityTimeout": 0}
                    for n, each in enumerate(messages)
                ],
            )

    # Handling

    def _dispatch(self, messages: list[Any]) -> None:
        records = [queue_record(message, self._mapping.queue_arn) for message in messages]
        wanted = [record for record in records if self._wanted(record)]
        unwanted = [record for record in records if record not in wanted]
        if unwanted:
            self._begin(self._delete(unwanted))
        batches = list(split(wanted, self._mapping.batch_size))
        if self._mapping.is_fifo:
            self._begin(self._handle_all(batches))
        else:
            for batch in batches:
                self._begin(self._handle_all([batch]))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._batches.add(task)
        task.add_done_callback(self._batches.discard)

    async def _handle_all(self, batches: list[_Batch]) -> None:
        """One batch after the other, up to one that fails: what follows it must not overtake."""
        try:
            for batch in batches:
                done = await self._handle(batch)
                if done:
                    await self._delete(done)
                if len(done) < len(batch):
                    return
        except Exception:  # its messages become visible again
            _logger.exception("A batch of %s is not done with", self._mapping.queue_arn)

    async def _handle(self, batch: _Batch) -> _Batch:
        """Invoke the function; the records that it is done with."""
        # The header tells of a chain of invocations, and so of a loop through the queue.
        trace_id = batch[0]["attributes"].get("AWSTraceHeader")
        result = await self._invoke(json.dumps({"Records": batch}).encode(), trace_id)
        if result is None or result.function_error is not None:
            return []
        self._limit.succeeded()
        if not self._mapping.reports_failures:
            return batch
        identifiers = {record["messageId"] for record in batch}
        try:
            failed = reported_failures(result.payload, identifiers)
        except InvalidReport as error:
            _logger.warning(
                "All of a batch of %s counts as failed, because of the function's report: %s",
                self._mapping.queue_arn,
                error,
            )
            return []
        return [record for record in batch if record["messageId"] not in failed]

    async def _invoke(self, payload: bytes, trace_id: str | None) -> InvokeResult | None:
        """The answer; `None` if the function cannot be reached before the messages are seen."""
        deadline = self._clock.time() + self._visibility / 2
        delay = _SHORT
        target = self._mapping.target
        while True:
            try:
                return await self._invoker.invoke(
                    target.function, payload, qualifier=target.qualifier, trace_id=trace_id
                )
            except InvokeError as error:
                if error.status == 429:
                    self._limit.throttled()
                elif error.status < 500:
                    _logger.error("%s cannot be invoked: %s", target.function, error.message)
                    return None
            if self._clock.time() + delay > deadline:
                return None
            await self._clock.sleep(delay)
            delay = min(2 * delay, _LONG)

    async def _delete(self, records: _Batch) -> None:
        for start in range(0, len(records), _AT_ONCE):
            entries = [
                {"Id": str(number), "ReceiptHandle": record["receiptHandle"]}
                for number, record in enumerate(records[start : start + _AT_ONCE])
            ]
            answer = await asyncio.to_thread(
                self._client.delete_message_batch, QueueUrl=self._url, Entries=entries
            )
            for failure in answer.get("Failed", []):
                _logger.warning(
                    "A message of %s is not deleted, and comes again: %s",
                    self._mapping.queue_arn,
                    failure.get("Message"),
                )


async def _in_thread(call: Callable[[], Any], give_back: Callable[[Any], None]) -> Any:
    """What `call` returns, from a thread that keeps no process from ending.

    If nobody waits for it any more by then, it goes to `give_back`.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(result: Any, error: Exception | None) -> None:
        if future.cancelled():
            if error is None:
                _start_thread(give_back, result)
        elif error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)

    def run() -> None:
        result: Any = None
        problem: Exception | None = None
        try:
            result = call()
        except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
            problem = error
        try:
            loop.call_soon_threadsafe(settle, result, problem)
        except RuntimeError:  # the loop is closed
            if problem is None:
                give_back(result)

    _start_thread(run)
    return await future


def _start_thread(call: Callable[..., None], *arguments: Any) -> None:
    threading.Thread(target=call, args=arguments, name="sqs", daemon=True).start()
