"""Which environment serves which invocation, and how many there are. Pure.

`Fleet` keeps the environments of one function version (of one tenant, where
tenants are isolated) sorted by what they are doing; `decide` looks at it and at
the number of invocations that wait, and says what to do. Who performs its
`Actions` moves the environments and files them anew, and asks again when
anything has changed or `wake_at` is reached.

- Invocations wait in one queue. Whichever environment is free first takes the
  oldest; provisioned ones come first, and of several free ones the most recently
  used, so that the others can grow old and stop.
- To run, an invocation needs a place in the fleet's `Allotment` of concurrency;
  the environment that serves it holds it. Provisioned environments need none.
- A waiter gets a new environment unless one that is being started, or one that
  is about to come back, will serve it. "About to come back" is an environment
  that has answered and not yet asked for its next event: a runtime needs some
  microseconds between the two, and a client that sends one request after the
  other must not cause cold starts. One that takes longer than `GRACE` is busy
  with background work.
- Where neither a place, nor the scaling rate, nor the `Host` allows a new one,
  the newest waiters are refused; only if an environment has answered within
  `PATIENCE` they wait for it. If it is the place that lacks, any environment of
  the same allotment may be the one: its fleet passes it on.
- As many provisioned environments are kept as are wanted. One without a runtime is
  of no use, so it is replaced, not reset. Where one fails in its INIT, the next
  attempt is made after `RETRY`.
- An update makes all environments old: nothing more is given to them. Those that
  wait stop at once, the others when they are done with their invocation. An old
  one counts as concurrency only until it has answered.

Each decision takes a time that does not grow with the number of environments or
waiters, but only with that of its actions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from warmstart.service.environments.concurrency import PATIENCE, Allotment, Bucket, Reason
from warmstart.service.environments.environment import Environment, State
from warmstart.service.environments.host import Host

__all__ = ["GRACE", "RETRY", "Actions", "Fleet", "decide", "evictable"]

GRACE = 0.020
"""Seconds an environment may take from its answer to `next` before a waiter gets a cold start.

It takes well under a millisecond, unless the host is busy; a cold start takes a hundred.
"""

RETRY = 60.0
"""Seconds from a provisioned environment's failed INIT to the next attempt."""

ROOM_RETRY = 1.0
"""Seconds from finding the host full to the next attempt at a provisioned environment."""

_Group = dict[Environment, None]
"""Environments in the order in which they came: the first is there the longest."""


