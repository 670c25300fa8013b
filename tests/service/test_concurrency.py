"""How concurrency is shared out, with runtimes that the test plays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import pytest

from tests.service.scripted import FUNCTION, NEXT, Client, Played, Stage, stage
from warmstart.invoke import InvalidParameterValue, InvokeResult, ResourceNotFound, TooManyRequests
from warmstart.service import service
from warmstart.service.limits import Limits
from warmstart.service.telemetry import Exit, InitReport, Report
from warmstart.service.versions import Provisioned

ONE = replace(FUNCTION, version="1")
OTHER = replace(FUNCTION, name="g")


def call(
    on: Stage, name: str = "f", qualifier: str | None = None, tenant_id: str | None = None
) -> asyncio.Task[InvokeResult]:
    return asyncio.ensure_future(
        on.service.invoke(name, b"{}", qualifier=qualifier, tenant_id=tenant_id)
    )


async def refused(on: Stage, name: str = "f", qualifier: str | None = None) -> TooManyRequests:
    with pytest.raises(TooManyRequests) as caught:
        await on.service.invoke(name, b"{}", qualifier=qualifier)
    return caught.value


@asynccontextmanager
async def ready(*environments: Played) -> AsyncIterator[list[Client]]:
    """Connections of runtimes that are through their INIT."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(each.connect()) for each in environments]
        for client in clients:
            client.send("GET", NEXT)
        yield clients


async def answer(client: Client) -> str:
    """Take the event that comes, respond and ask for the next; return the request's id."""
    request_id = (await client.answer()).request_id
    await client.post(request_id, "response", b"1")
    client.send("GET", NEXT)
    return request_id


async def test_the_versions_of_a_function_share_what_is_reserved() -> None:
    async with stage() as on:
        await on.service.create_function(ONE)
        on.service.set_reserved_concurrency("f", 1)
        running = call(on)
        await on.driver.started()
        error = await refused(on, qualifier="1")

        assert error.message == "Rate Exceeded."
        assert error.reason == "ReservedFunctionConcurrentInvocationLimitExceeded"
        running.cancel()


async def test_nothing_runs_where_none_is_reserved() -> None:
    async with stage() as on:
        on.service.set_reserved_concurrency("f", 0)
        assert "Reserved" in (await refused(on)).reason
        on.service.set_reserved_concurrency("f", None)
        running = call(on)
        await on.driver.started()
        running.cancel()


async def test_functions_share_what_is_not_reserved() -> None:
    async with stage(limits=Limits(concurrency=3, unreserved=1)) as on:
        await on.service.create_function(OTHER)
        on.service.set_reserved_concurrency("g", 2)
        running = [call(on), call(on, "g"), call(on, "g")]
        for _ in running:
            await on.driver.started()

        assert (await refused(on)).reason == "ConcurrentInvocationLimitExceeded"
        assert "Reserved" in (await refused(on, "g")).reason
        assert on.service.unreserved_concurrency == 1
        for each in running:
            each.cancel()


async def test_a_place_that_one_version_frees_goes_to_another_that_waits() -> None:
    async with stage() as on:
        await on.service.create_function(ONE)
        on.service.set_reserved_concurrency("f", 1)
        first = call(on)
        async with ready(await on.driver.started()) as (client,):
            request_id = (await client.answer()).request_id
            await client.post(request_id, "response", b"1")
            second = call(on, qualifier="1")
            await asyncio.sleep(0)
            assert on.driver.waiting == 0
            client.send("GET", NEXT)
            async with ready(await on.driver.started()) as (other,):
                await answer(other)
            assert (await second).executed_version == "1"
            await first


async def test_a_deleted_function_gives_back_what_it_had_reserved() -> None:
    async with stage(limits=Limits(concurrency=200)) as on:
        on.service.set_reserved_concurrency("f", 100)
        with pytest.raises(ValueError, match="below its minimum value of \\[100\\]"):
            on.service.set_reserved_concurrency("f", 101)
        await on.service.delete_function("f")

        assert on.service.unreserved_concurrency == 200


async def test_no_more_than_ten_requests_a_second_begin_for_each_place() -> None:
    async with stage(limits=Limits(concurrency=1, unreserved=0, request_rate=10)) as on:
        calls = [call(on) for _ in range(15)]
        played = await on.driver.started()
        async with ready(played) as (client,):
            await answer(client)
        reasons = [
            e.reason
            for e in await asyncio.gather(*calls, return_exceptions=True)
            if isinstance(e, TooManyRequests)
        ]

        assert reasons.count("FunctionInvocationRateLimitExceeded") == 5
        assert reasons.count("ConcurrentInvocationLimitExceeded") == 9


