from __future__ import annotations

from collections.abc import Iterable

import pytest

from warmstart.service.environments.capacity import (
    GRACE,
    RETRY,
    ROOM_RETRY,
    Actions,
    Fleet,
    decide,
)
from warmstart.service.environments.concurrency import PATIENCE, Allotment, Bucket, Reason
from warmstart.service.environments.environment import Environment, State
from warmstart.service.environments.host import Host

IDLE_TIMEOUT = 60.0


def allotment_of(limit: int) -> Allotment:
    return Allotment(limit, Reason.RESERVED_CONCURRENCY, Reason.RESERVED_RATE, None)


def fleet_of(
    *environments: Environment,
    concurrency: int | Allotment = 10,
    host: int | Host = 100,
    places: int = 1,
    growth: Bucket | None = None,
) -> Fleet:
    fleet = Fleet(
        allotment_of(concurrency) if isinstance(concurrency, int) else concurrency,
        Host(host) if isinstance(host, int) else host,
        idle_timeout=IDLE_TIMEOUT,
        places=places,
        growth=growth,
    )
    for environment in environments:
        fleet.add(environment)
    return fleet


def renew(fleet: Fleet) -> None:
    fleet.renew(idle_timeout=IDLE_TIMEOUT, places=1)


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


class Roomy(Environment):
    """An environment that is through its INIT, with `taken` of three places taken."""

    places = 3

    def __init__(self, name: str, taken: int) -> None:
        super().__init__(name, 0, 0.0)
        self.taken = taken
        self.state = State.READY

    @property
    def free(self) -> int:
        return self.places - self.taken

    @property
    def is_unused(self) -> bool:
        return not self.taken


def names(environments: Iterable[Environment]) -> list[str]:
    return [environment.id for environment in environments]


# Demand


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


# Concurrency


def test_beyond_the_concurrency_the_newest_are_refused() -> None:
    fleet = fleet_of(busy("a"), busy("b"), concurrency=3)

    assert decide(fleet, 4, 0.0) == Actions(start=1, refuse=3, reason=Reason.RESERVED_CONCURRENCY)


def test_without_any_concurrency_all_are_refused() -> None:
    assert decide(fleet_of(idle(), concurrency=0), 2, 0.0).refuse == 2


def test_an_idle_environment_takes_no_concurrency_from_another_version() -> None:
    allotment = allotment_of(1)
    fleet_of(idle(), concurrency=allotment)

    assert decide(fleet_of(concurrency=allotment), 1, 0.0) == Actions(start=1)


def test_versions_share_their_function_s_concurrency() -> None:
    allotment = allotment_of(2)
    fleet_of(busy(), concurrency=allotment)
    fleet = fleet_of(idle("a"), idle("b"), concurrency=allotment)

    decision = decide(fleet, 2, 0.0)
    assert (names(decision.assign), decision.refuse) == (["b"], 1)


def test_at_the_limit_a_waiter_has_patience_with_an_environment_that_answered() -> None:
    fleet = fleet_of(answered(5.0), concurrency=1)
    reason = Reason.RESERVED_CONCURRENCY

    assert decide(fleet, 2, 5.5) == Actions(
        refuse=1, reason=reason, patient=1, wake_at=5.0 + PATIENCE
    )
    assert decide(fleet, 1, 5.0 + PATIENCE) == Actions(refuse=1, reason=reason)


def test_at_the_limit_an_environment_of_another_version_may_free_the_place() -> None:
    allotment = allotment_of(1)
    other = fleet_of(answered(5.0), concurrency=allotment)
    fleet = fleet_of(concurrency=allotment)

    assert decide(fleet, 1, 5.5).patient == 1
    fleet.be_patient(1)
    assert decide(other, 1, 5.5).refuse == 0
    assert decide(fleet_of(concurrency=allotment), 1, 5.5).refuse == 1
    assert decide(fleet, 1, 5.0 + PATIENCE).refuse == 1


def test_an_environment_that_ends_frees_its_place() -> None:
    environment = busy()
    fleet = fleet_of(environment, concurrency=1)
    environment.exited(1.0)
    fleet.file(environment)

    assert fleet.allotment.free == 1
    assert fleet.host.environments == 0


