"""The life of an environment that serves many invocations at once. Pure.

Its states are those of `environment.py`, up to READY: it can be given another
invocation; and RUNNING: it has as many as it may have. Each invocation has a
state of its own, and is done when its response is: a runtime asks for the next
event whenever it likes, on as many connections as it serves invocations.
"""

from __future__ import annotations

from warmstart.service.environments.environment import MOVES, Environment, Refusal, State

__all__ = ["ConcurrentEnvironment"]


class ConcurrentEnvironment(Environment):
    """An environment for `places` invocations at once. One that is late keeps its place."""

    __slots__ = ("_invocations", "_late", "places")

    moves = MOVES | {State.RUNNING: {State.READY, State.SHUTDOWN, State.EXITED}}

    def __init__(self, environment_id: str, generation: int, now: float, places: int) -> None:
        super().__init__(environment_id, generation, now)
        self.places = places
        self._invocations: dict[str, State] = {}
        self._late: set[str] = set()

    @property
    def free(self) -> int:
        """How many invocations may be given to it now."""
        return self.places - len(self._invocations) if self.state is State.READY else 0

    @property
    def is_unused(self) -> bool:
        """Whether it has no invocation."""
        return not self._invocations and super().is_unused

    def assign(self, request_id: str, now: float) -> None:
        """Give it an invocation."""
        if self.free == 1 or self.state is not State.READY:
            self._move(State.RUNNING, now)
        self._invocations[request_id] = State.RUNNING
        self.invocations += 1

    def time_out(self, request_id: str) -> None:
        """The invocation's caller has been answered; the runtime goes on, and keeps the place."""
        self._late.add(request_id)

    def next(self, now: float) -> None:
        """`GET invocation/next`. The first one ends INIT."""
        if self.state is not State.READY and self.state is not State.RUNNING:
            self._transition(State.READY, now)

    def begin_response(self, request_id: str, now: float) -> None:
        """`POST invocation/{id}/response`, before its body is read."""
        self._begin(request_id, State.INVOCATION_RESPONSE, now)

    def begin_error(self, request_id: str, now: float) -> None:
        """`POST invocation/{id}/error`, before its body is read."""
        self._begin(request_id, State.INVOCATION_ERROR_RESPONSE, now)

    def _begin(self, request_id: str, to: State, now: float) -> None:
        state = self._invocations.get(request_id)
        if state is None:
            raise Refusal(400, "InvalidRequestID", "Invalid request ID")
        if request_id in self._late:
            self.finish(request_id, now)
            raise Refusal(410, "InvokeTimeout", "Invoke timeout")
        if state is not State.RUNNING:
            raise Refusal(
                403,
                "InvalidStateTransition",
                f"State transition from {state.value} to {to.value} failed for runtime."
                " Error: State transition is not allowed",
            )
        self._invocations[request_id] = to

    def finish(self, request_id: str, now: float) -> None:
        """The invocation is done: its place is free again."""
        del self._invocations[request_id]
        self._late.discard(request_id)
        if self.state is State.RUNNING:
            self._move(State.READY, now)
        elif self.state is State.READY:
            self.since = now
