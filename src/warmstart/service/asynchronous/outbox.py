"""Delivers what events leave for destinations and dead-letter queues.

A message that is not taken is tried again after 1 s, 2 s, 4 s ... 5 minutes, for six
hours; each failure is logged, and the end of it as an error, as then the message is
gone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from warmstart.service.asynchronous.destinations import Arn, NotDelivered
from warmstart.service.asynchronous.message import Message
from warmstart.service.asynchronous.pump import Pump
from warmstart.service.asynchronous.queue import DurableQueue, Waiting
from warmstart.service.asynchronous.retry import backoff
from warmstart.service.clock import Clock

__all__ = ["Outbox", "Sender"]

_CONCURRENCY = 8
_AGE = 21_600.0
_logger = logging.getLogger(__name__)


class Sender(Protocol):
    """Hands messages over to other services."""

    def send(self, message: Message) -> None:
        """Wait until it is taken; it is called in a thread. Raises `NotDelivered`."""
        ...


class Outbox:
    """`invoke` takes messages whose target is a function."""

    def __init__(
        self,
        queue: DurableQueue,
        sender: Sender,
        invoke: Callable[[Arn, Message], Awaitable[None]],
        clock: Clock,
        time_scale: float,
    ) -> None:
        self._queue = queue
        self._sender = sender
        self._invoke = invoke
        self._clock = clock
        self._time_scale = time_scale
        self._threads = ThreadPoolExecutor(_CONCURRENCY, thread_name_prefix="destination")
        self._pump = Pump(self._work, _CONCURRENCY, clock, time_scale)

    def open(self, waiting: list[Waiting]) -> None:
        """Begin with what was left from before."""
        for number, target, due in waiting:
            self._pump.push(target, number, due)
        self._pump.open()

    async def aclose(self) -> None:
        """Stop; what has not arrived stays in the queue."""
        await self._pump.aclose()
        await asyncio.to_thread(self._threads.shutdown)

    def push(self, number: int, message: Message) -> None:
        """A message is in the queue."""
        self._pump.push(message.target, number, message.due)

    @property
    def waiting(self) -> int:
        """How many messages have not arrived."""
        return self._pump.waiting + self._pump.under_way

    async def _work(self, number: int) -> bool:
        message = await self._queue.read_message(number)
        try:
            await self._send(message)
        except NotDelivered as error:
            await self._failed(number, message, error)
            return False
        await self._queue.finish_message(number)
        return True

    async def _send(self, message: Message) -> None:
        loop = asyncio.get_running_loop()
        try:
            arn = Arn.parse(message.target)
            if arn.service == "lambda":
                await self._invoke(arn, message)
            else:
                await loop.run_in_executor(self._threads, self._sender.send, message)
        except NotDelivered:
            raise
        except Exception as error:
            _logger.exception("Sending to %s failed in an unforeseen way", message.target)
            raise NotDelivered(repr(error)) from error

    async def _failed(self, number: int, message: Message, error: NotDelivered) -> None:
        failures = message.failures + 1
        due = self._clock.time() + backoff(failures) * self._time_scale
        subject = (
            f"the {'dead letter' if message.attributes else 'invocation record'} of request"
            f" {message.request_id} of {message.function_arn} ({message.condition})"
            f" for {message.target}"
        )
        if due >= message.created + _AGE * self._time_scale:
            _logger.error("Lost %s, after %d attempts: %s", subject, failures, error)
            await self._queue.finish_message(number)
        else:
            _logger.warning("Could not deliver %s, will try again: %s", subject, error)
            await self._queue.retry_message(number, due, failures)
            self._pump.push(message.target, number, due)
