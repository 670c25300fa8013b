"""Versions, aliases and what a caller learns of them, with runtimes that the test plays."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.service.scripted import FUNCTION, ROOT, Answer, Stage, stage
from warmstart.invoke import InvokeResult, ResourceNotFound, StreamBroken
from warmstart.service.service import Service

ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"


async def versions(service: Service, *numbers: str) -> None:
    for number in numbers:
        await service.create_function(replace(FUNCTION, version=number))


async def served(on: Stage, qualifier: str | None) -> tuple[Answer, InvokeResult]:
    """What a new environment and the caller get of an invocation."""
    calling = asyncio.ensure_future(on.service.invoke("f", b"{}", qualifier=qualifier))
    played = await on.driver.started()
    async with played.connect() as client:
        event = await client.next()
        await client.post(event.request_id, "response", b"1")
        return event, await calling


@pytest.mark.parametrize(
    ("qualifier", "version", "arn"),
    [
        (None, "$LATEST", ARN),
        ("$LATEST", "$LATEST", f"{ARN}:$LATEST"),
        ("1", "1", f"{ARN}:1"),
        ("prod", "2", f"{ARN}:prod"),
    ],
)
async def test_a_qualifier_leads_to_a_version_and_is_seen_in_the_arn(
    qualifier: str | None, version: str, arn: str
) -> None:
    async with stage() as on:
        await versions(on.service, "1", "2")
        on.service.set_alias("f", "prod", {"2": 1.0})
        event, result = await served(on, qualifier)

        assert event.headers["lambda-runtime-invoked-function-arn"] == arn
        assert result.executed_version == version
        assert [each.version for each in on.service.environments()] == [version]


async def test_an_alias_spreads_its_invocations_by_the_weights() -> None:
    chances = iter([0.1, 0.9])
    async with stage(random=lambda: next(chances)) as on:
        await versions(on.service, "1", "2")
        on.service.set_alias("f", "prod", {"1": 0.8, "2": 0.2})

        assert [(await served(on, "prod"))[1].executed_version for _ in range(2)] == ["1", "2"]


async def test_what_is_not_there_is_named_as_it_was_asked_for() -> None:
    async with stage() as on:
        for qualifier in ("7", "prod"):
            with pytest.raises(ResourceNotFound) as caught:
                await on.service.invoke("f", b"{}", qualifier=qualifier)
            assert caught.value.message == f"Function not found: {ARN}:{qualifier}"
        with pytest.raises(ResourceNotFound, match="function:f:7"):
            on.service.set_alias("f", "prod", {"7": 1.0})
        with pytest.raises(ResourceNotFound, match="function:g:7"):
            await on.service.delete_function("g", "7")
        with pytest.raises(ValueError, match="already exist: f"):
            await on.service.create_function(FUNCTION)


async def test_versions_and_aliases_go_one_by_one_or_all_at_once() -> None:
    async with stage() as on:
        await versions(on.service, "1", "2")
        on.service.set_alias("f", "prod", {"2": 1.0})
        await on.service.delete_function("f", "1")
        on.service.delete_alias("f", "prod")
        for gone in ("1", "prod"):
            with pytest.raises(ResourceNotFound):
                await on.service.invoke("f", b"{}", qualifier=gone)
        await on.service.delete_function("f")
        with pytest.raises(ResourceNotFound):
            await on.service.invoke("f", b"{}", qualifier="2")
        await on.service.create_function(FUNCTION)


async def test_the_log_s_tail_comes_with_the_answer() -> None:
    async with stage() as on:
        calling = asyncio.ensure_future(
            on.service.invoke("f", b"{}", request_id="id", log_tail=True)
        )
        played = await on.driver.started()
        async with played.connect() as client:
            await client.next()
            played.output("hello")
            await client.post("id", "response", b"1")
            client.send("GET", f"{ROOT}/invocation/next")
            result = await calling

        assert result.payload == b"1"
        assert result.log_tail is not None
        lines = result.log_tail.decode().splitlines()
        assert lines[:3] == [
            "START RequestId: id Version: $LATEST",
            "hello",
            "END RequestId: id",
        ]
        assert lines[3].startswith("REPORT RequestId: id\tDuration: ")


@pytest.mark.parametrize("breaks", [False, True])
async def test_a_stream_has_the_log_s_tail_at_its_end(breaks: bool) -> None:
    async with stage() as on:
        calling = asyncio.ensure_future(
            on.service.invoke_with_response_stream("f", b"{}", request_id="id", log_tail=True)
        )
        played = await on.driver.started()
        async with played.connect() as client:
            await client.next()
            client.begin_stream("id")
            stream = await calling
            await client.chunk(b"some")
            if breaks:
                client.end_stream({"Lambda-Runtime-Function-Error-Type": "Function.Broken"})
            else:
                client.end_stream()
            await client.answer()
            client.send("GET", f"{ROOT}/invocation/next")
            chunks = []
            try:
                async for chunk in stream:
                    chunks.append(chunk)
            except StreamBroken:
                assert breaks

        assert (stream.executed_version, chunks) == ("$LATEST", [b"some"])
        assert stream.log_tail is not None
        assert b"END RequestId: id\nREPORT RequestId: id\t" in stream.log_tail


async def test_live_environments_are_listed() -> None:
    async with stage() as on:
        starting = asyncio.ensure_future(on.service.start_environment("f"))
        played = await on.driver.started()
        (environment,) = on.service.environments()

        assert (environment.function, environment.version) == ("f", "$LATEST")
        assert environment.state == "Started"
        assert environment.log_stream == played.variables["AWS_LAMBDA_LOG_STREAM_NAME"]
        starting.cancel()
