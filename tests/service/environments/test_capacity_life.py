"""Any order of arrivals, answers, deaths, updates, settings and time, each decision carried out.

Five fleets share an account and a machine that are both too small: two versions
of a function, two tenants of another, and one whose environments serve two at a
time. `World` does what pools do, without sandboxes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from warmstart.service.environments.capacity import GRACE, RETRY, Actions, Fleet, decide
from warmstart.service.environments.concurrency import PATIENCE, Account, Allotment
from warmstart.service.environments.environment import MOVES, Environment, IllegalMove, State
from warmstart.service.environments.host import Host

IDLE_TIMEOUT = 60.0
UNANSWERED = (State.SUPPRESSED_INIT, State.RUNNING)
UNUSED = (State.STARTED, State.READY, State.RESET)
ENDED = (State.SHUTDOWN, State.EXITED)


class Double(Environment):
    """An environment that serves two at a time; it answers one after the other."""

    places = 2

    def __init__(self, name: str, generation: int, now: float) -> None:
        super().__init__(name, generation, now)
        self.serving = 0

    @property
    def free(self) -> int:
        return self.places - self.serving if self.state in (State.READY, State.RUNNING) else 0

    def assign(self, request_id: str, now: float) -> None:
        if not self.free:
            raise IllegalMove("full")
        self.serving += 1
        self.state = State.RUNNING
        self.since = now

    def done(self, now: float) -> None:
        """It has answered and asked for the next."""
        self.serving -= 1
        self.state = State.RUNNING if self.serving else State.READY
        self.since = now


class Life:
    """A fleet, its waiters, and what became of those who came."""

    def __init__(self, function: str, fleet: Fleet, kind: type[Environment]) -> None:
        self.function = function
        self.fleet = fleet
        self.kind = kind
        self.environments: list[Environment] = []
        self.waiting: deque[int] = deque()
        self.wake_at: float | None = None
        self.acting = False
        self.arrived = self.served = self.refused = self.failed = 0

    @property
    def alive(self) -> list[Environment]:
        return [e for e in self.environments if e.state not in ENDED]

    @property
    def current(self) -> list[Environment]:
        return [e for e in self.alive if e.generation == self.fleet.generation]

    @property
    def running(self) -> int:
        return sum(
            e.serving if isinstance(e, Double) else e.state in UNANSWERED for e in self.alive
        )


class World(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.count = 0
        self.account = Account(4, unreserved_minimum=1, rate=None)
        self.host = Host(5)
        allotments = {name: self.account.allotment(name) for name in "ab"}
        allotments["c"] = Allotment.boundless()
        self.lives = [
            Life(name, Fleet(allotments[name], self.host, idle_timeout=IDLE_TIMEOUT), Environment)
            for name in "aabb"
        ]
        double = Fleet(allotments["c"], self.host, idle_timeout=IDLE_TIMEOUT, places=2)
        self.lives.append(Life("c", double, Double))

    # What a pool does

    def act(self, life: Life) -> None:
        if life.acting:
            return
        actions = decide(life.fleet, len(life.waiting), self.now)
        life.acting = True
        self.perform(life, actions)
        life.acting = False
        after = decide(life.fleet, len(life.waiting), self.now)
        assert (after.assign, after.stop, after.evict) == ([], [], [])
        assert (after.start, after.provision, after.refuse) == (0, 0, 0)
        assert after.wake_at is None or after.wake_at > self.now
        life.wake_at = after.wake_at
        allotment = life.fleet.allotment
        for fleet in list(allotment.patient):
            if allotment.free:
                self.act(next(each for each in self.lives if each.fleet is fleet))

    def perform(self, life: Life, actions: Actions) -> None:
        fleet = life.fleet
        allotment = fleet.allotment
        taken = allotment.taken
        for environment in actions.assign:
            assert environment.generation == fleet.generation
            assert environment in life.environments
            environment.assign(str(life.waiting.popleft()), self.now)
            fleet.file(environment)
        for _ in range(actions.refuse):
            life.waiting.pop()
            life.refused += 1
        fleet.be_patient(actions.patient)
        for environment in actions.stop:
            self.stop(life, environment)
        for environment in actions.evict:
            owner = next(each for each in self.lives if environment in each.environments)
            if environment.state not in ENDED:
                self.stop(owner, environment)
        for provisioned in [False] * actions.start + [True] * actions.provision:
            self.count += 1
            environment = life.kind(str(self.count), fleet.generation, self.now)
            life.environments.append(environment)
            fleet.add(environment, provisioned=provisioned)
        if allotment.taken > taken:
            assert allotment.taken + allotment.provisioned <= allotment.limit
        if actions.start or actions.provision:
            assert sum(len(each.alive) for each in self.lives) <= self.host.limit

    def stop(self, life: Life, environment: Environment) -> None:
        assert environment.state in UNUSED
        environment.stop(self.now)
        self.moved(life, environment)

    def moved(self, life: Life, environment: Environment) -> None:
        life.fleet.file(environment)
        self.act(life)

    # What happens

    def any_environment(
        self, data: st.DataObject, which: Callable[[Environment], bool]
    ) -> tuple[Life, Environment] | None:
        found = [(life, e) for life in self.lives for e in life.environments if which(e)]
        return data.draw(st.sampled_from(found)) if found else None

    @initialize()
    def begin(self) -> None:
        for life in self.lives:
            self.act(life)

    @rule(which=st.integers(0, 4), count=st.integers(1, 5))
    def invocations_arrive(self, which: int, count: int) -> None:
        life = self.lives[which]
        for _ in range(count):
            self.count += 1
            life.arrived += 1
            life.waiting.append(self.count)
            self.act(life)

    @rule(seconds=st.sampled_from([0.001, GRACE, 0.1, PATIENCE, IDLE_TIMEOUT]))
    def time_passes(self, seconds: float) -> None:
        until = self.now + seconds
        while due := [e for e in self.lives if e.wake_at is not None and e.wake_at <= until]:
            life = min(due, key=lambda each: each.wake_at or 0.0)
            assert life.wake_at is not None
            self.now = max(life.wake_at, self.now)
            life.wake_at = None
            self.act(life)
        self.now = until
        if seconds >= PATIENCE:
            for life in self.lives:
                assert len(life.waiting) <= len(life.fleet.starting) * life.fleet.places

    @rule(data=st.data())
    def a_runtime_is_ready(self, data: st.DataObject) -> None:
        found = self.any_environment(
            data, lambda e: e.state in (State.STARTED, State.SUPPRESSED_INIT)
        )
        if found is not None:
            found[1].next(self.now)
            self.moved(*found)

    @rule(data=st.data())
    def a_runtime_responds(self, data: st.DataObject) -> None:
        found = self.any_environment(data, lambda e: e.state is State.RUNNING)
        if found is not None:
            life, environment = found
            life.served += 1
            if isinstance(environment, Double):
                environment.done(self.now)
            else:
                assert environment.request_id is not None
                environment.begin_response(environment.request_id, self.now)
                environment.end_response(self.now)
            self.moved(life, environment)

    @rule(data=st.data())
    def a_runtime_that_has_responded_asks_for_more(self, data: st.DataObject) -> None:
        found = self.any_environment(data, lambda e: e.state is State.RESPONSE_SENT)
        if found is not None:
            found[1].next(self.now)
            self.moved(*found)

    @rule(data=st.data())
    def a_runtime_ends(self, data: st.DataObject) -> None:
        """Its environment is reset; a provisioned one that fails in its INIT ends."""
        found = self.any_environment(data, lambda e: State.RESET in MOVES[e.state])
        if found is None or isinstance(found[1], Double):
            return
        life, environment = found
        if environment.state is State.STARTED and environment in life.fleet.provisioned:
            life.fleet.retry_at = self.now + RETRY
            environment.stop(self.now)
        else:
            life.failed += environment.state in UNANSWERED
            environment.reset(self.now)
        self.moved(life, environment)

    @rule(data=st.data())
    def an_environment_dies(self, data: st.DataObject) -> None:
        found = self.any_environment(data, lambda e: e.state is not State.EXITED)
        if found is not None:
            life, environment = found
            running = life.running
            if environment.state is State.STARTED:
                self.init_fails(life, environment)
            environment.exited(self.now)
            life.failed += running - life.running
            self.moved(life, environment)

    def init_fails(self, life: Life, environment: Environment) -> None:
        if environment in life.fleet.provisioned:
            life.fleet.retry_at = self.now + RETRY
        elif life.waiting and environment.generation == life.fleet.generation:
            life.waiting.popleft()
            life.failed += 1

    @rule(which=st.integers(0, 4))
    def a_function_is_updated(self, which: int) -> None:
        life = self.lives[which]
        life.fleet.renew(idle_timeout=IDLE_TIMEOUT, places=life.fleet.places)
        self.act(life)

    @rule(function=st.sampled_from("ab"), count=st.none() | st.integers(0, 4))
    def concurrency_is_reserved(self, function: str, count: int | None) -> None:
        try:
            self.account.reserve(function, count)
        except ValueError:
            return
        for life in self.lives:
            allotment = self.account.allotment(life.function)
            if life.function == function and life.fleet.allotment is not allotment:
                life.fleet.move(allotment)
        for life in self.lives:
            self.act(life)

    @rule(which=st.integers(0, 3), count=st.integers(0, 3))
    def concurrency_is_provisioned(self, which: int, count: int) -> None:
        life = self.lives[which]
        others = [e for e in self.lives if e.function == life.function and e is not life]
        try:
            total = count + sum(each.fleet.wanted for each in others)
            self.account.provision(life.function, total)
        except ValueError:
            return
        life.fleet.wanted = count
        life.fleet.retry_at = 0.0
        for each in self.lives:
            self.act(each)

    # What must hold

    @invariant()
    def nobody_is_forgotten(self) -> None:
        for life in self.lives:
            assert life.arrived == (
                life.served + life.refused + life.failed + life.running + len(life.waiting)
            )

    @invariant()
    def whoever_waits_has_something_to_wait_for(self) -> None:
        for life in self.lives:
            if life.waiting:
                waits = life.wake_at is not None and life.wake_at > self.now
                assert life.fleet.starting or waits
                assert not life.fleet.kept
                assert not life.fleet.idle or not life.fleet.allotment.free

    @invariant()
    def the_places_taken_are_those_of_invocations_and_starting_environments(self) -> None:
        taken: dict[int, int] = {}
        for life in self.lives:
            for e in life.alive:
                current = e.generation == life.fleet.generation
                holds = e.places - e.free
                if not current and e.state in (*UNUSED, State.RESPONSE_SENT):
                    holds = 0
                if e not in life.fleet.provisioned:
                    key = id(life.fleet.allotment)
                    taken[key] = taken.get(key, 0) + holds
        for life in self.lives:
            assert life.fleet.allotment.taken == taken.get(id(life.fleet.allotment), 0)

    @invariant()
    def the_host_knows_what_it_bears(self) -> None:
        assert self.host.environments == sum(len(life.alive) for life in self.lives)
        assert set(self.host.idle) == {e for life in self.lives for e in life.fleet.idle}

    @invariant()
    def the_provisioned_are_kept(self) -> None:
        for life in self.lives:
            fleet = life.fleet
            missing = fleet.wanted - len(fleet.provisioned)
            assert missing <= 0 or life.wake_at is not None
            if missing < 0:
                assert not fleet.kept
                assert life.waiting or not fleet.provisioned & set(fleet.starting)
            assert fleet.provisioned <= set(life.current)

    @invariant()
    def old_generations_only_finish(self) -> None:
        for life in self.lives:
            old = set(life.alive) - set(life.current)
            assert not any(e.state in UNUSED for e in old)
            assert set(life.fleet.old) == old


World.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestWorld = World.TestCase
