"""What a service's invocations go through, from the API down to the data plane."""

from __future__ import annotations

from typing import Protocol

from warmstart.invoke import Invoker

__all__ = ["Functions"]


class Functions(Invoker, Protocol):
    """What runs functions, and knows which there are."""

    def check(self, function: str, /, qualifier: str | None = None) -> None:
        """Raises an `InvokeError` if an invocation would find nothing to run."""
        ...
