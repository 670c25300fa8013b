"""An execution environment's life: an enum, a table of legal moves, and nothing else.

The states up to RESPONSE_SENT are those of Lambda's Runtime API and bear its
names, because they appear in the errors it answers with:

    STARTED ──next──▶ READY ──event──▶ RUNNING ──response──▶ … ──▶ RESPONSE_SENT ─┐
       │                ▲                                                         │
       └─init/error─▶ INIT_ERROR        └──────────────── next ───────────────────┘

A runtime that failed its INIT, timed out, crashed or left is ended and the
environment RESET: it keeps its name and its /tmp, has no runtime, and may be
given an invocation. The new runtime's INIT is then a part of that invocation
(SUPPRESSED_INIT, to the Runtime API the same as STARTED):

    any of the above ──▶ RESET ──event──▶ SUPPRESSED_INIT ──next──▶ RUNNING

One that a snapshot is for passes through RESTORING on its way from INIT to READY, where
its after-restore hooks run, and one that is made from a snapshot begins there.

From each of them the environment may be told to stop (SHUTDOWN) or end (EXITED).
What the *runtime* asks out of turn is its own mistake and is answered
(`Refusal`); an illegal move by the *service* is ours and raises `IllegalMove`.
Nothing here does I/O or knows the time: `now` is passed in.
"""

from __future__ import annotations

from enum import Enum

__all__ = ["Environment", "IllegalMove", "Refusal", "State"]


class State(Enum):
    """Where an environment is in its life."""

    STARTED = "Started"
    INIT_ERROR = "InitError"
    RESTORING = "Restoring"
    RESTORE_ERROR = "RestoreError"
    READY = "Ready"
    RUNNING = "Running"
    INVOCATION_RESPONSE = "InvocationResponse"
    INVOCATION_ERROR_RESPONSE = "InvocationErrorResponse"
    RESPONSE_SENT = "RuntimeResponseSentState"
    RESET = "Reset"
    SUPPRESSED_INIT = "SuppressedInit"
    SHUTDOWN = "Shutdown"
    EXITED = "Exited"

    @property
    def runtime_state(self) -> str:
        """What the Runtime API calls it in its errors."""
        return "Started" if self is State.SUPPRESSED_INIT else self.value


_FREE = {State.READY, State.RESET}
_UNUSED = {
    State.STARTED,
    State.INIT_ERROR,
    State.RESTORING,
    State.RESTORE_ERROR,
    State.READY,
    State.RESET,
}
_END = {State.SHUTDOWN, State.EXITED}
_BREAK = {State.RESET} | _END

MOVES: dict[State, set[State]] = {
    State.STARTED: {State.READY, State.INIT_ERROR, State.RESTORING} | _BREAK,
    State.INIT_ERROR: _BREAK,
    State.RESTORING: {State.READY, State.RESTORE_ERROR} | _BREAK,
    State.RESTORE_ERROR: _BREAK,
    State.READY: {State.RUNNING} | _BREAK,
    State.RUNNING: {State.INVOCATION_RESPONSE, State.INVOCATION_ERROR_RESPONSE} | _BREAK,
    State.INVOCATION_RESPONSE: {State.RESPONSE_SENT} | _BREAK,
    State.INVOCATION_ERROR_RESPONSE: {State.RESPONSE_SENT} | _BREAK,
    State.RESPONSE_SENT: {State.READY} | _BREAK,
    State.RESET: {State.SUPPRESSED_INIT, State.STARTED} | _END,
    State.SUPPRESSED_INIT: {State.RUNNING, State.INIT_ERROR} | _BREAK,
    State.SHUTDOWN: {State.EXITED},
    State.EXITED: set(),
}


class IllegalMove(RuntimeError):
    """The service asked for a move that the life of an environment does not have."""


