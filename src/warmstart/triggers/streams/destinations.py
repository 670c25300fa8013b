"""AWS's services as on-failure destinations of mappings.

A bucket is given the whole event, a queue or a topic only where its records are.
"""

from __future__ import annotations

import json
from typing import Protocol

from warmstart.triggers.pollers import NotRead
from warmstart.triggers.streams.failures import Failure, OnFailure, object_key

__all__ = ["FailureDestinations", "destination_of"]

_TAKERS = ("sqs", "sns", "s3")


class FailureDestinations(Protocol):
    """Hands messages to SQS, SNS or S3."""

    async def send(
        self, target: str, body: str, function_arn: str, *, key: str | None = None
    ) -> None:
        """Return when it is taken. Raises an `Exception` if it is not.

        `target` is an ARN, `key` the name that an object of a bucket gets.
        """
        ...


def destination_of(target: str | None, destinations: FailureDestinations) -> OnFailure | None:
    """What an ARN names, if there is one.

    Raises:
        NotRead: it cannot take what fails.
    """
    if target is None:
        return None
    if _service(target) not in _TAKERS:
        raise NotRead(f"{target} cannot take what fails: only SQS, SNS and S3 can")
    return _Destination(target, destinations)


class _Destination:
    def __init__(self, target: str, destinations: FailureDestinations) -> None:
        self._target = target
        self._destinations = destinations

    async def take(self, failure: Failure) -> None:
        document = failure.document()
        key = None
        if _service(self._target) == "s3":
            document["payload"] = json.dumps(failure.event())
            key = object_key(failure)
        body, function_arn = json.dumps(document), failure.mapping.function_arn
        await self._destinations.send(self._target, body, function_arn, key=key)


def _service(arn: str) -> str:
    return "".join(arn.split(":")[2:3])
