"""The extensions of one runtime: who is registered for what, and where each one is. Pure.

    STARTED ──register──▶ REGISTERED ──next──▶ READY ──event──▶ RUNNING ─┐
                              │                  ▲                       │
                       init/error, exit/error    └───────── next ────────┘

External extensions are known before they register, for they are programs that
the service starts; internal ones are threads of the runtime, which come into
being by registering. What an extension asks out of turn is refused. States,
error types and messages are those of AWS's runtime interface emulator:
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Sequence
from enum import Enum

from warmstart.service.environments.environment import Refusal

__all__ = ["INVOKE", "MAX_EXTENSIONS", "MOVES", "SHUTDOWN", "Extension", "Registry", "State"]

INVOKE = "INVOKE"
SHUTDOWN = "SHUTDOWN"

MAX_EXTENSIONS = 10


class State(Enum):
    """Where an extension is in its life; the names appear in logs and errors."""

    STARTED = "Started"
    REGISTERED = "Registered"
    READY = "Ready"
    RUNNING = "Running"
    INIT_ERROR = "InitError"
    EXIT_ERROR = "ExitError"
    LAUNCH_ERROR = "LaunchError"


MOVES: dict[State, set[State]] = {
    State.STARTED: {State.REGISTERED, State.LAUNCH_ERROR},
    State.REGISTERED: {State.READY, State.INIT_ERROR, State.EXIT_ERROR},
    State.READY: {State.RUNNING, State.EXIT_ERROR},
    State.RUNNING: {State.READY, State.EXIT_ERROR},
    # To say it twice does no harm; the first error counts.
    State.INIT_ERROR: {State.INIT_ERROR},
    State.EXIT_ERROR: {State.EXIT_ERROR},
    State.LAUNCH_ERROR: set(),
}

_IN_MESSAGES = {State.EXIT_ERROR: "Exited"}
"""What the emulator calls the state that `exit/error` leads to, when it refuses it."""


class Extension:
    """One extension. `events` are those that it wants, `error_type` what it said went wrong."""

    __slots__ = ("error_type", "events", "external", "id", "name", "state")

    def __init__(self, name: str, *, external: bool) -> None:
        self.id = str(uuid.uuid4())
        self.name = name
        self.external = external
        self.events: tuple[str, ...] = ()
        self.state = State.STARTED
        self.error_type: str | None = None

    def __repr__(self) -> str:
        return f"<Extension {self.name} {self.state.name}>"

    def move(self, to: State, error_type: str | None = None) -> None:
        """Go on. Raises `Refusal` if that cannot be done from here."""
        if to not in MOVES[self.state]:
            whose = self.name if to is State.REGISTERED else self.id
            raise Refusal(
                403,
                "Extension.InvalidExtensionState",
                f"State transition from {self.state.value} to {_IN_MESSAGES.get(to, to.value)}"
                f" failed for extension {whose}. Error: State transition is not allowed",
            )
        self.state = to
        self.error_type = self.error_type or error_type


class Registry:
    """All extensions of a runtime, and the `events` there are.

    With `closed` no internal one may join any more.
    """

    def __init__(self, events: Collection[str] = (INVOKE, SHUTDOWN)) -> None:
        self._events = events
        self._by_name: dict[str, Extension] = {}
        self._by_id: dict[str, Extension] = {}
        self.closed = False

    def __iter__(self) -> Iterator[Extension]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    @property
    def all_ready(self) -> bool:
        """Whether every extension has asked for its next event, and has none to work on."""
        return all(each.state is State.READY for each in self._by_name.values())

    @property
    def all_registered(self) -> bool:
        """Whether none that was started is still to register."""
        return all(each.state is not State.STARTED for each in self._by_name.values())

    @property
    def external(self) -> bool:
        """Whether there is an external one."""
        return any(each.external for each in self._by_name.values())

    def launch(self, name: str) -> Extension:
        """An external extension is about to be started."""
        return self._add(Extension(name, external=True))

    def register(self, name: str, events: Sequence[str]) -> Extension:
        """An extension registers for events. Raises `Refusal`."""
        extension = self._by_name.get(name)
        external = extension is not None and extension.external
        for event in events:
            self._check_event(event, external=external)
        if extension is None or not external:
            extension = self._join(name)
        extension.move(State.REGISTERED)
        extension.events = tuple(dict.fromkeys(events))
        return extension

    def _check_event(self, event: str, *, external: bool) -> None:
        if event not in self._events:
            raise Refusal(403, "Extension.InvalidEventType", f"{event}: ErrorInvalidEventType")
        if event == SHUTDOWN and not external:
            reason = "ShutdownEventNotSupportedForInternalExtension"
            raise Refusal(403, "Extension.InvalidEventType", f"{event}: {reason}")

    def _join(self, name: str) -> Extension:
        if self.closed:
            raise Refusal(
                403, "Extension.RegistrationClosed", "Extension registration closed already"
            )
        if len(self) >= MAX_EXTENSIONS:
            message = f"Extension limit ({MAX_EXTENSIONS}) reached"
            raise Refusal(403, "Extension.TooManyExtensions", message)
        if name in self._by_name:
            message = "Extension with this name already registered"
            raise Refusal(403, "Extension.InvalidExtensionState", message)
        return self._add(Extension(name, external=False))

    def _add(self, extension: Extension) -> Extension:
        self._by_name[extension.name] = extension
        self._by_id[extension.id] = extension
        return extension

    def find(self, identifier: str | None) -> Extension:
        """The extension that was given this identifier. Raises `Refusal`."""
        if not identifier:
            raise Refusal(
                403,
                "Extension.MissingExtensionIdentifier",
                "Missing Lambda-Extension-Identifier header",
            )
        try:
            canonical = str(uuid.UUID(identifier))
        except ValueError:
            raise Refusal(
                403, "Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier"
            ) from None
        if canonical not in self._by_id:
            raise Refusal(
                403, "Extension.UnknownExtensionIdentifier", f"Unknown extension {canonical}"
            )
        return self._by_id[canonical]

    def subscribers(self, event: str) -> list[Extension]:
        """Those that want events of this kind."""
        return [each for each in self._by_name.values() if event in each.events]