async def test_scaling_can_be_held_to_a_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "SCALING_RATE", (2, 0))
    async with stage(limits=Limits(scaling_rate=True)) as on:
        running = [call(on), call(on)]
        for _ in running:
            await on.driver.started()

        assert (await refused(on)).reason == "ConcurrentInvocationLimitExceeded"
        for each in running:
            each.cancel()


# The machine


async def test_an_idle_environment_of_another_function_makes_room() -> None:
    async with stage(limits=Limits(environments=1)) as on:
        await on.service.create_function(OTHER)
        first = call(on)
        played = await on.driver.started()
        async with ready(played) as (client,):
            await answer(client)
            await first
            await on.wait_for(Report)
            second = call(on, "g")
            async with ready(await on.driver.started()) as (other,):
                await answer(other)
            await second

        assert played.returncode == -9  # without an extension it has no time to end
        assert (await on.wait_for(Exit)).reason == "spindown"


async def test_a_machine_that_bears_no_more_says_so() -> None:
    async with stage(limits=Limits(environments=1)) as on:
        running = call(on)
        await on.driver.started()
        error = await refused(on)

        assert error.reason == "HostEnvironmentLimitExceeded"
        assert error.message.startswith("All of the 1 environments that this machine may run")
        with pytest.raises(TooManyRequests, match="All of the 1"):
            await on.service.start_environment("f")
        running.cancel()


# Provisioned concurrency


async def test_provisioned_environments_are_started_kept_and_replaced() -> None:
    async with stage() as on:
        await on.service.create_function(ONE)
        on.service.set_provisioned_concurrency("f", "1", 2)
        first, second = await on.driver.started(), await on.driver.started()
        variable = first.variables["AWS_LAMBDA_INITIALIZATION_TYPE"]
        assert variable == "provisioned-concurrency"
        state = on.service.provisioned_concurrency
        assert state("f", "1") == Provisioned(2, 0, 0, "IN_PROGRESS")
        async with ready(first, second):
            await on.wait_for(InitReport, 2)
            assert state("f", "1") == Provisioned(2, 2, 2, "READY")
            first.exit(1)
            async with ready(await on.driver.started()):
                await on.wait_for(InitReport, 3)
                assert state("f", "1") == Provisioned(2, 2, 2, "READY")
                on.service.delete_provisioned_concurrency("f", "1")
                await on.wait_for(Exit, 3)

        assert state("f", "1") == Provisioned(0, 0, 0, "READY")
        assert on.service.unreserved_concurrency == 1000


