"""How a trigger has a function invoked without waiting for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["Account", "Enqueuer", "Target"]


@dataclass(frozen=True, slots=True)
class Account:
    """Where events say that they come from."""

    region: str = "us-east-1"
    id: str = "123456789012"


@dataclass(frozen=True, slots=True)
class Target:
    """The function that a trigger invokes; `qualifier` is a version or an alias."""

    function: str
    qualifier: str | None = None


class Enqueuer(Protocol):
    """Invokes functions asynchronously, with the retries and destinations that they have."""

    async def enqueue(
        self,
        function: str,
        qualifier: str | None,
        payload: bytes,
        *,
        request_id: str | None = None,
    ) -> None:
        """Take an event; when this returns, it is kept and will be delivered.

        Raises:
            warmstart.invoke.InvokeError: it was not taken.
        """
        ...
