"""Which environment serves which invocation, and how many there are. Pure.

`Fleet` keeps the environments of one function sorted by what they are doing;
`decide` looks at it and at the number of invocations that wait, and says what
to do. It changes nothing itself: who performs its `Actions` moves the
environments and files them anew, and asks again when anything has changed or
`wake_at` is reached.

- Invocations wait in one queue. Whichever environment is free first takes the
  oldest; of several free ones the most recently used, so that the others can
  grow old and stop.
- A waiter gets a new environment unless one that is being started, or one that
  is about to come back, will serve it. "About to come back" is an environment
  that has answered and not yet asked for its next event: a runtime needs some
  microseconds between the two, and a client that sends one request after the
  other must not cause cold starts. One that takes longer than `GRACE` is busy
  with background work.
- At `max_concurrency` the newest waiters are refused; only if an environment has
  answered within `PATIENCE` they wait for it, since on a loaded host the few
  microseconds may become many.
- An update makes all environments old: nothing more is given to them. Those that
  wait stop at once, the others when they are done with their invocation. An old
  one counts as capacity only until it has answered.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from warmstart.service.environments.environment import Environment, State

__all__ = ["GRACE", "PATIENCE", "Actions", "Fleet", "decide"]

GRACE = 0.020
"""Seconds an environment may take from its answer to `next` before a waiter gets a cold start.

It takes well under a millisecond, unless the host is busy; a cold start takes a hundred.
"""

PATIENCE = 1.0
"""Seconds it may take before a waiter is refused, where no more environments may be started."""

_UNUSED = {State.STARTED, State.INIT_ERROR, State.READY, State.RESET}
"""The states of an environment that has no invocation."""

_Group = dict[Environment, None]
"""Environments in the order in which they came: the first is there the longest."""


class Fleet:
    """The environments of one function, by what they are doing."""

    def __init__(self, max_concurrency: int, idle_timeout: float) -> None:
        self.max_concurrency = max_concurrency
        self.idle_timeout = idle_timeout
        self.generation = 0
        self.starting: _Group = {}
        self.idle: _Group = {}
        self.busy: _Group = {}
        self.returning: _Group = {}
        self.old: _Group = {}
        self._groups: dict[State, _Group] = {
            State.STARTED: self.starting,
            State.INIT_ERROR: self.starting,
            State.READY: self.idle,
            State.RESET: self.idle,
            State.SUPPRESSED_INIT: self.busy,
            State.RUNNING: self.busy,
            State.INVOCATION_RESPONSE: self.busy,
            State.INVOCATION_ERROR_RESPONSE: self.busy,
            State.RESPONSE_SENT: self.returning,
        }
        self._filed: dict[Environment, _Group] = {}

    def file(self, environment: Environment) -> None:
        """Note what the environment is doing now. To be called after each of its moves.

        One that stops is forgotten: it serves nobody and takes no place. One that failed its
        INIT is about to be reset, and then serves whoever it was started for.
        """
        before = self._filed.pop(environment, None)
        if before is not None:
            del before[environment]
        group = self._groups.get(environment.state)
        if group is not None:
            if environment.generation != self.generation:
                group = self.old
            group[environment] = None
            self._filed[environment] = group

    def renew(self, max_concurrency: int, idle_timeout: float) -> None:
        """Begin a new generation: what is here now is old."""
        self.max_concurrency = max_concurrency
        self.idle_timeout = idle_timeout
        self.generation += 1
        for environment in list(self._filed):
            self.file(environment)

    @property
    def places(self) -> int:
        """How many more environments may be started."""
        taken = len(self.starting) + len(self.idle) + len(self.busy) + len(self.returning)
        taken += sum(
            environment.request_id is not None and not _answered(environment)
            for environment in self.old
        )
        return max(self.max_concurrency - taken, 0)


@dataclass(slots=True)
class Actions:
    """What to do. `assign` is for the oldest waiters in turn, `refuse` counts from the newest."""

    assign: list[Environment] = field(default_factory=list)
    stop: list[Environment] = field(default_factory=list)
    start: int = 0
    refuse: int = 0
    wake_at: float | None = None


def decide(fleet: Fleet, waiting: int, now: float) -> Actions:
    """What is to be done for `waiting` invocations at `now`, which must never run backwards."""
    actions = Actions()
    if waiting:
        _assign(fleet, waiting, actions)
        waiting -= len(actions.assign) + len(fleet.starting)
        if waiting > 0:
            _grow(fleet, waiting, now, actions)
    if fleet.old:
        actions.stop = [e for e in fleet.old if e.state in _UNUSED]
    if fleet.idle:
        _retire(fleet, now, actions)
    return actions


def _assign(fleet: Fleet, waiting: int, actions: Actions) -> None:
    for environment in reversed(fleet.idle):
        if len(actions.assign) == waiting:
            return
        actions.assign.append(environment)


def _grow(fleet: Fleet, waiting: int, now: float, actions: Actions) -> None:
    """Serve the waiters for whom there is neither an idle nor a starting environment."""
    coming = _coming_back(fleet, GRACE, waiting, now, actions)
    short = waiting - coming
    actions.start = min(short, fleet.places)
    short -= actions.start
    if short > 0:
        late = _coming_back(fleet, PATIENCE, short + coming, now, actions) - coming
        actions.refuse = max(short - late, 0)


def _coming_back(fleet: Fleet, within: float, wanted: int, now: float, actions: Actions) -> int:
    """How many environments answered so recently that they will serve a waiter, up to `wanted`."""
    found = 0
    for environment in reversed(fleet.returning):
        until = environment.since + within
        if found == wanted or until <= now:
            break
        found += 1
        _wake(actions, until)
    return found


def _retire(fleet: Fleet, now: float, actions: Actions) -> None:
    for environment in fleet.idle:
        if environment in actions.assign:
            return
        until = environment.since + fleet.idle_timeout
        if until > now:
            _wake(actions, until)
            return
        actions.stop.append(environment)


def _wake(actions: Actions, at: float) -> None:
    if actions.wake_at is None or at < actions.wake_at:
        actions.wake_at = at


def _answered(environment: Environment) -> bool:
    return environment.state is State.RESPONSE_SENT
