"""A request that brings events, and who takes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from warmstart.events.http import HTTPRequest

__all__ = ["Push", "Receiver", "Refused"]


@dataclass(frozen=True, slots=True)
class Push:
    """A POST. The request's path is what comes after the receiver's own, as `/github`.

    It is `trusted` if it has the configured token or, where none is configured, comes from
    this machine. The others may still prove themselves to the receiver, by a signature.
    """

    request: HTTPRequest
    trusted: bool

    def header(self, name: str) -> str | None:
        """The value of a header, whose name is given in lower case."""
        wanted = name.encode("latin-1")
        for key, value in self.request.headers:
            if key == wanted:
                return value.decode("latin-1")
        return None

    def must_be_trusted(self) -> None:
        """Raises `Refused` if it is not."""
        if not self.trusted:
            raise Refused(
                403,
                "Only this machine may push here, unless a token is configured ([push] Token)"
                " and sent: as `?token=…` or `Authorization: Bearer …`.",
            )


class Refused(Exception):
    """A push is not taken; the status and the reason are for its sender."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Receiver(Protocol):
    """Takes the pushes of one kind."""

    async def receive(self, push: Push) -> int:
        """Take a push; when this returns, its events are kept. The status to answer with.

        Raises:
            Refused: it is not taken.
            warmstart.invoke.InvokeError: its events could not be kept; the sender may try again.
        """
        ...
