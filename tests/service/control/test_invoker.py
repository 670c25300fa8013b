"""What is asked is a real service, which knows none of the functions here."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.service.control.plane import ARN, ROLE, Control, function
from warmstart.invoke import InvokeError, ResourceNotFound
from warmstart.service.control.invoker import DeployedFunctions, NoContainers, NotReady
from warmstart.service.service import Service


@pytest.fixture
async def invoker(control: Control) -> AsyncIterator[DeployedFunctions]:
    async with Service() as service:
        yield DeployedFunctions(service, control.control.registry)


async def refused(invoker: DeployedFunctions, qualifier: str | None = None) -> InvokeError:
    """The error that every way of invoking ends in."""
    errors = []
    for call in (invoker.invoke, invoker.invoke_with_response_stream):
        with pytest.raises(InvokeError) as caught:
            await call("f", b"{}", qualifier=qualifier)
        errors.append(caught.value)
    with pytest.raises(InvokeError) as caught:
        invoker.check("f", qualifier)
    errors.append(caught.value)
    assert len({(type(error), error.message) for error in errors}) == 1
    return errors[0]


async def test_a_function_that_is_being_created_cannot_be_invoked_yet(
    control: Control, invoker: DeployedFunctions
) -> None:
    await control.call("CreateFunction", **function(Publish=True))
    await control.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    for qualifier in (None, "$LATEST", "1", "live"):
        error = await refused(invoker, qualifier)
        assert isinstance(error, NotReady)
        assert (error.status, error.error_type) == (409, "ResourceConflictException")
        assert error.message == (  # recorded from AWS
            "The operation cannot be performed at this time. The function is currently in the"
            " following state: Pending"
        )


async def test_a_function_that_failed_says_why(
    control: Control, invoker: DeployedFunctions
) -> None:
    await control.create(Runtime="ruby3.4")
    error = await refused(invoker)
    assert isinstance(error, NotReady)
    assert "following state: Failed (ruby3.4 is not on this machine:" in error.message


async def test_an_image_says_that_there_is_no_driver_for_it(
    control: Control, invoker: DeployedFunctions
) -> None:
    image = {"FunctionName": "f", "Role": ROLE, "PackageType": "Image"}
    await control.call("CreateFunction", **image, Code={"ImageUri": "app:1"})
    await control.settled()
    error = await refused(invoker)
    assert isinstance(error, NoContainers)
    assert error.message == (
        "f is the container image app:1, which cannot be run: no driver for containers is"
        " configured here."
    )


async def test_what_does_not_exist_is_not_found(
    control: Control, invoker: DeployedFunctions
) -> None:
    error = await refused(invoker)
    assert isinstance(error, ResourceNotFound)
    assert error.message == f"Function not found: {ARN}"

    await control.call("CreateFunction", **function())
    error = await refused(invoker, "9")
    assert isinstance(error, ResourceNotFound)