def test_a_fleet_takes_its_places_along_to_another_allotment() -> None:
    before, after = allotment_of(5), allotment_of(5)
    fleet = fleet_of(busy(), answered(5.0, "second"), idle(), concurrency=before)
    fleet_of(answered(4.9, "first"), answered(5.1, "third"), concurrency=after)
    fleet.be_patient(1)
    fleet.move(after)

    assert (before.free, after.free) == (5, 1)
    assert (names(before.answered), names(after.answered)) == ([], ["first", "second", "third"])
    assert before.patient == {}


def test_scaling_takes_no_more_environments_than_the_rate_allows() -> None:
    fleet = fleet_of(growth=Bucket(3, 1), concurrency=100)

    decision = decide(fleet, 5, 0.0)
    assert (decision.start, decision.refuse, decision.reason) == (3, 2, Reason.CONCURRENCY)
    for number in range(3):
        fleet.add(starting(str(number)))
    assert decide(fleet, 5, 0.0).start == 0
    assert decide(fleet, 5, 1.0).start == 1


# The host


def test_beyond_what_the_host_bears_the_newest_are_refused() -> None:
    assert decide(fleet_of(busy(), host=2), 3, 0.0) == Actions(
        start=1, refuse=2, reason=Reason.HOST
    )


def test_the_longest_idle_environment_of_another_function_makes_room() -> None:
    host = Host(3)
    fleet_of(idle("old", 1.0), idle("young", 2.0), busy(), host=host)
    decision = decide(fleet_of(host=host), 1, 3.0)

    assert (names(decision.evict), decision.start) == (["old"], 1)


def test_an_environment_that_is_given_an_invocation_makes_no_room() -> None:
    decision = decide(fleet_of(idle(), host=1), 2, 0.0)

    assert (names(decision.assign), decision.evict, decision.start) == (["idle"], [], 0)
    assert decision.refuse == 1


def test_a_provisioned_environment_makes_no_room() -> None:
    host = Host(1)
    fleet_of(host=host).add(idle(), provisioned=True)

    assert decide(fleet_of(host=host), 1, 0.0).refuse == 1


def test_on_a_full_host_a_waiter_has_patience_with_its_own_environments() -> None:
    assert decide(fleet_of(answered(5.0), host=1), 2, 5.5) == Actions(
        refuse=1, reason=Reason.HOST, wake_at=5.0 + PATIENCE
    )


# Provisioned concurrency


def provisioned(*environments: Environment, wanted: int, concurrency: int = 10) -> Fleet:
    """A fleet whose concurrency is promised to as many provisioned environments as wanted."""
    fleet = fleet_of(concurrency=concurrency)
    fleet.wanted = fleet.allotment.provisioned = wanted
    for environment in environments:
        fleet.add(environment, provisioned=True)
    return fleet


def test_as_many_are_started_as_are_provisioned() -> None:
    assert decide(provisioned(wanted=3), 0, 0.0) == Actions(provision=3)
    assert decide(provisioned(starting(), idle(), wanted=3), 0, 0.0) == Actions(provision=1)
    assert decide(provisioned(starting(), busy(), wanted=2), 0, 0.0) == Actions()


def test_one_that_dies_is_replaced() -> None:
    environment = idle()
    fleet = provisioned(environment, wanted=1)
    environment.exited(1.0)
    fleet.file(environment)

    assert decide(fleet, 0, 1.0) == Actions(provision=1)


def test_one_that_loses_its_runtime_is_replaced() -> None:
    environment = busy()
    fleet = provisioned(environment, wanted=1)
    environment.reset(1.0)
    fleet.file(environment)

    assert decide(fleet, 0, 1.0) == Actions(stop=[environment], provision=1)


def test_one_that_fails_in_init_is_tried_again_later() -> None:
    fleet = provisioned(wanted=1)
    fleet.retry_at = 1.0 + RETRY

    assert decide(fleet, 0, 1.0) == Actions(wake_at=1.0 + RETRY)
    assert decide(fleet, 0, 1.0 + RETRY) == Actions(provision=1)


