"""Texts are recorded from AWS."""

from __future__ import annotations

from tests.service.control.plane import ARN, Control, function


async def reserve(control: Control, count: int, name: str = "f") -> dict[str, object]:
    return await control.call(
        "PutFunctionConcurrency", FunctionName=name, ReservedConcurrentExecutions=count
    )


async def test_a_reservation_is_shown_applied_and_taken_back(control: Control) -> None:
    await control.create()
    assert await control.call("GetFunctionConcurrency", FunctionName="f") == {}
    for count in (5, 0):
        reserved = {"ReservedConcurrentExecutions": count}
        assert await reserve(control, count) == reserved
        assert await control.call("GetFunctionConcurrency", FunctionName="f") == reserved
        assert control.plane.reserved["f"] == count

    assert await control.call("DeleteFunctionConcurrency", FunctionName="f") == {}
    assert await control.call("GetFunctionConcurrency", FunctionName="f") == {}
    assert control.plane.reserved["f"] is None


async def test_a_reservation_holds_for_a_function_that_is_still_being_created(
    control: Control,
) -> None:
    await control.call("CreateFunction", **function())
    await reserve(control, 5)
    await control.settled()
    assert control.plane.reserved["f"] == 5


async def test_a_hundred_stay_unreserved(control: Control) -> None:
    await control.create("f")
    await control.create("g")
    await reserve(control, 900)
    assert control.control.concurrency.unreserved() == 100
    assert await control.refused(
        "PutFunctionConcurrency", FunctionName="g", ReservedConcurrentExecutions=1
    ) == (
        "InvalidParameterValueException",
        "Specified ReservedConcurrentExecutions for function decreases account's"
        " UnreservedConcurrentExecution below its minimum value of [100].",
    )
    await reserve(control, 800)  # what it had is not counted twice
    await reserve(control, 100, "g")


async def test_a_reservation_covers_what_is_provisioned(control: Control) -> None:
    await control.create(Publish=True)
    await control.call(
        "PutProvisionedConcurrencyConfig",
        FunctionName="f",
        Qualifier="1",
        ProvisionedConcurrentExecutions=3,
    )
    assert control.control.concurrency.unreserved() == 997
    assert await control.refused(
        "PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=2
    ) == (
        "InvalidParameterValueException",
        " ReservedConcurrentExecutions  2 should not be lower than function's total provisioned"
        " concurrency [3].",
    )
    await reserve(control, 3)
    assert control.control.concurrency.unreserved() == 997


async def test_only_functions_have_reservations(control: Control) -> None:
    await control.create(Publish=True)
    assert await control.refused(
        "PutFunctionConcurrency", FunctionName="f:1", ReservedConcurrentExecutions=1
    ) == (
        "InvalidParameterValueException",
        "This operation is permitted on Lambda functions only. Aliases and versions do not support"
        " this operation. Please specify either a function name or an unqualified function ARN.",
    )
    assert await control.refused(
        "PutFunctionConcurrency", FunctionName="nope", ReservedConcurrentExecutions=1
    ) == (
        "ResourceNotFoundException",
        f"Function not found: {ARN[:-1]}nope:$LATEST",
    )
    assert await control.refused("GetFunctionConcurrency", FunctionName="nope") == (
        "ResourceNotFoundException",
        f"Function not found: {ARN[:-1]}nope",
    )
