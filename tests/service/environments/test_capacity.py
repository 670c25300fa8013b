from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from warmstart.service.environments.capacity import GRACE, PATIENCE, Actions, Fleet, decide
from warmstart.service.environments.environment import Environment, State

IDLE_TIMEOUT = 60.0


def fleet_of(*environments: Environment, max_concurrency: int = 10) -> Fleet:
    fleet = Fleet(max_concurrency, IDLE_TIMEOUT)
    for environment in environments:
        fleet.file(environment)
    return fleet


def starting(name: str = "starting") -> Environment:
    return Environment(name, 0, 0.0)


def idle(name: str = "idle", since: float = 0.0) -> Environment:
    environment = Environment(name, 0, since)
    environment.next(since)
    return environment


def busy(name: str = "busy") -> Environment:
    environment = idle(name)
    environment.assign("id", 0.0)
    return environment


def answered(at: float, name: str = "answered") -> Environment:
    environment = busy(name)
    environment.begin_response("id", at)
    environment.end_response(at)
    return environment


def names(environments: Iterable[Environment]) -> list[str]:
    return [environment.id for environment in environments]


def test_without_demand_nothing_is_done() -> None:
    assert decide(fleet_of(starting(), busy()), 0, 1.0) == Actions()


def test_the_most_recently_used_environment_serves_first() -> None:
    fleet = fleet_of(idle("old", 1.0), idle("young", 2.0))

    assert names(decide(fleet, 1, 3.0).assign) == ["young"]
    assert names(decide(fleet, 2, 3.0).assign) == ["young", "old"]


def test_each_waiter_gets_an_environment_of_its_own() -> None:
    assert decide(fleet_of(), 10, 0.0) == Actions(start=10)


def test_an_environment_that_is_starting_serves_one_waiter() -> None:
    fleet = fleet_of(starting(), busy())

    assert decide(fleet, 1, 0.0).start == 0
    assert decide(fleet, 3, 0.0).start == 2


def test_beyond_the_limit_the_newest_are_refused() -> None:
    fleet = fleet_of(busy("a"), busy("b"), max_concurrency=3)

    assert decide(fleet, 4, 0.0) == Actions(start=1, refuse=3)


def test_an_environment_that_has_just_answered_is_waited_for() -> None:
    fleet = fleet_of(answered(5.0))

    assert decide(fleet, 1, 5.0) == Actions(wake_at=5.0 + GRACE)
    assert decide(fleet, 1, 5.0 + GRACE) == Actions(start=1)


def test_an_environment_busy_with_background_work_counts_as_busy() -> None:
    assert decide(fleet_of(answered(5.0)), 1, 7.0) == Actions(start=1)


def test_each_returning_environment_is_waited_for_by_one() -> None:
    fleet = fleet_of(answered(4.999, "a"), answered(5.0, "b"))

    assert decide(fleet, 3, 5.0).start == 1


def test_one_that_answered_long_ago_does_not_hide_one_that_has_just_answered() -> None:
    fleet = fleet_of(answered(1.0, "background"), answered(5.0, "returning"))

    assert decide(fleet, 1, 5.0) == Actions(wake_at=5.0 + GRACE)


def test_the_first_grace_to_pass_is_when_to_decide_again() -> None:
    fleet = fleet_of(answered(4.999, "a"), answered(5.0, "b"))

    assert decide(fleet, 2, 5.0) == Actions(wake_at=4.999 + GRACE)


def test_at_the_limit_a_waiter_has_patience_with_an_environment_that_answered() -> None:
    fleet = fleet_of(answered(5.0), max_concurrency=1)

    assert decide(fleet, 2, 5.5) == Actions(refuse=1, wake_at=5.0 + PATIENCE)
    assert decide(fleet, 1, 5.0 + PATIENCE) == Actions(refuse=1)


def test_an_idle_environment_stops_after_the_idle_time() -> None:
    fleet = fleet_of(idle("a", 1.0), idle("b", 2.0))

    assert decide(fleet, 0, 2.0) == Actions(wake_at=1.0 + IDLE_TIMEOUT)
    decision = decide(fleet, 0, 1.0 + IDLE_TIMEOUT)
    assert names(decision.stop) == ["a"]
    assert decision.wake_at == 2.0 + IDLE_TIMEOUT


def test_an_idle_environment_past_its_time_still_serves_a_waiter() -> None:
    decision = decide(fleet_of(idle()), 1, 2 * IDLE_TIMEOUT)

    assert names(decision.assign) == ["idle"]
    assert decision.stop == []


def test_an_update_stops_what_waits_and_lets_the_busy_finish() -> None:
    fleet = fleet_of(starting(), idle(), busy(), answered(5.0))
    fleet.renew(10, IDLE_TIMEOUT)

    assert names(decide(fleet, 0, 5.0).stop) == ["starting", "idle"]


def test_after_an_update_only_new_environments_serve() -> None:
    fleet = fleet_of(idle(), answered(5.0))
    fleet.renew(10, IDLE_TIMEOUT)
    decision = decide(fleet, 1, 5.0)

    assert decision.assign == []
    assert decision.start == 1