class Fleet:
    """The environments of one function version, by what they are doing.

    `places` is how many invocations one of them serves at the same time. Of the
    free ones, `idle` and `kept` (provisioned) serve nobody now, `shared` still
    have places. `returning` have answered within `GRACE`, `late` within
    `PATIENCE`; `background` before that. What is `discarded` is to be stopped.
    """

    def __init__(
        self,
        allotment: Allotment,
        host: Host,
        *,
        idle_timeout: float,
        places: int = 1,
        growth: Bucket | None = None,
    ) -> None:
        self.allotment = allotment
        self.host = host
        self.idle_timeout = idle_timeout
        self.places = places
        self.growth = growth
        self.generation = 0
        self.provisioned: set[Environment] = set()
        self.wanted = 0
        self.retry_at = 0.0
        self.starting: _Group = {}
        self.shared: _Group = {}
        self.kept: _Group = {}
        self.idle: _Group = {}
        self.busy: _Group = {}
        self.returning: _Group = {}
        self.late: _Group = {}
        self.background: _Group = {}
        self.old: _Group = {}
        self.discarded: _Group = {}
        self._groups: dict[State, _Group] = {
            State.STARTED: self.starting,
            State.INIT_ERROR: self.starting,
            State.RESTORING: self.starting,
            State.RESTORE_ERROR: self.starting,
            State.SUPPRESSED_INIT: self.busy,
            State.RUNNING: self.busy,
            State.INVOCATION_RESPONSE: self.busy,
            State.INVOCATION_ERROR_RESPONSE: self.busy,
            State.RESPONSE_SENT: self.returning,
        }
        # With the places of the allotment that each has taken.
        self._filed: dict[Environment, tuple[_Group, int]] = {}

    # Keeping account

    def add(self, environment: Environment, *, provisioned: bool = False) -> None:
        """There is a new environment."""
        if provisioned:
            self.provisioned.add(environment)
        elif self.growth is not None:
            self.growth.take(1, environment.since)
        self.host.environments += 1
        self.file(environment)

    def file(self, environment: Environment) -> None:
        """Note what the environment is doing now. To be called after each of its moves.

        One that stops is forgotten: it serves nobody and takes no place. One that failed its
        INIT is about to be reset, and then serves whoever it was started for.
        """
        before, taken = self._filed.pop(environment, (None, 0))
        if before is not None:
            del before[environment]
            self._leave(environment, before)
        free = environment.free
        group = self._group(environment, free)
        if group is None or group is self.discarded:
            self.provisioned.discard(environment)
        if group is None:
            self.allotment.taken -= taken
            self.host.environments -= before is not None
            return
        group[environment] = None
        takes = self._takes(environment, group, free)
        self.allotment.taken += takes - taken
        self._filed[environment] = (group, takes)
        if group is self.idle:
            self.host.idle[environment] = None
        elif group is self.returning and takes:
            self.allotment.answered[environment] = None

    def renew(self, *, idle_timeout: float, places: int) -> None:
        """Begin a new generation: what is here now is old."""
        self.idle_timeout = idle_timeout
        self.places = places
        self.generation += 1
        self.retry_at = 0.0
        self.provisioned.clear()
        for environment in list(self._filed):
            self.file(environment)

    def move(self, allotment: Allotment) -> None:
        """Take places from another allotment from now on; those that are taken go along."""
        self.be_patient(0)
        taken = sum(taken for _, taken in self._filed.values())
        self.allotment.taken -= taken
        allotment.taken += taken
        answered = [each for each in self._filed if each in self.allotment.answered]
        for each in answered:
            del self.allotment.answered[each]
        answered = sorted([*allotment.answered, *answered], key=lambda each: each.since)
        allotment.answered = dict.fromkeys(answered)
        self.allotment = allotment

    def be_patient(self, waiters: int) -> None:
        """So many waiters of this fleet wait for a place to become free."""
        if waiters:
            self.allotment.patient[self] = waiters
        else:
            self.allotment.patient.pop(self, None)

    def advance(self, now: float) -> None:
        """Sort those that have answered by how long ago that was."""
        self.allotment.advance(now)
        self._age(self.late, PATIENCE, self.background, now)
        self._age(self.returning, GRACE, self.late, now)
        self._age(self.late, PATIENCE, self.background, now)

    def _age(self, group: _Group, after: float, into: _Group, now: float) -> None:
        while group:
            first = next(iter(group))
            if first.since + after > now:
                return
            del group[first]
            into[first] = None
            self._filed[first] = (into, self._filed[first][1])

    def _leave(self, environment: Environment, group: _Group) -> None:
        if group is self.idle:
            del self.host.idle[environment]
        elif group is self.returning or group is self.late:
            self.allotment.answered.pop(environment, None)

    def _group(self, environment: Environment, free: int) -> _Group | None:
        state = environment.state
        if state is State.SHUTDOWN or state is State.EXITED:
            return None
        if environment.generation != self.generation:
            return self.discarded if environment.is_unused else self.old
        if state is State.RESET and environment in self.provisioned:
            return self.discarded
        if not free:
            return self._groups[state]
        if free < environment.places:
            return self.shared
        return self.kept if environment in self.provisioned else self.idle

    def _takes(self, environment: Environment, group: _Group, free: int) -> int:
        if group is self.discarded or environment in self.provisioned:
            return 0
        if group is self.old and environment.state is State.RESPONSE_SENT:
            return 0
        return environment.places - free

    # What there is

    @property
    def is_settled(self) -> bool:
        """Whether nothing is to be stopped or started for any other reason than load and time."""
        return not self.discarded and self.wanted == len(self.provisioned)

    @property
    def ready(self) -> int:
        """How many provisioned environments are through their INIT."""
        return sum(environment not in self.starting for environment in self.provisioned)

    def room(self, now: float, free: int, host: int) -> tuple[int, Reason]:
        """How many environments may be started on demand, and why there may be no more.

        `free` are the places of the allotment and `host` those of the host that are left.
        """
        room, reason = free // self.places, self.allotment.reason
        if self.growth is not None and self.growth.tokens(now) < room:
            room, reason = self.growth.tokens(now), Reason.CONCURRENCY
        return (host, Reason.HOST) if host < room else (room, reason)


@dataclass(slots=True)
class Actions:
    """What to do, in this order.

    `assign` is for the oldest waiters in turn, `refuse` counts from the newest, for
    `reason`. `evict` are idle environments of any fleet of the host, that make room
    for those to be started, `start` of them on demand and `provision` provisioned.
    """

    assign: list[Environment] = field(default_factory=list)
    refuse: int = 0
    reason: Reason | None = None
    patient: int = 0
    stop: list[Environment] = field(default_factory=list)
    evict: list[Environment] = field(default_factory=list)
    start: int = 0
    provision: int = 0
    wake_at: float | None = None


def decide(fleet: Fleet, waiting: int, now: float) -> Actions:
    """What is to be done for `waiting` invocations at `now`, which must never run backwards."""
    if fleet.returning or fleet.late or fleet.allotment.answered:
        fleet.advance(now)
    decision = _Decision(fleet, now)
    if waiting:
        waiting -= decision.assign(waiting)
        covered = min(waiting, len(fleet.starting) * fleet.places)
        if waiting > covered:
            decision.grow(waiting - covered)
        # An idle environment would serve them sooner, were there a place for it.
        decision.actions.patient += min(covered, decision.idle)
    if fleet.wanted > len(fleet.provisioned):
        decision.provision()
    elif fleet.wanted < len(fleet.provisioned):
        decision.release(waiting)
    actions = decision.actions
    actions.stop.extend(fleet.discarded)
    if actions.start or actions.provision:
        decision.make_room()
    if fleet.idle:
        decision.retire()
    return actions


