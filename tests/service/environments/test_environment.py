from __future__ import annotations

from collections.abc import Callable

import pytest

from warmstart.service.environments.environment import (
    MOVES,
    Environment,
    IllegalMove,
    Refusal,
    State,
)

Step = Callable[[Environment], None]


def started() -> Environment:
    return Environment("e", 0, 0.0)


def ready() -> Environment:
    environment = started()
    environment.next(1.0)
    return environment


def running() -> Environment:
    environment = ready()
    environment.assign("id", 2.0)
    return environment


def responding() -> Environment:
    environment = running()
    environment.begin_response("id", 3.0)
    return environment


def response_sent() -> Environment:
    environment = responding()
    environment.end_response(4.0)
    return environment


def init_error() -> Environment:
    environment = started()
    environment.init_error(1.0)
    return environment


def reset() -> Environment:
    environment = running()
    environment.reset(3.0)
    return environment


def suppressed_init() -> Environment:
    environment = reset()
    environment.assign("id", 4.0)
    return environment


def stopped() -> Environment:
    environment = ready()
    environment.stop(2.0)
    return environment


def ask_next(environment: Environment) -> None:
    environment.next(9.0)


def respond(environment: Environment) -> None:
    environment.begin_response("id", 9.0)


def respond_to_another(environment: Environment) -> None:
    environment.begin_response("other", 9.0)


def error(environment: Environment) -> None:
    environment.begin_error("id", 9.0)


def report_init_error(environment: Environment) -> None:
    environment.init_error(9.0)


# What the runtime interface emulator answers in each state.
TABLE: list[tuple[Callable[[], Environment], Step, int | None]] = [
    (started, ask_next, None),
    (started, respond, 400),
    (started, error, 400),
    (started, report_init_error, None),
    (ready, ask_next, None),
    (ready, respond, 400),
    (ready, error, 400),
    (ready, report_init_error, 403),
    (running, ask_next, None),
    (running, respond, None),
    (running, respond_to_another, 400),
    (running, error, None),
    (running, report_init_error, 403),
    (responding, ask_next, 403),
    (responding, respond, 403),
    (responding, respond_to_another, 400),
    (response_sent, ask_next, None),
    (response_sent, respond, 403),
    (response_sent, error, 403),
    (response_sent, report_init_error, 403),
    (init_error, ask_next, 403),
    (init_error, respond, 400),
    (init_error, error, 400),
    (init_error, report_init_error, 403),
    (stopped, ask_next, 403),
    # A new runtime, whose INIT is part of an invocation, finds what the first one found.
    (suppressed_init, ask_next, None),
    (suppressed_init, report_init_error, None),
    (suppressed_init, error, 403),
    # The runtime that is being ended.
    (reset, ask_next, 403),
    (reset, respond, 400),
]


@pytest.mark.parametrize(("make", "step", "status"), TABLE)
def test_the_runtime_api_answers_in_each_state_as_the_emulator_does(
    make: Callable[[], Environment], step: Step, status: int | None
) -> None:
    environment = make()
    before = environment.state
    if status is None:
        step(environment)
        return
    with pytest.raises(Refusal) as caught:
        step(environment)

    assert caught.value.status == status
    assert caught.value.error_type == (
        "InvalidRequestID" if status == 400 else "InvalidStateTransition"
    )
    assert environment.state is before


def test_a_refusal_says_which_transition_is_not_allowed() -> None:
    with pytest.raises(Refusal) as caught:
        ask_next(responding())

    assert caught.value.message == (
        "State transition from InvocationResponse to Ready failed for runtime."
        " Error: State transition is not allowed"
    )


def test_a_runtime_in_its_suppressed_init_is_told_that_it_is_started() -> None:
    with pytest.raises(Refusal) as caught:
        respond(suppressed_init())

    assert caught.value.message.startswith("State transition from Started to InvocationResponse")


def test_a_reset_environment_has_its_invocation_when_the_new_runtime_is_ready() -> None:
    environment = suppressed_init()
    assert (environment.state, environment.request_id) == (State.SUPPRESSED_INIT, "id")
    environment.next(5.0)

    assert (environment.state, environment.request_id) == (State.RUNNING, "id")
    assert environment.invocations == 2


def test_a_response_that_ends_after_a_reset_changes_nothing() -> None:
    environment = responding()
    environment.reset(5.0)
    environment.end_response(6.0)

    assert (environment.state, environment.request_id) == (State.RESET, None)


def test_an_unknown_id_is_told_before_a_wrong_state() -> None:
    with pytest.raises(Refusal) as caught:
        respond_to_another(response_sent())

    assert caught.value.message == "Invalid request ID"


def test_after_the_following_next_an_old_id_is_unknown() -> None:
    environment = response_sent()
    environment.next(5.0)

    with pytest.raises(Refusal) as caught:
        respond(environment)

    assert caught.value.status == 400


def test_to_ask_again_while_waiting_does_not_make_it_younger() -> None:
    environment = ready()
    environment.next(5.0)

    assert environment.since == 1.0


def test_a_response_that_ends_after_the_environment_was_stopped_changes_nothing() -> None:
    environment = responding()
    environment.stop(5.0)
    environment.end_response(6.0)

    assert environment.state is State.SHUTDOWN


@pytest.mark.parametrize("make", [started, running, response_sent, suppressed_init, stopped])
def test_only_a_ready_or_reset_environment_can_be_given_an_invocation(
    make: Callable[[], Environment],
) -> None:
    with pytest.raises(IllegalMove):
        make().assign("id", 9.0)


def test_every_life_ends() -> None:
    assert MOVES[State.EXITED] == set()
    for state in State:
        assert state is State.EXITED or State.EXITED in MOVES[state]
