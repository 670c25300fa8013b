"""Which environment serves whom, with runtimes that the test plays."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, NoReturn

import pytest

from tests.service.scripted import FUNCTION, NEXT, ROOT, stage
from warmstart.invoke import InvokeResult, ServiceFault, TooManyRequests
from warmstart.service.function import Function
from warmstart.service.service import Service
from warmstart.service.telemetry import Exit, InitReport, Report, Start


async def test_whichever_environment_is_ready_first_takes_the_oldest_waiter() -> None:
    async with stage() as on, AsyncExitStack() as stack:
        callers = [
            asyncio.ensure_future(on.service.invoke("f", b"{}", request_id=name))
            for name in ("oldest", "newer")
        ]
        slow, quick = await on.driver.started(), await on.driver.started()
        second = await stack.enter_async_context(quick.connect())
        assert (await second.next()).request_id == "oldest"
        first = await stack.enter_async_context(slow.connect())
        assert (await first.next()).request_id == "newer"
        for caller in callers:
            caller.cancel()


async def test_an_environment_that_comes_back_saves_a_cold_start() -> None:
    async with stage() as on:
        caller = asyncio.ensure_future(on.service.invoke("f", b"{}", request_id="1"))
        async with (await on.driver.started()).connect() as client:
            await client.next()
            client.send("POST", f"{ROOT}/invocation/1/response", body=b"1")
            await caller
            waiting = asyncio.ensure_future(on.service.invoke("f", b"{}", request_id="2"))
            await client.answer()
            assert (await client.next()).request_id == "2"

        assert on.driver.waiting == 0
        waiting.cancel()


async def test_an_idle_environment_that_dies_is_replaced_when_it_is_needed() -> None:
    async with stage() as on:
        starting = asyncio.ensure_future(on.service.start_environment("f"))
        played = await on.driver.started()
        async with played.connect() as client:
            client.send("GET", NEXT)
            await starting
            played.exit(1)
            assert (await on.wait_for(Exit)).reason == "failure"
        assert on.driver.waiting == 0
        caller = asyncio.ensure_future(on.service.invoke("f", b"{}"))

        async with (await on.driver.started()).connect() as client:
            await client.next()
        caller.cancel()


async def test_environments_ahead_of_demand_keep_within_the_limit() -> None:
    async with stage() as on:
        on.service.set_reserved_concurrency("f", 1)
        starting = asyncio.ensure_future(on.service.start_environment("f"))
        await on.driver.started()
        with pytest.raises(TooManyRequests):
            await on.service.start_environment("f")
        starting.cancel()


async def test_an_update_replaces_an_environment_that_is_still_starting() -> None:
    async with stage() as on:
        starting = asyncio.ensure_future(on.service.start_environment("f"))
        old = await on.driver.started()
        caller = asyncio.ensure_future(on.service.invoke("f", b"{}", request_id="id"))
        await asyncio.sleep(0)
        await on.service.update_function(FUNCTION)
        new = await on.driver.started()
        with pytest.raises(ServiceFault, match="stopped during its INIT"):
            await starting
        async with new.connect() as client:
            answer = await client.next()

        assert answer.request_id == "id"
        assert old.returncode == -9  # no extension: no grace
        assert on.of(InitReport)[0].status == "success"
        caller.cancel()


async def test_a_response_after_the_timeout_is_not_heard() -> None:
    async with stage(replace(FUNCTION, timeout=0.1)) as on:
        caller = asyncio.ensure_future(on.service.invoke("f", b"{}", request_id="id"))
        played = await on.driver.started()
        async with played.connect() as client:
            await client.next()
            client.send("POST", f"{ROOT}/invocation/id/response", {"Content-Length": "2"})
            result = await caller
            client.writer.write(b"{}")

        assert b"Task timed out after 0.10 seconds" in result.payload
        await on.wait_for(Exit)
        assert [report.status for report in on.of(Report)] == ["timeout"]


async def test_a_runtime_that_ends_while_an_event_is_on_its_way_to_it_is_no_fault_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with stage() as on:
        starting = asyncio.ensure_future(on.service.start_environment("f"))
        played = await on.driver.started()
        async with played.connect() as client:
            client.send("GET", NEXT)
            await starting
            caller = asyncio.ensure_future(on.service.invoke("f", b"{}"))
            played.exit(1)

            assert b"Runtime exited with error: exit status 1" in (await caller).payload
        await on.wait_for(Exit)
    assert caplog.records == []


async def test_the_rest_of_a_response_that_came_too_late_is_no_other_invocation_s() -> None:
    async with stage(replace(FUNCTION, timeout=0.1)) as on:
        caller = asyncio.ensure_future(on.service.invoke("f", b"{}", request_id="late"))
        async with (await on.driver.started()).connect() as client:
            await client.next()
            client.send("POST", f"{ROOT}/invocation/late/response", {"Content-Length": "2"})
            await caller
            other = asyncio.ensure_future(on.service.invoke("f", b"{}", request_id="other"))
            client.writer.write(b"{}")
            result = await other

        assert b"Task timed out after 0.10 seconds" in result.payload
        assert on.service.statistics()["f"].started == 1


async def test_an_init_error_that_breaks_off_is_told_by_the_exit() -> None:
    async with stage() as on:
        caller = asyncio.ensure_future(on.service.invoke("f", b"{}"))
        for _ in range(2):
            played = await on.driver.started()
            async with played.connect() as client:
                client.send("POST", f"{ROOT}/init/error", {"Content-Length": "100"})
                await client.writer.drain()
            played.exit(1)

        assert b"Runtime exited with error: exit status 1" in (await caller).payload


async def test_a_closed_service_refuses_every_call() -> None:
    async with stage() as on:
        await on.service.aclose()
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: on.service.invoke("f", b"{}"),
            lambda: on.service.start_environment("f"),
            lambda: on.service.create_function(FUNCTION),
        ]
        for call in calls:
            with pytest.raises(ServiceFault, match="closed"):
                await call()


async def test_a_fault_of_the_service_s_own_is_seen_and_leaves_nobody_waiting() -> None:
    class Broken:
        async def open(self, function: Function, environment_id: str) -> NoReturn:
            raise RuntimeError("ours")

    seen: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    handler = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: seen.append(context))
    async with Service(driver=Broken()) as service:
        await service.create_function(FUNCTION)
        result = await service.invoke("f", b"{}", request_id="id")
    loop.set_exception_handler(handler)

    assert result == InvokeResult(
        "id",
        b'{"errorType": "Sandbox.Failure", "errorMessage":'
        b' "RequestId: id Error: The execution environment could not be started"}',
        "Unhandled",
    )
    assert [str(context["exception"]) for context in seen] == ["ours"]


async def test_each_start_has_its_report_whatever_happens() -> None:
    async with stage() as on:
        for code in (0, 1):
            caller = asyncio.ensure_future(on.service.invoke("f", b"{}"))
            played = await on.driver.started()
            async with played.connect() as client:
                await client.next()
                played.exit(code)
                await caller

        assert [event.request_id for event in on.of(Start)] == [
            event.request_id for event in on.of(Report)
        ]
