"""An event that waits for its function, with all that is known of its attempts."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Event", "Response"]


@dataclass(frozen=True, slots=True)
class Response:
    """What the last attempt came to: a handler's answer (200), or a refusal's status alone.

    `message` is the refusal's, in the service's words.
    """

    status: int
    executed_version: str | None = None
    function_error: str | None = None
    payload: bytes | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Times are seconds since the epoch; `id` is the queue's, 0 before it is in one.

    `invoke_count` is the number of attempts that count against the retries,
    `refusals` the number of throttles and service errors since the last of these.
    """

    function: str
    qualifier: str
    payload: bytes
    request_id: str
    created: float
    due: float
    trace_id: str
    client_context: str | None = None
    tenant_id: str | None = None
    invoke_count: int = 0
    refusals: int = 0
    response: Response | None = None
    id: int = 0
