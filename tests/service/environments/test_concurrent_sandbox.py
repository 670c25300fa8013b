"""Environments that serve many invocations at once: a played runtime, and real ones."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

import warmstart
from tests.service.real import serving
from tests.service.scripted import FUNCTION, NEXT, ROOT, Client, Played, stage
from warmstart.service.function import Function
from warmstart.service.telemetry import Exit, InitReport, Report

PLACES = 3
MANY = replace(FUNCTION, max_environment_concurrency=PLACES)


async def workers(stack: AsyncExitStack, played: Played, count: int) -> list[Client]:
    return [await stack.enter_async_context(played.connect()) for _ in range(count)]


async def test_one_environment_serves_as_many_at_once_as_it_has_places() -> None:
    async with stage(MANY) as on, AsyncExitStack() as stack:
        callers = [
            asyncio.ensure_future(on.service.invoke("f", b"%d" % n, request_id=str(n)))
            for n in range(PLACES)
        ]
        played = await on.driver.started()
        asking = await workers(stack, played, PLACES)
        events = {}
        for worker in asking:
            answer = await worker.next()
            events[answer.request_id] = (worker, answer.body)
        for request_id in reversed(events):
            worker, body = events[request_id]
            await worker.post(request_id, "response", body)
        results = [await caller for caller in callers]

        assert [result.payload for result in results] == [b"0", b"1", b"2"]
        assert on.driver.waiting == 0
        assert on.of(InitReport)[0].initialization_type == "lambda-managed-instances"
        assert played.variables["AWS_LAMBDA_MAX_CONCURRENCY"] == "3"
        assert len(on.of(Report)) == PLACES


async def test_an_invocation_waits_for_a_worker_that_asks() -> None:
    async with stage(MANY) as on, AsyncExitStack() as stack:
        first = asyncio.ensure_future(on.service.invoke("f", b"1", request_id="1"))
        one, other = await workers(stack, await on.driver.started(), 2)
        await one.next()
        second = asyncio.ensure_future(on.service.invoke("f", b"2", request_id="2"))
        other.send("GET", NEXT)
        assert (await other.answer()).request_id == "2"
        await other.post("2", "response", b'"second"')
        await one.post("1", "error", b'{"errorType":"E"}')

        assert (await second).payload == b'"second"'
        assert (await first).function_error == "Unhandled"


async def test_a_timeout_is_told_to_the_caller_and_the_runtime_goes_on() -> None:
    async with stage(replace(MANY, timeout=0.1)) as on, AsyncExitStack() as stack:
        caller = asyncio.ensure_future(on.service.invoke("f", b"1", request_id="slow"))
        slow, quick = await workers(stack, await on.driver.started(), 2)
        await slow.next()
        assert b"Task timed out after 0.10 seconds" in (await caller).payload
        late = await slow.post("slow", "response", b"1")

        assert (late.status, late.json()["errorType"]) == (410, "InvokeTimeout")
        again = asyncio.ensure_future(on.service.invoke("f", b"2", request_id="next"))
        assert (await quick.next()).request_id == "next"
        await quick.post("next", "response", b"2")
        assert (await again).payload == b"2"
        assert on.of(Exit) == []


async def test_a_runtime_that_ends_fails_all_that_it_had_and_is_replaced() -> None:
    async with stage(MANY) as on, AsyncExitStack() as stack:
        callers = [asyncio.ensure_future(on.service.invoke("f", b"1")) for _ in range(2)]
        played = await on.driver.started()
        for worker in await workers(stack, played, 2):
            await worker.next()
        played.exit(1)
        for caller in callers:
            assert b"Runtime exited with error: exit status 1" in (await caller).payload
        again = asyncio.ensure_future(on.service.invoke("f", b"2", request_id="2"))
        (worker,) = await workers(stack, await on.driver.started(), 1)
        assert (await worker.next()).body == b"2"
        again.cancel()


async def test_an_update_lets_all_that_are_under_way_finish() -> None:
    async with stage(MANY) as on, AsyncExitStack() as stack:
        caller = asyncio.ensure_future(on.service.invoke("f", b"1", request_id="1"))
        played = await on.driver.started()
        (worker,) = await workers(stack, played, 1)
        await worker.next()
        await on.service.update_function(MANY)
        worker.send("POST", f"{ROOT}/invocation/1/response", body=b'"old"')

        assert (await caller).payload == b'"old"'
        await played.exited.wait()


async def test_an_init_error_answers_the_caller_at_once() -> None:
    async with stage(MANY) as on:
        caller = asyncio.ensure_future(on.service.invoke("f", b"1"))
        async with (await on.driver.started()).connect() as client:
            first = await client.call("POST", f"{ROOT}/init/error", {}, b'{"errorType":"E"}')
            second = await client.call("POST", f"{ROOT}/init/error", {}, b'{"errorType":"E"}')

        assert (first.status, second.status) == (202, 403)
        assert (await caller).payload == b'{"errorType":"E"}'
        assert on.driver.waiting == 0


APP = """
import asyncio, time
arrived = 0
async def together(event, context):
    global arrived
    arrived += 1
    while arrived < event:
        await asyncio.sleep(0.001)
    return context.aws_request_id
def handler(event, context):
    time.sleep(0.2)
    return context.aws_request_id
"""


async def test_warmstart_s_runtime_serves_many_on_one_loop(tmp_path: Path) -> None:
    write(tmp_path)
    variables = {"WARMSTART_WORKERS": "1", "PYTHONPATH": str(Path(warmstart.__file__).parents[1])}
    await meets(tmp_path, "warmstart.runtime", "app.together", b"4", variables)


@pytest.mark.parametrize("client", ["warmstart.runtime", "awslambdaric"])
async def test_runtime_clients_serve_many_in_processes(client: str, tmp_path: Path) -> None:
    write(tmp_path)
    variables = {"PYTHONPATH": str(Path(warmstart.__file__).parents[1])}
    await meets(tmp_path, client, "app.handler", b"1", variables)


def write(directory: Path) -> None:
    (directory / "app.py").write_text(APP)


async def meets(
    directory: Path, client: str, handler: str, event: bytes, variables: dict[str, str]
) -> None:
    many = Function(
        name="f",
        handler=handler,
        task_root=str(directory),
        command=(sys.executable, "-m", client, handler),
        environment=variables,
        timeout=20.0,
        memory_size=2048,
        max_environment_concurrency=4,
    )
    async with serving(many) as (service, _):
        ids = [f"id-{number}" for number in range(4)]
        calls = [service.invoke("f", event, request_id=request_id) for request_id in ids]
        results = await asyncio.gather(*calls)

        assert [json.loads(result.payload) for result in results] == ids
        assert service.statistics()["f"].started == 1
