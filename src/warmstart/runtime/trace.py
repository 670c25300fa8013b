"""What belongs to one of many invocations: its ids for the log, its trace id for X-Ray.

X-Ray's SDK and botocore look for the trace id in the process's environment,
which holds one. So in multi-concurrent mode `os.environ` answers for that name
with what belongs to the invocation that asks.
"""

from __future__ import annotations

import os
from contextvars import ContextVar

from warmstart.runtime.logs import LogOutput

__all__ = ["ConcurrentLogOutput", "trace_environ", "trace_id"]

_NAME = "_X_AMZN_TRACE_ID"

trace_id: ContextVar[str | None] = ContextVar("warmstart_trace_id", default=None)
_scope: ContextVar[tuple[str, str | None]] = ContextVar("warmstart_scope", default=("", None))


class ConcurrentLogOutput(LogOutput):
    """A log output whose `scope` is the current context's own."""

    @property
    def scope(self) -> tuple[str, str | None]:
        return _scope.get()

    @scope.setter
    def scope(self, scope: tuple[str, str | None]) -> None:
        _scope.set(scope)


class _TracedEnviron(os._Environ):  # type: ignore[type-arg]
    def __getitem__(self, name: str) -> str:
        if name == _NAME:
            found = trace_id.get()
            if found is None:
                raise KeyError(name)
            return found
        return str(super().__getitem__(name))


def trace_environ() -> None:
    """Let `os.environ` give each invocation its own trace id from now on."""
    plain = os.environ
    os.environ = _TracedEnviron(  # noqa: B003 - same data, new lookup
        plain._data,  # type: ignore[attr-defined]
        plain.encodekey,
        plain.decodekey,
        plain.encodevalue,
        plain.decodevalue,
    )