async def test_what_the_provisioned_cannot_serve_spills_over() -> None:
    async with stage(limits=Limits(concurrency=2, unreserved=0)) as on:
        await on.service.create_function(ONE)
        on.service.set_provisioned_concurrency("f", "1", 1)
        async with ready(await on.driver.started()) as (client,):
            await on.wait_for(InitReport)
            running = [call(on, qualifier="1"), call(on, qualifier="1")]
            spilled = await on.driver.started()
            assert spilled.variables["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand"
            assert (await refused(on, qualifier="1")).reason == "ConcurrentInvocationLimitExceeded"
            await answer(client)
            await running[0]
            running[1].cancel()


async def test_an_init_that_fails_is_the_provisioning_s_failure() -> None:
    async with stage() as on:
        await on.service.create_function(ONE)
        on.service.set_provisioned_concurrency("f", "1", 1)
        (await on.driver.started()).exit(1)
        await on.wait_for(Exit)
        state = on.service.provisioned_concurrency("f", "1")
        assert state == Provisioned(1, 0, 0, "FAILED", "FUNCTION_ERROR_INIT_FAILURE")


async def test_a_waiter_is_not_answered_with_the_provisioned_environment_s_failure() -> None:
    async with stage() as on:
        await on.service.create_function(ONE)
        on.service.set_provisioned_concurrency("f", "1", 1)
        failing = await on.driver.started()
        calling = call(on, qualifier="1")
        await asyncio.sleep(0)
        assert on.driver.waiting == 0
        failing.exit(1)
        async with ready(await on.driver.started()) as (client,):
            await answer(client)

        assert (await calling).payload == b"1"


async def test_an_alias_s_environments_follow_its_weights() -> None:
    async with stage() as on:
        for number in ("1", "2"):
            await on.service.create_function(replace(FUNCTION, version=number))
        on.service.set_alias("f", "prod", {"1": 0.75, "2": 0.25})
        on.service.set_provisioned_concurrency("f", "prod", 4)
        started = [await on.driver.started() for _ in range(4)]
        versions = [each.variables["AWS_LAMBDA_FUNCTION_VERSION"] for each in started]
        assert sorted(versions) == ["1", "1", "1", "2"]
        on.service.set_alias("f", "prod", {"2": 1.0})
        again = [await on.driver.started() for _ in range(3)]
        assert {each.variables["AWS_LAMBDA_FUNCTION_VERSION"] for each in again} == {"2"}
        on.service.delete_alias("f", "prod")
        await on.wait_for(Exit, 7)


async def test_what_cannot_be_provisioned_is_refused() -> None:
    async with stage() as on:
        await on.service.create_function(ONE)
        await on.service.create_function(replace(ONE, name="g", tenant_isolation_mode="PER_TENANT"))
        refusals = [
            ("f", "$LATEST", 1, "unpublished function versions"),
            ("f", "1", 901, "below its minimum value of \\[100\\]"),
            ("g", "1", 1, "tenant isolation"),
        ]
        for name, qualifier, count, message in refusals:
            with pytest.raises(ValueError, match=message):
                on.service.set_provisioned_concurrency(name, qualifier, count)
        with pytest.raises(ResourceNotFound, match="function:f:prod"):
            on.service.set_provisioned_concurrency("f", "prod", 1)
        assert on.service.unreserved_concurrency == 1000


async def test_a_machine_that_cannot_bear_the_provisioned_says_so() -> None:
    async with stage(limits=Limits(environments=1)) as on:
        await on.service.create_function(ONE)
        on.service.set_provisioned_concurrency("f", "1", 2)
        async with ready(await on.driver.started()):
            await on.wait_for(InitReport)
            state = on.service.provisioned_concurrency("f", "1")

        assert state[:4] == (2, 1, 1, "FAILED")
        assert state.status_reason is not None
        assert "may run no more than 1 environments" in state.status_reason


async def test_deleting_a_version_ends_what_is_provisioned_for_it() -> None:
    async with stage() as on:
        await on.service.create_function(ONE)
        on.service.set_provisioned_concurrency("f", "1", 1)
        await on.driver.started()
        await on.service.delete_function("f", "1")
        await on.wait_for(Exit)

        assert on.service.unreserved_concurrency == 1000
        assert on.driver.waiting == 0


# Tenants


async def test_tenants_never_share_an_environment() -> None:
    async with stage(replace(FUNCTION, tenant_isolation_mode="PER_TENANT")) as on:
        first = call(on, tenant_id="blue")
        async with ready(await on.driver.started()) as (blue,):
            event = await blue.answer()
            assert event.headers["lambda-runtime-aws-tenant-id"] == "blue"
            await blue.post(event.request_id, "response", b"1")
            blue.send("GET", NEXT)
            await first
            second = call(on, tenant_id="green")
            async with ready(await on.driver.started()) as (green,):
                await answer(green)
                await second
                third = call(on, tenant_id="blue")
                await answer(blue)
                await third

        assert on.service.statistics()["f"].started == 2


async def test_a_tenant_that_is_gone_leaves_nothing() -> None:
    function = replace(FUNCTION, tenant_isolation_mode="PER_TENANT", idle_timeout=0.01)
    async with stage(function) as on:
        for tenant in ("blue", "green"):
            running = call(on, tenant_id=tenant)
            async with ready(await on.driver.started()) as (client,):
                await answer(client)
                await running
                await on.wait_for(Exit, 1 if tenant == "blue" else 2)
        while on.service.environments():  # noqa: ASYNC110 - their last traces go unannounced
            await asyncio.sleep(0)
        statistics = on.service.statistics()["f"]
        assert (statistics.started, statistics.invocations, statistics.processes) == (2, 2, 0)


async def test_a_tenant_that_was_never_served_leaves_nothing() -> None:
    async with stage(replace(FUNCTION, tenant_isolation_mode="PER_TENANT")) as on:
        on.service.set_reserved_concurrency("f", 0)
        for number in range(3):
            with pytest.raises(TooManyRequests):
                await on.service.invoke("f", b"{}", tenant_id=f"tenant {number}")

        assert list(on.service._functions["f"].pools) == []


async def test_a_tenant_is_named_where_tenants_are_isolated_and_only_there() -> None:
    async with stage() as on:
        await on.service.create_function(replace(OTHER, tenant_isolation_mode="PER_TENANT"))
        with pytest.raises(InvalidParameterValue) as caught:
            await on.service.invoke("g", b"{}")
        assert caught.value.message == (
            "The invoked function is enabled with tenancy configuration."
            " Add a valid tenant ID in your request and try again."
        )
        for name, tenant in (("g", "a\nb"), ("g", ""), ("f", "blue")):
            with pytest.raises(InvalidParameterValue, match="tenancy configuration"):
                await on.service.invoke(name, b"{}", tenant_id=tenant)