class Refusal(Exception):
    """The Runtime API refuses what the runtime asked: an HTTP status and AWS's error type."""

    def __init__(self, status: int, error_type: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.message = message


class Environment:
    """One environment's state. `since` is when it entered it, on the caller's clock.

    `places` is how many invocations it serves at the same time.
    """

    places = 1

    __slots__ = ("generation", "id", "invocations", "request_id", "since", "state")

    moves = MOVES

    def __init__(self, environment_id: str, generation: int, now: float) -> None:
        self.id = environment_id
        self.generation = generation
        self.state = State.STARTED
        self.since = now
        self.request_id: str | None = None
        self.invocations = 0

    def __repr__(self) -> str:
        return f"<Environment {self.id} generation {self.generation} {self.state.name}>"

    @property
    def is_unused(self) -> bool:
        """Whether it has no invocation."""
        return self.state in _UNUSED

    @property
    def free(self) -> int:
        """How many invocations may be given to it now."""
        return self.places if self.state in _FREE else 0

    # What the service does to it.

    def assign(self, request_id: str, now: float) -> None:
        """Give it an invocation; one that was reset runs its INIT within it."""
        if self.request_id is not None:
            raise IllegalMove(f"{self!r} has an invocation")
        self._move(State.SUPPRESSED_INIT if self.state is State.RESET else State.RUNNING, now)
        self.request_id = request_id
        self.invocations += 1

    def restore(self, now: float) -> None:
        """It is being made from a snapshot."""
        self._move(State.RESTORING, now)

    def reset(self, now: float) -> None:
        """Its runtime is being ended, and will be started anew for the next invocation."""
        self._move(State.RESET, now)
        self.request_id = None

    def start_again(self, now: float) -> None:
        """Its runtime is started anew, for no invocation."""
        self._move(State.STARTED, now)

    def stop(self, now: float) -> None:
        """Begin SHUTDOWN."""
        self._move(State.SHUTDOWN, now)

    def exited(self, now: float) -> None:
        """Its process is gone."""
        self._move(State.EXITED, now)

    # What its runtime asks for.

    def next(self, now: float) -> None:
        """`GET invocation/next`. To ask again while waiting or running changes nothing."""
        if self.state is State.READY or self.state is State.RUNNING:
            return
        if self.state is State.SUPPRESSED_INIT:
            self._transition(State.RUNNING, now)
            return
        self._transition(State.READY, now)
        self.request_id = None

    def begin_response(self, request_id: str, now: float) -> None:
        """`POST invocation/{id}/response`, before its body is read."""
        self._check(request_id)
        self._transition(State.INVOCATION_RESPONSE, now)

    def begin_error(self, request_id: str, now: float) -> None:
        """`POST invocation/{id}/error`, before its body is read."""
        self._check(request_id)
        self._transition(State.INVOCATION_ERROR_RESPONSE, now)

    def end_response(self, now: float) -> None:
        """The response or error is complete, unless the environment was ended meanwhile."""
        if self.state not in _BREAK:
            self._move(State.RESPONSE_SENT, now)

    def init_error(self, now: float) -> None:
        """`POST init/error`; of a restore if that is what fails."""
        if self.state is State.RESTORING:
            self._transition(State.RESTORE_ERROR, now)
        else:
            self._transition(State.INIT_ERROR, now)

    def restore_next(self, now: float) -> None:
        """`GET restore/next`: INIT is done, and a copy may go on from here."""
        # A refusal names the state that AWS's own emulator names.
        self._transition(State.RESTORING, now, State.READY)

    def restore_error(self, now: float) -> None:
        """`POST restore/error`."""
        self._transition(State.RESTORE_ERROR, now)

    def _check(self, request_id: str) -> None:
        if request_id != self.request_id:
            raise Refusal(400, "InvalidRequestID", "Invalid request ID")

    def _transition(self, to: State, now: float, said: State | None = None) -> None:
        if to not in self.moves[self.state]:
            raise Refusal(
                403,
                "InvalidStateTransition",
                f"State transition from {self.state.runtime_state} to {(said or to).value} failed"
                " for runtime. Error: State transition is not allowed",
            )
        self.state = to
        self.since = now

    def _move(self, to: State, now: float) -> None:
        if to not in self.moves[self.state]:
            raise IllegalMove(f"{self!r} cannot become {to.name}")
        self.state = to
        self.since = now
