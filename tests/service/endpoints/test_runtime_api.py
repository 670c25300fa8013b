"""The Runtime API as a runtime meets it, over real connections that the test makes itself."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from tests.service.scripted import FUNCTION, NEXT, ROOT, STREAMING, Client, Played, Stage, stage
from warmstart.invoke import MAX_PAYLOAD, InvokeResult, InvokeStream, StreamBroken
from warmstart.service.errors import InitFailed
from warmstart.service.stream import HIGH_WATER
from warmstart.service.telemetry import Report, RuntimeDone

TOO_LARGE = "Exceeded maximum allowed payload size (6291556 bytes)."


class Scene:
    """A stage on which one invocation has reached its runtime."""

    def __init__(
        self, stage: Stage, played: Played, client: Client, caller: asyncio.Future[InvokeResult]
    ) -> None:
        self.stage = stage
        self.played = played
        self.client = client
        self.caller = caller
        self.request_id = ""


@asynccontextmanager
async def invoked(event: bytes = b"{}") -> AsyncIterator[Scene]:
    async with stage() as on:
        caller = asyncio.ensure_future(on.service.invoke("f", event, request_id="id"))
        played = await on.driver.started()
        async with played.connect() as client:
            assert (await client.next()).request_id == "id"
            yield Scene(on, played, client, caller)
            caller.cancel()


async def test_next_brings_the_event_and_all_its_headers() -> None:
    async with stage() as on:
        caller = asyncio.ensure_future(
            on.service.invoke(
                "f",
                b'{"a": 1}',
                request_id="8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                trace_id="Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
                client_context='{"custom": {\n"name": "é"}}',
            )
        )
        played = await on.driver.started()
        before = on.service.clock.time()
        async with played.connect() as client:
            answer = await client.next()
            await client.post(answer.request_id, "response", b'"done"')
        after = on.service.clock.time()

        deadline = int(answer.headers.pop("lambda-runtime-deadline-ms")) / 1000
        assert before + FUNCTION.timeout - 1 <= deadline <= after + FUNCTION.timeout
        assert answer.status == 200
        assert answer.body == b'{"a": 1}'
        assert answer.headers == {
            "content-type": "application/json",
            "content-length": "8",
            "lambda-runtime-aws-request-id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            "lambda-runtime-invoked-function-arn": (
                "arn:aws:lambda:us-east-1:123456789012:function:f"
            ),
            "lambda-runtime-trace-id": (
                "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1"
            ),
            "lambda-runtime-client-context": '{"custom":{"name":"\\u00e9"}}',
        }
        assert (await caller).payload == b'"done"'


async def test_a_trace_header_that_would_split_the_response_is_replaced() -> None:
    async with stage() as on:
        caller = asyncio.ensure_future(on.service.invoke("f", b"{}", trace_id="Root=1\r\nEvil: 1"))
        async with (await on.driver.started()).connect() as client:
            answer = await client.next()
            await client.post(answer.request_id, "response", b"null")

        assert "evil" not in answer.headers
        assert answer.headers["lambda-runtime-trace-id"].startswith("Root=1-")
        await caller


async def test_next_asked_again_while_running_brings_the_same_event() -> None:
    async with invoked(b'"event"') as scene:
        again = await scene.client.next()

        assert (again.request_id, again.body) == ("id", b'"event"')


async def test_a_second_connection_may_wait_for_the_same_event() -> None:
    async with stage() as on:
        starting = asyncio.ensure_future(on.service.start_environment("f"))
        played = await on.driver.started()
        async with played.connect() as first, played.connect() as second:
            first.send("GET", NEXT)
            await starting
            second.send("GET", NEXT)
            caller = asyncio.ensure_future(on.service.invoke("f", b"{}", request_id="id"))

            assert [(await client.answer()).request_id for client in (first, second)] == ["id"] * 2
            caller.cancel()


async def test_a_response_is_accepted_and_reaches_the_caller_as_it_is() -> None:
    async with invoked() as scene:
        answer = await scene.client.post(
            "id", "response", b"\x00\xff", {"Content-Type": "application/unknown"}
        )

        assert (answer.status, answer.body) == (202, b'{"status":"OK"}\n')
        assert answer.headers["content-type"] == "application/json"
        assert await scene.caller == InvokeResult(
            "id", b"\x00\xff", content_type="application/unknown"
        )


async def test_the_caller_is_answered_before_the_runtime_asks_for_the_next_event() -> None:
    async with invoked() as scene:
        await scene.client.post("id", "response", b"1")

        assert (await scene.caller).payload == b"1"
        assert scene.stage.of(Report) == []


async def test_an_error_reaches_the_caller_as_a_function_error() -> None:
    async with invoked() as scene:
        body = b'{"errorMessage":"no","errorType":"ValueError","stackTrace":[]}'
        answer = await scene.client.post(
            "id", "error", body, {"Lambda-Runtime-Function-Error-Type": "Function.ValueError"}
        )
        scene.client.send("GET", NEXT)

        assert answer.status == 202
        assert await scene.caller == InvokeResult("id", body, "Unhandled")
        done = await scene.stage.wait_for(RuntimeDone)
        assert (done.status, done.error_type) == ("error", "Function.ValueError")


@pytest.mark.parametrize(
    ("header", "error_type"),
    [
        ("Runtime.MarshalError", "Runtime.MarshalError"),
        ("Function.!", "Function.Unknown"),
        ("ValueError", "Runtime.Unknown"),
        (None, "Runtime.Unknown"),
    ],
)
async def test_an_error_type_of_no_known_form_is_reported_as_unknown(
    header: str | None, error_type: str
) -> None:
    async with invoked() as scene:
        headers = {"Lambda-Runtime-Function-Error-Type": header} if header else {}
        await scene.client.post("id", "error", b"{}", headers)
        scene.client.send("GET", NEXT)

        assert (await scene.stage.wait_for(RuntimeDone)).error_type == error_type


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (
            b'{"errorMessage":"m","errorType":"T","stackTrace":[],"errorCause":{"paths":[]}}',
            {"errorMessage": "m", "errorType": "T", "stackTrace": []},
        ),
        (b"not json", None),
        (b"[]", {}),
        (b"1", None),
    ],
)
async def test_the_cause_in_an_error_is_kept_from_the_caller(body: bytes, payload: object) -> None:
    async with invoked() as scene:
        content_type = {"Content-Type": "application/vnd.aws.lambda.error.cause+json"}
        await scene.client.post("id", "error", body, content_type)
        received = (await scene.caller).payload

        if payload is None:
            assert received == b"Invalid error body"
        else:
            assert json.loads(received) == payload


async def test_a_wrong_id_gets_400_and_a_second_response_403() -> None:
    async with invoked() as scene:
        unknown = await scene.client.post("other", "response", b"1")
        await scene.client.post("id", "response", b"1")
        second = await scene.client.post("id", "error", b"1")

        assert (unknown.status, unknown.body) == (
            400,
            b'{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}\n',
        )
        assert second.status == 403
        assert second.json() == {
            "errorType": "InvalidStateTransition",
            "errorMessage": "State transition from RuntimeResponseSentState to"
            " InvocationErrorResponse failed for runtime."
            " Error: State transition is not allowed",
        }


async def test_an_invalid_response_mode_gets_400_and_the_next_request_403() -> None:
    async with invoked() as scene:
        mode = {"Lambda-Runtime-Function-Response-Mode": "Streaming"}
        answer = await scene.client.post("id", "response", b"1", mode)

        assert answer.status == 400
        assert answer.json() == {
            "errorType": "InvalidFunctionResponseMode",
            "errorMessage": "Invalid function response mode",
        }
        assert (await scene.client.next()).status == 403


async def test_the_largest_response_passes() -> None:
    async with invoked() as scene:
        answer = await scene.client.post("id", "response", b"x" * MAX_PAYLOAD)

        assert answer.status == 202
        assert len((await scene.caller).payload) == 6_291_556


@pytest.mark.parametrize("what", ["response", "error"])
async def test_one_byte_more_gets_413_and_the_connection_goes_on(what: str) -> None:
    async with invoked() as scene:
        answer = await scene.client.post("id", what, b"x" * (MAX_PAYLOAD + 1))
        scene.client.send("GET", NEXT)
        result = await scene.caller

        assert answer.status == 413
        assert answer.json() == {"errorMessage": TOO_LARGE, "errorType": "RequestEntityTooLarge"}
        assert result.function_error == "Unhandled"
        assert json.loads(result.payload) == {
            "errorType": "Function.ResponseSizeTooLarge",
            "errorMessage": "RequestId: id Error: Response payload size exceeded maximum allowed"
            " payload size (6291556 bytes).",
        }
        caller = asyncio.ensure_future(scene.stage.service.invoke("f", b"{}", request_id="2"))
        assert (await scene.client.answer()).request_id == "2"
        caller.cancel()


async def test_a_response_that_breaks_off_ends_the_environment() -> None:
    async with invoked() as scene:
        path = f"{ROOT}/invocation/id/response"
        scene.client.send("POST", path, {"Content-Length": "10"})
        scene.client.writer.write(b"12345")
        await scene.client.writer.drain()
        scene.client.writer.close()

        assert json.loads((await scene.caller).payload) == {
            "errorType": "Runtime.TruncatedResponse",
            "errorMessage": "RequestId: id Error: HTTP request detected as truncated",
        }
        assert scene.played.returncode == -9


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/2018-06-01/ping", 200, None),
        ("POST", "/2018-06-01/ping", 405, "GET"),
        ("POST", NEXT, 405, "GET"),
        ("GET", f"{ROOT}/invocation/id/response", 405, "POST"),
        ("PUT", f"{ROOT}/invocation/id/error", 405, "POST"),
        ("GET", f"{ROOT}/init/error", 405, "POST"),
        ("GET", f"{ROOT}/restore/next", 404, None),
        ("POST", f"{ROOT}/invocation/id/other", 404, None),
        ("GET", "/", 404, None),
    ],
)
async def test_paths_and_methods(method: str, path: str, status: int, allow: str | None) -> None:
    async with invoked() as scene:
        answer = await scene.client.call(method, path, body=b"")

        assert answer.status == status
        assert answer.headers.get("allow") == allow
        assert status != 200 or answer.body == b"pong"


async def test_an_init_error_is_told_to_the_caller_within_whose_invocation_it_comes() -> None:
    async with stage() as on:
        caller = asyncio.ensure_future(on.service.invoke("f", b"{}", request_id="id"))
        bodies = [b'{"errorType":"Runtime.ImportModuleError","requestId":"%d"}' % n for n in (1, 2)]
        for body in bodies:
            played = await on.driver.started()
            async with played.connect() as client:
                error_type = {"Lambda-Runtime-Function-Error-Type": "Runtime.ImportModuleError"}
                answer = await client.call("POST", f"{ROOT}/init/error", error_type, body)
                after = await client.next()

            assert (answer.status, answer.body) == (202, b'{"status":"OK"}\n')
            assert after.status == 403
            await played.exited.wait()
        assert await caller == InvokeResult("id", bodies[-1], "Unhandled")
        assert on.driver.waiting == 0


async def test_init_error_is_raised_to_who_starts_an_environment() -> None:
    async with stage() as on:
        starting = asyncio.ensure_future(on.service.start_environment("f"))
        played = await on.driver.started()
        async with played.connect() as client:
            error_type = {"Lambda-Runtime-Function-Error-Type": "Runtime.HandlerNotFound"}
            await client.call("POST", f"{ROOT}/init/error", error_type, b'{"errorType":"x"}')
        played.exit(1)

        with pytest.raises(InitFailed) as caught:
            await starting
        assert caught.value.error_type == "Runtime.HandlerNotFound"
        assert caught.value.payload == b'{"errorType":"x"}'


async def test_init_error_after_init_gets_403() -> None:
    async with invoked() as scene:
        assert (await scene.client.call("POST", f"{ROOT}/init/error", body=b"{}")).status == 403


async def test_a_malformed_request_does_not_disturb_the_environment() -> None:
    async with invoked() as scene, scene.played.connect() as other:
        other.writer.write(b"\x00\x01 nonsense\r\n\r\n")
        assert (await other.answer()).status == 400
        await scene.client.post("id", "response", b"1")

        assert (await scene.caller).payload == b"1"


# Streaming


@asynccontextmanager
async def streaming() -> AsyncIterator[tuple[Scene, asyncio.Future[InvokeStream]]]:
    """An invocation by a caller who takes a stream."""
    async with stage() as on:
        caller = asyncio.ensure_future(
            on.service.invoke_with_response_stream("f", b"{}", request_id="id")
        )
        played = await on.driver.started()
        async with played.connect() as client:
            await client.next()
            nobody: asyncio.Future[InvokeResult] = asyncio.get_running_loop().create_future()
            yield Scene(on, played, client, nobody), caller
            caller.cancel()


async def test_each_chunk_reaches_the_reader_before_the_next_is_sent() -> None:
    async with streaming() as (scene, caller):
        scene.client.begin_stream("id", {"Content-Type": "text/event-stream"})
        await scene.client.chunk(b"one")
        stream = await caller
        chunks = aiter(stream)
        assert (stream.content_type, stream.streamed) == ("text/event-stream", True)
        assert (stream.request_id, stream.function_error) == ("id", None)
        assert await anext(chunks) == b"one"
        await scene.client.chunk(b"two")
        assert await anext(chunks) == b"two"
        scene.client.end_stream()

        assert [chunk async for chunk in chunks] == []
        assert (await scene.client.answer()).status == 202


async def test_a_stream_has_aws_s_default_content_type() -> None:
    async with streaming() as (scene, caller):
        scene.client.begin_stream("id")

        assert (await caller).content_type == "application/octet-stream"


async def test_the_error_in_the_trailers_breaks_the_stream() -> None:
    """Pins where the HTTP server puts trailers: at the end of the headers, after the body."""
    async with streaming() as (scene, caller):
        error = b'{"errorType":"ValueError","errorMessage":"late"}'
        scene.client.begin_stream(
            "id",
            {"Trailer": "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"},
        )
        await scene.client.chunk(b"half")
        scene.client.end_stream(
            {
                "Lambda-Runtime-Function-Error-Type": "Runtime.StreamError",
                "Lambda-Runtime-Function-Error-Body": base64.b64encode(error).decode(),
            }
        )
        chunks = aiter(await caller)
        assert await anext(chunks) == b"half"
        with pytest.raises(StreamBroken) as caught:
            await anext(chunks)

        assert (caught.value.error_type, caught.value.payload) == ("Runtime.StreamError", error)
        assert (await scene.client.answer()).status == 202
        scene.client.send("GET", NEXT)
        done = await scene.stage.wait_for(RuntimeDone)
        assert (done.status, done.error_type) == ("error", "Runtime.StreamError")


async def test_trailers_are_told_from_headers_if_all_comes_at_once() -> None:
    async with streaming() as (scene, caller):
        scene.client.begin_stream("id")
        scene.client.writer.write(b"4\r\nhalf\r\n")
        scene.client.end_stream(
            {
                "Lambda-Runtime-Function-Error-Type": "Runtime.StreamError",
                "Lambda-Runtime-Function-Error-Body": "not base64",
            }
        )
        chunks = aiter(await caller)
        assert await anext(chunks) == b"half"
        with pytest.raises(StreamBroken) as caught:
            await anext(chunks)

        assert caught.value.payload == b"not base64"


async def test_an_error_type_in_the_headers_of_a_stream_is_not_a_trailer() -> None:
    async with streaming() as (scene, caller):
        scene.client.begin_stream("id", {"Lambda-Runtime-Function-Error-Type": "Runtime.No"})
        await scene.client.chunk(b"all")
        scene.client.end_stream()

        assert [chunk async for chunk in await caller] == [b"all"]


async def test_a_slow_reader_stops_the_writer() -> None:
    async with streaming() as (scene, caller):
        scene.client.begin_stream("id")
        stream = await caller
        sent = 0

        async def send_all() -> None:
            nonlocal sent
            for _ in range(1000):
                await scene.client.chunk(b"x" * HIGH_WATER)
                sent += 1
            scene.client.end_stream()

        writer = asyncio.ensure_future(send_all())
        done, _ = await asyncio.wait([writer], timeout=0.3)
        assert not done, "64 MB were taken without a reader"
        received = sum([len(chunk) async for chunk in stream])

        assert received == 1000 * HIGH_WATER
        assert (await scene.client.answer()).status == 202
        await writer


async def test_a_runtime_that_waits_is_told_at_once_that_the_reader_has_gone() -> None:
    async with streaming() as (scene, caller):
        scene.client.begin_stream("id")
        await scene.client.chunk(b"one")
        stream = await caller
        await anext(aiter(stream))
        await stream.aclose()
        answer = await scene.client.answer()

        assert (answer.status, answer.headers["connection"]) == (202, "close")
        assert await scene.client.reader.read() == b""
        async with scene.played.connect() as again:
            again.send("GET", NEXT)
            assert (await scene.stage.wait_for(RuntimeDone)).status == "success"


async def test_a_runtime_that_writes_is_told_that_the_reader_has_gone() -> None:
    async with streaming() as (scene, caller):
        scene.client.begin_stream("id")
        stream = await caller

        async def send_for_ever() -> None:
            while True:
                await scene.client.chunk(b"x" * HIGH_WATER)

        writer = asyncio.ensure_future(send_for_ever())
        await anext(aiter(stream))
        await stream.aclose()

        with pytest.raises(ConnectionError):
            await writer


async def test_a_reader_who_left_before_the_response_began_is_known_at_its_first_byte() -> None:
    async with streaming() as (scene, caller):
        caller.cancel()
        await asyncio.sleep(0)
        scene.client.begin_stream("id")

        assert (await scene.client.answer()).headers["connection"] == "close"


async def test_an_exit_in_the_middle_of_a_stream_breaks_it() -> None:
    async with streaming() as (scene, caller):
        scene.client.begin_stream("id")
        await scene.client.chunk(b"half")
        stream = await caller
        chunks = aiter(stream)
        assert await anext(chunks) == b"half"
        scene.played.exit(3)
        with pytest.raises(StreamBroken) as caught:
            await anext(chunks)

        assert caught.value.error_type == "Runtime.ExitError"
        assert json.loads(caught.value.payload)["errorMessage"] == (
            "RequestId: id Error: Runtime exited with error: exit status 3"
        )


async def test_a_connection_lost_in_the_middle_of_a_stream_breaks_it() -> None:
    async with streaming() as (scene, caller):
        scene.client.begin_stream("id")
        await scene.client.chunk(b"half")
        stream = await caller
        scene.client.writer.close()
        with pytest.raises(StreamBroken) as caught:
            async for _ in stream:
                pass

        assert caught.value.error_type == "Runtime.TruncatedResponse"


async def test_a_buffered_answer_to_a_streaming_caller_is_one_chunk() -> None:
    async with streaming() as (scene, caller):
        await scene.client.post("id", "response", b'{"statusCode":200}')
        stream = await caller

        assert (stream.streamed, stream.function_error) == (False, None)
        assert [chunk async for chunk in stream] == [b'{"statusCode":200}']


async def test_an_error_before_the_stream_is_a_function_error() -> None:
    async with streaming() as (scene, caller):
        await scene.client.post("id", "error", b'{"errorType":"x"}')
        stream = await caller

        assert (stream.streamed, stream.function_error) == (False, "Unhandled")
        assert [chunk async for chunk in stream] == [b'{"errorType":"x"}']


async def test_a_streamed_answer_to_a_buffered_caller_is_collected_as_it_is() -> None:
    async with invoked() as scene:
        content_type = "application/vnd.awslambda.http-integration-response"
        scene.client.begin_stream("id", {"Content-Type": content_type})
        await scene.client.chunk(b'{"statusCode":201}' + bytes(8))
        await scene.client.chunk(b"body")
        scene.client.end_stream()

        assert await scene.caller == InvokeResult(
            "id", b'{"statusCode":201}' + bytes(8) + b"body", content_type=content_type
        )
        assert (await scene.client.answer()).status == 202


async def test_a_streamed_answer_too_large_for_a_buffered_caller_gets_413() -> None:
    async with invoked() as scene:
        path = f"{ROOT}/invocation/id/response"
        answer = await scene.client.call("POST", path, STREAMING, b"x" * (MAX_PAYLOAD + 1))

        assert answer.status == 413
        assert b"Function.ResponseSizeTooLarge" in (await scene.caller).payload


async def test_a_failed_stream_to_a_buffered_caller_is_a_function_error() -> None:
    async with invoked() as scene:
        scene.client.begin_stream("id")
        await scene.client.chunk(b"half")
        scene.client.end_stream({"Lambda-Runtime-Function-Error-Type": "Function.Late"})

        assert (await scene.caller).function_error == "Unhandled"


async def test_a_stream_past_the_timeout_is_broken_and_its_environment_killed() -> None:
    function = replace(FUNCTION, timeout=0.2)
    async with stage(function) as on:
        caller = asyncio.ensure_future(
            on.service.invoke_with_response_stream("f", b"{}", request_id="id")
        )
        played = await on.driver.started()
        async with played.connect() as client:
            await client.next()
            client.begin_stream("id")
            with pytest.raises(StreamBroken) as caught:
                async for _ in await caller:
                    pass

        assert caught.value.error_type == "Sandbox.Timedout"
        assert played.returncode == -9
