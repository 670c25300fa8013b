from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from warmstart.service.environments.concurrent_environment import ConcurrentEnvironment
from warmstart.service.environments.environment import IllegalMove, Refusal, State

PLACES = 3


def ready() -> ConcurrentEnvironment:
    environment = ConcurrentEnvironment("e", 0, 0.0, PLACES)
    environment.next(1.0)
    return environment


def running(*request_ids: str) -> ConcurrentEnvironment:
    environment = ready()
    for request_id in request_ids:
        environment.assign(request_id, 2.0)
    return environment


def refusal(call: Callable[[], None]) -> tuple[int, str]:
    with pytest.raises(Refusal) as caught:
        call()
    return caught.value.status, caught.value.error_type


def test_it_takes_as_many_invocations_as_it_has_places() -> None:
    environment = running("a", "b", "c")
    assert (environment.free, environment.state) == (0, State.RUNNING)
    with pytest.raises(IllegalMove):
        environment.assign("d", 3.0)


def test_invocations_end_in_any_order() -> None:
    environment = running("a", "b", "c")
    environment.begin_response("b", 3.0)
    environment.finish("b", 4.0)
    assert (environment.free, environment.state, environment.since) == (1, State.READY, 4.0)
    environment.begin_error("a", 5.0)
    environment.finish("a", 6.0)

    assert (environment.free, environment.is_unused) == (2, False)


def test_each_invocation_is_answered_once() -> None:
    environment = running("a", "b")
    environment.begin_response("a", 3.0)

    invalid = (403, "InvalidStateTransition")
    assert refusal(lambda: environment.begin_response("a", 4.0)) == invalid
    assert refusal(lambda: environment.begin_error("a", 4.0)) == invalid
    assert refusal(lambda: environment.begin_response("x", 4.0)) == (400, "InvalidRequestID")
    environment.begin_response("b", 4.0)


# As AWS's runtime interface emulator has it in this mode.
def test_an_answer_after_the_timeout_is_gone_and_frees_the_place() -> None:
    environment = running("a")
    environment.time_out("a")
    assert environment.free == PLACES - 1

    assert refusal(lambda: environment.begin_response("a", 9.0)) == (410, "InvokeTimeout")
    assert environment.free == PLACES
    assert refusal(lambda: environment.begin_response("a", 9.0)) == (400, "InvalidRequestID")


def test_a_second_init_error_is_refused() -> None:
    environment = ConcurrentEnvironment("e", 0, 0.0, PLACES)
    environment.init_error(1.0)

    assert refusal(lambda: environment.init_error(2.0)) == (403, "InvalidStateTransition")
    assert refusal(lambda: environment.next(2.0)) == (403, "InvalidStateTransition")


class Life(RuleBasedStateMachine):
    """Places are never lost nor found, whatever happens in whatever order."""

    running = Bundle("running")
    answering = Bundle("answering")

    def __init__(self) -> None:
        super().__init__()
        self.environment = ready()
        self.taken = 0
        self.number = 0

    @rule(target=running)
    def assign(self) -> str:
        self.number += 1
        request_id = str(self.number)
        if self.taken == PLACES:
            with pytest.raises(IllegalMove):
                self.environment.assign(request_id, 0.0)
        else:
            self.environment.assign(request_id, 0.0)
            self.taken += 1
        return request_id

    def never_assigned(self, refused: Refusal) -> None:
        assert refused.status == 400

    @rule(request_id=consumes(running), target=answering)
    def begin(self, request_id: str) -> str:
        try:
            self.environment.begin_response(request_id, 0.0)
        except Refusal as refused:
            self.never_assigned(refused)
        return request_id

    @rule(request_id=consumes(running))
    def be_late(self, request_id: str) -> None:
        try:
            self.environment.time_out(request_id)
            self.environment.begin_error(request_id, 0.0)
        except Refusal as refused:
            self.taken -= refused.status == 410

    @rule(request_id=consumes(answering))
    def finish(self, request_id: str) -> None:
        try:
            self.environment.finish(request_id, 0.0)
        except KeyError:
            return
        self.taken -= 1

    @rule()
    def ask_again(self) -> None:
        self.environment.next(0.0)

    @invariant()
    def places_add_up(self) -> None:
        assert self.environment.free == PLACES - self.taken
        assert self.environment.is_unused == (self.taken == 0)


TestLife = Life.TestCase
