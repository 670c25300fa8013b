"""What a function's answer says of its batch. Pure.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Any

__all__ = ["InvalidReport", "reported_failures"]


class InvalidReport(ValueError):
    """A report of failures makes no sense, for which the whole batch counts as failed."""


def reported_failures(
    payload: bytes, identifiers: Collection[str], meant: Callable[[Any], Any] = lambda name: name
) -> set[str]:
    """Which of a batch's items a function with `ReportBatchItemFailures` says to have failed.

    `meant` is the identifier that stands for what the function says.

    Raises:
        InvalidReport: it says something else, or of items that are not in the batch.
    """
    try:
        answer = json.loads(payload or b"null")
    except ValueError:
        raise InvalidReport("it is not JSON") from None
    if not answer:
        return set()
    if not isinstance(answer, dict):
        raise InvalidReport("it is not an object")
    failures = answer.get("batchItemFailures") or []
    if not isinstance(failures, list):
        raise InvalidReport("batchItemFailures is not a list")
    return {_identifier(failure, identifiers, meant) for failure in failures}


def _identifier(failure: Any, identifiers: Collection[str], meant: Callable[[Any], Any]) -> str:
    if not isinstance(failure, dict) or list(failure) != ["itemIdentifier"]:
        raise InvalidReport(f'{json.dumps(failure)} is not {{"itemIdentifier": …}}')
    identifier = meant(failure["itemIdentifier"])
    if not isinstance(identifier, str) or identifier not in identifiers:
        raise InvalidReport(f"{json.dumps(failure['itemIdentifier'])} is not in the batch")
    return identifier