def evictable(host: Host, count: int, assigned: Sequence[Environment] = ()) -> list[Environment]:
    """The longest idle of the host's environments, but none that are just assigned."""
    taken = set(assigned)
    return list(islice((each for each in host.idle if each not in taken), max(count, 0)))


class _Decision:
    """A decision being made. `free`, `idle` and `kept` are what is left at each step."""

    __slots__ = ("actions", "fleet", "free", "idle", "kept", "now")

    def __init__(self, fleet: Fleet, now: float) -> None:
        self.fleet = fleet
        self.now = now
        self.actions = Actions()
        self.free = 0
        self.idle = len(fleet.idle)
        self.kept = len(fleet.kept)

    @property
    def room(self) -> int:
        """How many more environments the host could bear, if those that are idle make room."""
        fleet = self.fleet
        idle = len(fleet.host.idle) - len(fleet.idle) + self.idle
        return fleet.host.free + idle + len(fleet.discarded) - self.actions.start

    def assign(self, waiting: int) -> int:
        """Give the waiters what is free; return how many are served."""
        fleet, assigned = self.fleet, self.actions.assign
        self.free = fleet.allotment.free
        for environment in reversed(fleet.kept):
            count = min(environment.free, waiting - len(assigned))
            if not count:
                return len(assigned)
            assigned.extend([environment] * count)
            self.kept -= 1
        for group in (fleet.shared, fleet.idle):
            for environment in reversed(group):
                count = min(environment.free, waiting - len(assigned), self.free)
                if not count:
                    return len(assigned)
                assigned.extend([environment] * count)
                self.free -= count
                if group is fleet.idle:
                    self.idle -= 1
        return len(assigned)

    def grow(self, waiting: int) -> None:
        """Serve the waiters for whom there is neither a free nor a starting environment."""
        fleet, actions = self.fleet, self.actions
        coming = min(len(fleet.returning), waiting)
        if coming:
            self.wake(next(iter(fleet.returning)).since + GRACE)
        short = waiting - coming
        if not short:
            return
        room, reason = fleet.room(self.now, self.free, self.room)
        actions.start = min(-(-short // fleet.places), room)
        short -= actions.start * fleet.places
        if short > 0:
            late = max(min(self.late(reason) - coming, short), 0)
            actions.refuse = short - late
            actions.reason = reason
            if reason is fleet.allotment.reason:
                actions.patient = coming + late

    def late(self, reason: Reason) -> int:
        """How many waiters may count on environments that have answered within `PATIENCE`."""
        fleet, allotment = self.fleet, self.fleet.allotment
        own = len(fleet.returning) + len(fleet.late)
        if own:
            self.wake(next(iter(fleet.late or fleet.returning)).since + PATIENCE)
        if reason is not allotment.reason or len(allotment.answered) <= own:
            return own
        self.wake(next(iter(allotment.answered)).since + PATIENCE)
        others = sum(allotment.patient.values()) - allotment.patient.get(fleet, 0)
        return max(own, len(allotment.answered) - others)

    def provision(self) -> None:
        """Start the provisioned environments that are missing."""
        missing = self.fleet.wanted - len(self.fleet.provisioned)
        if self.now < self.fleet.retry_at:
            self.wake(self.fleet.retry_at)
            return
        self.actions.provision = min(missing, self.room)
        if self.actions.provision < missing:
            self.wake(self.now + ROOM_RETRY)

    def release(self, waiting: int) -> None:
        """Stop provisioned environments that are too many, but none that serves a waiter."""
        fleet, stop = self.fleet, self.actions.stop
        surplus = len(fleet.provisioned) - fleet.wanted
        stop.extend(islice(fleet.kept, min(surplus, self.kept)))
        if not waiting:
            starting = (each for each in fleet.starting if each in fleet.provisioned)
            stop.extend(islice(starting, surplus - len(stop)))

    def make_room(self) -> None:
        """Stop the longest idle of all fleets where the host has no room for what is started."""
        actions, host = self.actions, self.fleet.host
        over = actions.start + actions.provision - host.free - len(actions.stop)
        if over > 0:
            actions.evict = evictable(host, over, actions.assign)

    def retire(self) -> None:
        """Stop what has been idle for too long."""
        for environment in islice(self.fleet.idle, self.idle):
            until = environment.since + self.fleet.idle_timeout
            if until > self.now:
                self.wake(until)
                return
            self.actions.stop.append(environment)

    def wake(self, at: float) -> None:
        if self.actions.wake_at is None or at < self.actions.wake_at:
            self.actions.wake_at = at