def test_a_full_host_has_no_room_for_them_yet() -> None:
    fleet = fleet_of(busy(), host=2)
    fleet.wanted = 2

    assert decide(fleet, 0, 1.0) == Actions(provision=1, wake_at=1.0 + ROOM_RETRY)


def test_provisioned_environments_serve_first_and_take_no_other_concurrency() -> None:
    fleet = provisioned(idle("a"), idle("b"), wanted=2, concurrency=2)

    assert names(decide(fleet, 1, 0.0).assign) == ["b"]
    assert names(decide(fleet, 3, 0.0).assign) == ["b", "a"]
    assert decide(fleet, 3, 0.0).refuse == 1


def test_what_they_cannot_serve_spills_over() -> None:
    fleet = provisioned(busy(), wanted=1, concurrency=3)

    assert decide(fleet, 3, 0.0) == Actions(start=2, refuse=1, reason=Reason.RESERVED_CONCURRENCY)


def test_they_are_never_stopped_for_idleness() -> None:
    assert decide(provisioned(idle(), wanted=1), 0, 2 * IDLE_TIMEOUT) == Actions()


def test_those_too_many_are_stopped_when_they_are_idle() -> None:
    fleet = provisioned(idle("a"), idle("b"), busy(), wanted=1)

    assert names(decide(fleet, 0, 0.0).stop) == ["a", "b"]
    assert names(decide(fleet, 1, 0.0).stop) == ["a"]


def test_those_too_many_are_stopped_while_they_start_unless_somebody_waits_for_them() -> None:
    fleet = provisioned(starting(), busy(), wanted=1)

    assert names(decide(fleet, 0, 0.0).stop) == ["starting"]
    assert decide(fleet, 1, 0.0) == Actions()


# Environments for many


def test_places_count_not_environments() -> None:
    fleet = fleet_of(Roomy("a", 2), Roomy("b", 1), places=3, concurrency=Allotment.boundless())
    decision = decide(fleet, 5, 0.0)

    assert names(decision.assign) == ["b", "b", "a"]
    assert decision.start == 1
    assert fleet.allotment.taken == 3


def test_one_that_is_starting_will_serve_as_many_as_it_has_places() -> None:
    fleet = fleet_of(starting(), places=3, concurrency=Allotment.boundless())

    assert decide(fleet, 3, 0.0) == Actions()
    assert decide(fleet, 4, 0.0) == Actions(start=1)


def test_one_that_still_serves_somebody_is_not_idle() -> None:
    fleet = fleet_of(Roomy("a", 1), Roomy("b", 0), places=3, concurrency=Allotment.boundless())

    assert names(decide(fleet, 0, IDLE_TIMEOUT).stop) == ["b"]


def test_an_update_lets_one_that_still_serves_somebody_finish() -> None:
    fleet = fleet_of(Roomy("a", 1), Roomy("b", 0), places=3, concurrency=Allotment.boundless())
    fleet.renew(idle_timeout=IDLE_TIMEOUT, places=3)

    assert names(decide(fleet, 0, 0.0).stop) == ["b"]


# Updates


def test_an_update_stops_what_waits_and_lets_the_busy_finish() -> None:
    fleet = fleet_of(starting(), idle(), busy(), answered(5.0))
    renew(fleet)

    assert names(decide(fleet, 0, 5.0).stop) == ["starting", "idle"]


def test_after_an_update_only_new_environments_serve() -> None:
    fleet = fleet_of(idle(), answered(5.0))
    renew(fleet)
    decision = decide(fleet, 1, 5.0)

    assert decision.assign == []
    assert decision.start == 1


def test_an_update_replaces_the_provisioned() -> None:
    fleet = provisioned(idle(), busy(), wanted=2)
    renew(fleet)
    decision = decide(fleet, 0, 5.0)

    assert (names(decision.stop), decision.provision) == (["idle"], 2)


@pytest.mark.parametrize(("environment", "free"), [(busy(), 0), (answered(0.0), 1), (idle(), 1)])
def test_an_old_environment_takes_a_place_until_it_has_answered(
    environment: Environment, free: int
) -> None:
    fleet = fleet_of(environment, concurrency=1)
    renew(fleet)

    assert fleet.allotment.free == free
