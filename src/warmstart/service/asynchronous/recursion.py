"""Stops functions that invoke themselves without end.

The trace header tells how often a chain of invocations has run each function:
`Lineage=<function>:<count>|...`, as AWS's own looks. The runtime gives it to the
function, and the AWS SDKs there send it on with every call that they make, so the
next invocation of the chain arrives with it.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from warmstart.invoke import InvokeError, InvokeResult, InvokeStream
from warmstart.service.clock import Clock
from warmstart.service.functions import Functions
from warmstart.service.invocation import new_trace_id

__all__ = ["MAX_INVOCATIONS", "RecursionGuard", "RecursiveInvocation", "advance"]

MAX_INVOCATIONS = 16
"""AWS stops a function after about so many invocations in one chain."""


class RecursiveInvocation(InvokeError):
    """The function was invoked too often in one chain."""

    error_type = "RecursiveInvocationException"
    status = 400


class RecursionGuard:
    """Stands in front of `functions`; all invocations must pass it, of whatever type.

    `allows_loops` tells of a function whether its `RecursiveLoop` is `Allow`.
    """

    def __init__(
        self, functions: Functions, allows_loops: Callable[[str], bool], clock: Clock | None = None
    ) -> None:
        self._functions = functions
        self._allows_loops = allows_loops
        self._clock = clock or Clock()

    async def invoke(
        self, function: str, payload: bytes, *, trace_id: str | None = None, **options: Any
    ) -> InvokeResult:
        """Invoke, or raise `RecursiveInvocation`."""
        header = self._advance(trace_id, function)
        return await self._functions.invoke(function, payload, trace_id=header, **options)

    async def invoke_with_response_stream(
        self, function: str, payload: bytes, *, trace_id: str | None = None, **options: Any
    ) -> InvokeStream:
        """Invoke, or raise `RecursiveInvocation`."""
        header = self._advance(trace_id, function)
        return await self._functions.invoke_with_response_stream(
            function, payload, trace_id=header, **options
        )

    def check(self, function: str, qualifier: str | None = None) -> None:
        """Raises `ResourceNotFound` if an invocation would find nothing to run."""
        self._functions.check(function, qualifier)

    def _advance(self, trace_id: str | None, function: str) -> str:
        header, count = advance(trace_id or new_trace_id(self._clock.time()), function)
        if count > MAX_INVOCATIONS and not self._allows_loops(function):
            raise RecursiveInvocation(
                "Lambda has detected your function being invoked in a recursive loop"
                f" and stopped the invocation of {function} after {MAX_INVOCATIONS} in one chain."
            )
        return header


def advance(header: str, function: str) -> tuple[str, int]:
    """The trace header for one more invocation of the function, and how many it makes in the chain.

    A lineage that cannot be read counts as none.
    """
    if "Lineage=" not in header:  # as most: a chain begins
        return f"{header};Lineage={_key(function)}:1", 1
    # SDKs quote the header's `|` on its way.
    parts = [part for part in header.replace("%7C", "|").split(";") if part]
    lineage: dict[str, int] = {}
    others = []
    for part in parts:
        name, _, value = part.partition("=")
        if name == "Lineage":
            lineage = _read(value)
        else:
            others.append(part)
    key = _key(function)
    count = lineage.pop(key, 0) + 1
    lineage[key] = count
    return ";".join([*others, f"Lineage={_write(lineage)}"]), count


@lru_cache(4096)
def _key(function: str) -> str:
    return hashlib.sha256(function.encode()).hexdigest()[:8]


def _read(value: str) -> dict[str, int]:
    counts = {}
    for item in value.split("|"):
        name, _, count = item.rpartition(":")
        if name and count.isascii() and count.isdigit():
            counts[name] = int(count[:6])
    return counts


def _write(lineage: dict[str, int]) -> str:
    """The functions that ran last, so that the header stays short in the longest chain."""
    return "|".join(f"{name}:{count}" for name, count in [*lineage.items()][-32:])