@pytest.mark.parametrize(("environment", "places"), [(busy(), 0), (answered(0.0), 1), (idle(), 1)])
def test_an_old_environment_takes_a_place_until_it_has_answered(
    environment: Environment, places: int
) -> None:
    fleet = fleet_of(environment, max_concurrency=1)
    fleet.renew(1, IDLE_TIMEOUT)

    assert fleet.places == places


def test_an_environment_that_ends_frees_its_place() -> None:
    environment = busy()
    fleet = fleet_of(environment, max_concurrency=1)
    environment.exited(1.0)
    fleet.file(environment)

    assert fleet.places == 1


class Life(RuleBasedStateMachine):
    """Any order of arrivals, answers, deaths, updates and time, with each decision carried out."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.fleet = Fleet(3, IDLE_TIMEOUT)
        self.environments: list[Environment] = []
        self.waiting = 0
        self.count = 0
        self.arrived = self.served = self.refused = self.failed = 0

    def act(self) -> None:
        actions = decide(self.fleet, self.waiting, self.now)
        for environment in actions.assign:
            assert environment.generation == self.fleet.generation
            self.count += 1
            environment.assign(str(self.count), self.now)
            self.fleet.file(environment)
            self.waiting -= 1
        self.refused += actions.refuse
        self.waiting -= actions.refuse
        for _ in range(actions.start):
            self.count += 1
            environment = Environment(str(self.count), self.fleet.generation, self.now)
            self.environments.append(environment)
            self.fleet.file(environment)
        for environment in actions.stop:
            environment.stop(self.now)
            self.fleet.file(environment)
        after = decide(self.fleet, self.waiting, self.now)
        assert (after.assign, after.stop, after.start, after.refuse) == ([], [], 0, 0)
        assert after.wake_at is None or after.wake_at > self.now
        self.wake_at = after.wake_at

    def any_in(self, data: st.DataObject, *states: State) -> Environment | None:
        found = [e for e in self.environments if e.state in states]
        return data.draw(st.sampled_from(found)) if found else None

    def moved(self, environment: Environment) -> None:
        self.fleet.file(environment)
        self.act()

    @rule(count=st.integers(1, 5))
    def invocations_arrive(self, count: int) -> None:
        for _ in range(count):
            self.arrived += 1
            self.waiting += 1
            self.act()

    @rule(seconds=st.sampled_from([0.001, GRACE, 0.1, PATIENCE, IDLE_TIMEOUT]))
    def time_passes(self, seconds: float) -> None:
        until = self.now + seconds
        while self.wake_at is not None and self.wake_at <= until:
            self.now = self.wake_at
            self.act()
        self.now = until

    wake_at: float | None = None

    @rule(data=st.data())
    def a_runtime_asks_for_the_next_event(self, data: st.DataObject) -> None:
        environment = self.any_in(data, State.STARTED, State.RESPONSE_SENT)
        if environment is not None:
            environment.next(self.now)
            self.moved(environment)

    @rule(data=st.data())
    def a_runtime_responds(self, data: st.DataObject) -> None:
        environment = self.any_in(data, State.RUNNING)
        if environment is not None:
            assert environment.request_id is not None
            environment.begin_response(environment.request_id, self.now)
            environment.end_response(self.now)
            self.served += 1
            self.moved(environment)

    @rule(data=st.data())
    def an_environment_dies(self, data: st.DataObject) -> None:
        environment = self.any_in(data, *(set(State) - {State.EXITED}))
        if environment is not None:
            if environment.state is State.STARTED and self.waiting:
                self.waiting -= 1
                self.failed += 1
            elif environment.state is State.RUNNING:
                self.failed += 1
            environment.exited(self.now)
            self.moved(environment)

    @precondition(lambda self: self.environments)
    @rule(max_concurrency=st.integers(1, 4))
    def the_function_is_updated(self, max_concurrency: int) -> None:
        self.fleet.renew(max_concurrency, IDLE_TIMEOUT)
        self.act()

    def alive(self) -> list[Environment]:
        over = (State.SHUTDOWN, State.EXITED)
        return [e for e in self.environments if e.state not in over]

    @invariant()
    def nobody_is_forgotten(self) -> None:
        running = sum(e.state is State.RUNNING for e in self.environments)
        assert self.arrived == self.served + self.refused + self.failed + running + self.waiting

    @invariant()
    def every_waiter_has_an_environment_that_will_serve_it(self) -> None:
        current = [e for e in self.alive() if e.generation == self.fleet.generation]
        coming = sum(e.state is State.STARTED for e in current)
        coming += sum(
            e.state is State.RESPONSE_SENT and e.since + PATIENCE > self.now for e in current
        )
        assert self.waiting <= coming
        assert self.waiting == 0 or not any(e.state is State.READY for e in current)

    @invariant()
    def the_current_generation_keeps_within_the_limit(self) -> None:
        current = [e for e in self.alive() if e.generation == self.fleet.generation]
        assert len(current) <= self.fleet.max_concurrency

    @invariant()
    def old_generations_only_finish(self) -> None:
        old = [e for e in self.alive() if e.generation != self.fleet.generation]
        assert all(e.state in (State.RUNNING, State.RESPONSE_SENT) for e in old)
        assert set(self.fleet.old) == set(old)


Life.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestLife = Life.TestCase
