"""What an extension may ask for when; the answers are those of AWS's interface emulator."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmstart.service.environments.environment import Refusal
from warmstart.service.environments.extension import (
    INVOKE,
    MAX_EXTENSIONS,
    MOVES,
    SHUTDOWN,
    Extension,
    Registry,
    State,
)

NOT_ALLOWED = "Error: State transition is not allowed"


def refused(step: object, *arguments: object) -> tuple[str, str]:
    assert callable(step)
    with pytest.raises(Refusal) as caught:
        step(*arguments)
    assert caught.value.status == 403
    return caught.value.error_type, caught.value.message


# What becomes of an extension in each state that asks for `next`, init/error and exit/error.
TABLE = [
    (State.STARTED, None, None, None),
    (State.REGISTERED, State.READY, State.INIT_ERROR, State.EXIT_ERROR),
    (State.READY, None, None, State.EXIT_ERROR),
    (State.RUNNING, State.READY, None, State.EXIT_ERROR),
    (State.INIT_ERROR, None, State.INIT_ERROR, None),
    (State.EXIT_ERROR, None, None, State.EXIT_ERROR),
    (State.LAUNCH_ERROR, None, None, None),
]


@pytest.mark.parametrize(
    ("state", "to", "wanted", "name"),
    [
        (state, to, wanted, name)
        for state, *outcomes in TABLE
        for to, wanted, name in zip(
            (State.READY, State.INIT_ERROR, State.EXIT_ERROR),
            outcomes,
            ("Ready", "InitError", "Exited"),
            strict=True,
        )
    ],
)
def test_each_request_is_taken_or_refused_as_the_emulator_does(
    state: State, to: State, wanted: State | None, name: str
) -> None:
    extension = Extension("e", external=True)
    extension.state = state
    if wanted is not None:
        extension.move(to)
        assert extension.state is wanted
        return

    assert refused(extension.move, to) == (
        "Extension.InvalidExtensionState",
        f"State transition from {state.value} to {name} failed for extension {extension.id}."
        f" {NOT_ALLOWED}",
    )
    assert extension.state is state


def test_the_first_error_that_an_extension_names_counts() -> None:
    extension = Extension("e", external=True)
    extension.move(State.REGISTERED)
    extension.move(State.INIT_ERROR, "Extension.First")
    extension.move(State.INIT_ERROR, "Extension.Second")

    assert extension.error_type == "Extension.First"


def test_an_external_extension_registers_once_for_any_events() -> None:
    registry = Registry()
    launched = registry.launch("e")
    assert not registry.all_registered
    registered = registry.register("e", [SHUTDOWN, INVOKE, INVOKE])

    assert registered is launched
    assert registered.events == (SHUTDOWN, INVOKE)
    assert registry.all_registered
    assert not registry.all_ready
    assert refused(registry.register, "e", []) == (
        "Extension.InvalidExtensionState",
        f"State transition from Registered to Registered failed for extension e. {NOT_ALLOWED}",
    )


def test_an_external_extension_may_register_when_internal_ones_may_not_any_more() -> None:
    registry = Registry()
    registry.launch("e")
    registry.closed = True

    assert registry.register("e", []).name == "e"
    assert refused(registry.register, "internal", []) == (
        "Extension.RegistrationClosed",
        "Extension registration closed already",
    )


def test_an_internal_extension_cannot_have_shutdown_nor_a_name_that_is_taken() -> None:
    registry = Registry()
    registry.register("e", [INVOKE])

    assert refused(registry.register, "other", [SHUTDOWN]) == (
        "Extension.InvalidEventType",
        "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension",
    )
    assert refused(registry.register, "e", []) == (
        "Extension.InvalidExtensionState",
        "Extension with this name already registered",
    )


def test_an_unknown_event_is_refused_and_nobody_registered() -> None:
    registry = Registry()

    assert refused(registry.register, "e", ["INVOKE", "PAUSE"]) == (
        "Extension.InvalidEventType",
        "PAUSE: ErrorInvalidEventType",
    )
    assert len(registry) == 0


def test_where_many_invocations_run_at_once_there_is_no_invoke_event() -> None:
    registry = Registry((SHUTDOWN,))

    assert refused(registry.register, "e", [INVOKE]) == (
        "Extension.InvalidEventType",
        "INVOKE: ErrorInvalidEventType",
    )


def test_there_are_ten_extensions_at_most() -> None:
    registry = Registry()
    for number in range(MAX_EXTENSIONS):
        registry.register(f"e{number}", [])

    assert refused(registry.register, "one too many", []) == (
        "Extension.TooManyExtensions",
        "Extension limit (10) reached",
    )


def test_an_extension_is_found_by_the_id_that_it_was_given() -> None:
    registry = Registry()
    extension = registry.register("e", [])
    unknown = str(uuid4())

    assert registry.find(extension.id.upper()) is extension
    assert UUID(extension.id).version == 4
    for missing in (None, ""):
        assert refused(registry.find, missing) == (
            "Extension.MissingExtensionIdentifier",
            "Missing Lambda-Extension-Identifier header",
        )
    assert refused(registry.find, "nobody") == (
        "Extension.InvalidExtensionIdentifier",
        "Invalid Lambda-Extension-Identifier",
    )
    assert refused(registry.find, unknown) == (
        "Extension.UnknownExtensionIdentifier",
        f"Unknown extension {unknown}",
    )


@given(st.lists(st.sampled_from(State)))
def test_whatever_is_asked_an_extension_is_only_where_a_legal_move_leads(
    asked: list[State],
) -> None:
    extension = Extension("e", external=True)
    for to in asked:
        before = extension.state
        try:
            extension.move(to)
        except Refusal:
            assert extension.state is before
        else:
            assert extension.state in MOVES[before]
