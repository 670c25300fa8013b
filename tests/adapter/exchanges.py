"""Exchanges for tests: what a runtime would be told."""

from __future__ import annotations

from typing import Any


class PostedAnswers:
    """An exchange that posts at once, as a runtime's does, and takes answers up to `limit`."""

    streaming = False

    def __init__(self, *, limit: int | None = None) -> None:
        self.results: list[Any] = []
        self._limit = limit

    @property
    def result(self) -> Any:
        """The one answer."""
        (result,) = self.results
        return result

    async def respond(self, result: Any) -> bool:
        if self._limit is not None and len(str(result)) > self._limit:
            return False
        self.results.append(result)
        return True

    async def start_stream(self, content_type: str, first: bytes, *, final: bool = False) -> None:
        raise NotImplementedError

    async def write(self, data: bytes) -> None:
        raise NotImplementedError

    async def finish(self) -> None:
        raise NotImplementedError

    async def fail(self, error: BaseException) -> None:
        raise NotImplementedError

    async def wait_disconnect(self) -> None:
        raise NotImplementedError


class Context:
    """A Lambda context whose deadline is `remaining` milliseconds away."""

    def __init__(self, remaining: int = 60_000) -> None:
        self._remaining = remaining

    def get_remaining_time_in_millis(self) -> int:
        return self._remaining
