"""What decoding and building raise, and nothing else."""

from __future__ import annotations

__all__ = [
    "EventError",
    "MalformedEvent",
    "MalformedResponse",
    "ResponseTooLarge",
    "UnknownEvent",
]


class EventError(ValueError):
    """Something on the wire is not what its format says."""


class MalformedEvent(EventError):
    """An event of a known format has a part that cannot be read.

    `field` is its path in the event, as in `requestContext.http.method`.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class MalformedResponse(EventError):
    """A function's answer is not a response of the format that its front door wants."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class UnknownEvent(EventError):
    """An event of no format known here."""


class ResponseTooLarge(EventError):
    """A response is larger than its front door takes from a function. The text says what to do."""
