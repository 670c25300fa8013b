"""Invoking functions over the API: boto3 in front, a runtime that the test plays behind."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.service.api.serving import call, client, serving
from tests.service.asynchronous.played import running
from tests.service.scripted import FUNCTION, Client, Stage, stage
from warmstart.service.api.application import Api, Application
from warmstart.service.api.exchange import Request
from warmstart.service.api.invocations import Invocations
from warmstart.service.api.model import service_model
from warmstart.service.api.rest_json import RestJSON
from warmstart.service.control.arns import Arns

REGION = "us-east-1"
ACCOUNT = "123456789012"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
INVOKE = "/2015-03-31/functions/f/invocations"
STREAM = "/2021-11-15/functions/f/response-streaming-invocations"


@dataclass
class Set:
    """A stage, served on a port."""

    stage: Stage
    invocations: Invocations
    port: int
    client: Any

    @asynccontextmanager
    async def runtime(self) -> AsyncIterator[Client]:
        """The next environment's connection to the Runtime API."""
        played = await self.stage.driver.started()
        async with played.connect() as connection:
            yield connection

    async def call(self, operation: str, **parameters: Any) -> Any:
        return await call(getattr(self.client, operation), **parameters)

    async def refused(self, operation: str = "invoke", **parameters: Any) -> dict[str, Any]:
        with pytest.raises(ClientError) as info:
            await self.call(operation, FunctionName="f", **parameters)
        response: dict[str, Any] = info.value.response
        return response

    @asynccontextmanager
    async def answering(
        self, http: httpx.AsyncClient
    ) -> AsyncIterator[tuple[Client, httpx.Response]]:
        """A streamed response that has begun, at both of its ends."""
        request = http.build_request("POST", STREAM, content=b"{}")
        opening = asyncio.create_task(http.send(request, stream=True))
        async with self.runtime() as runtime:
            runtime.begin_stream((await runtime.next()).request_id)
            await runtime.chunk(b"one")
            response = await opening
            yield runtime, response

    @asynccontextmanager
    async def http(self) -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}") as http:
            yield http


@asynccontextmanager
async def served_on(there: Stage, directory: Path) -> AsyncIterator[Set]:
    async with running(directory, there.service) as asynchronous:
        invocations = Invocations(there.service, asynchronous, Arns(REGION, ACCOUNT))
        application = Application(Api(RestJSON("lambda"), {}, invocations))
        async with serving(application) as port:
            with closing(client("lambda", port)) as lambda_:
                yield Set(there, invocations, port, lambda_)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Set]:
    async with stage(FUNCTION) as there, served_on(there, tmp_path) as served:
        yield served


@pytest.mark.parametrize("operation", ["Invoke", "InvokeWithResponseStream", "InvokeAsync"])
async def test_the_paths_are_those_of_the_model(operation: str, served: Set) -> None:
    http = service_model("lambda").operation_model(operation).http
    path = http["requestUri"].replace("{FunctionName}", "f%3Alive")
    invocations = served.invocations

    for sent in (path, f"{path}/"):
        found = invocations.match(Request(http["method"], sent, "", {}, b""))
        assert found is not None
        assert (found.operation, found.function) == (operation, "f:live")
    assert invocations.match(Request("GET", path, "", {}, b"")) is None
    assert invocations.match(Request("POST", f"{path}/x", "", {}, b"")) is None


async def test_an_event_goes_in_and_the_handlers_answer_comes_back(served: Set) -> None:
    calling = asyncio.create_task(served.call("invoke", FunctionName="f", Payload=b'{"a": 1}'))
    async with served.runtime() as runtime:
        event = await runtime.next()
        await runtime.post(event.request_id, "response", b'{"b": 2}')
        answer = await calling

    assert event.body == b'{"a": 1}'
    assert answer["Payload"].read() == b'{"b": 2}'
    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in answer
    assert "LogResult" not in answer
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-requestid"] == event.request_id
    assert headers["x-amzn-remapped-content-length"] == "0"
    assert headers["x-amzn-trace-id"] == event.headers["lambda-runtime-trace-id"]
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize("name", ["f:$LATEST", f"{ACCOUNT}:function:f", ARN, f"{ARN}:$LATEST"])
async def test_a_function_may_be_named_in_all_ways(name: str, served: Set) -> None:
    calling = asyncio.create_task(served.call("invoke", FunctionName=name))
    async with served.runtime() as runtime:
        event = await runtime.next()
        await runtime.post(event.request_id, "response", b"null")
        answer = await calling

    assert event.body == b"{}"
    assert answer["Payload"].read() == b"null"


async def test_a_handlers_error_is_an_answer_with_status_200(served: Set) -> None:
    error = b'{"errorMessage": "no", "errorType": "E"}'
    calling = asyncio.create_task(served.call("invoke", FunctionName="f", LogType="Tail"))
    async with served.runtime() as runtime:
        event = await runtime.next()
        await runtime.post(event.request_id, "error", error)
        next_ = asyncio.create_task(runtime.next())
        answer = await calling
        next_.cancel()

    assert answer["StatusCode"] == 200
    assert answer["FunctionError"] == "Unhandled"
    assert answer["Payload"].read() == error
    log = base64.b64decode(answer["LogResult"]).decode()
    assert f"START RequestId: {event.request_id} Version: $LATEST" in log
    assert f"REPORT RequestId: {event.request_id}" in log


async def test_what_the_caller_says_of_itself_reaches_the_runtime(served: Set) -> None:
    context = base64.b64encode(b'{"client": {"app_title": "t"}}').decode()
    trace = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1"
    headers = {"X-Amz-Client-Context": context, "X-Amzn-Trace-Id": trace}
    async with served.http() as http:
        calling = asyncio.create_task(http.post(INVOKE, headers=headers))
        async with served.runtime() as runtime:
            event = await runtime.next()
            await runtime.post(event.request_id, "response", b"1")
            answer = await calling

    client_context = json.loads(event.headers["lambda-runtime-client-context"])
    assert client_context == {"client": {"app_title": "t"}}
    assert event.headers["lambda-runtime-trace-id"] == trace
    assert answer.headers["x-amzn-trace-id"] == trace


async def test_an_event_that_is_not_waited_for_reaches_the_function_later(served: Set) -> None:
    context = base64.b64encode(b"{}").decode()
    answer = await served.call(
        "invoke",
        FunctionName="f:$LATEST",
        InvocationType="Event",
        ClientContext=context,
        Payload=b"[1]",
    )
    async with served.runtime() as runtime:
        event = await runtime.next()
        await runtime.post(event.request_id, "response", b"1")

    assert answer["StatusCode"] == 202
    assert answer["Payload"].read() == b""
    assert event.body == b"[1]"
    metadata = answer["ResponseMetadata"]
    assert event.request_id == metadata["RequestId"]
    root = metadata["HTTPHeaders"]["x-amzn-trace-id"].partition(";")[0]
    assert event.headers["lambda-runtime-trace-id"].startswith(root)
    assert "lambda-runtime-client-context" not in event.headers


async def test_the_old_call_does_not_wait_either(served: Set) -> None:
    answer = await served.call("invoke_async", FunctionName="f", InvokeArgs=b"[1]")
    async with served.runtime() as runtime:
        event = await runtime.next()
        await runtime.post(event.request_id, "response", b"1")

    assert answer["Status"] == 202
    assert event.body == b"[1]"


@pytest.mark.parametrize("operation", ["invoke", "invoke_with_response_stream"])
async def test_a_dry_run_runs_nothing(operation: str, served: Set) -> None:
    answer = await served.call(operation, FunctionName="f", InvocationType="DryRun")
    answer["Payload" if operation == "invoke" else "EventStream"].close()

    assert answer["StatusCode"] == 204
    assert served.stage.driver.waiting == 0


@pytest.mark.parametrize("kind", ["RequestResponse", "Event", "DryRun"])
async def test_a_function_that_is_not_there_is_not_found(kind: str, served: Set) -> None:
    with pytest.raises(ClientError) as info:
        await served.call("invoke", FunctionName="g", InvocationType=kind)

    response = info.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert response["Error"]["Code"] == "ResourceNotFoundException"
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:g"
    assert response["Error"]["Message"] == f"Function not found: {arn}"


@pytest.mark.parametrize("payload", [b"{", b"\xff", b"NaN", b"[" * 100_000, b"{} x"])
async def test_an_event_must_be_json(payload: bytes, served: Set) -> None:
    response = await served.refused(Payload=payload)

    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert response["Error"]["Code"] == "InvalidRequestContentException"
    assert response["Type"] == "User"
    prefix = "Could not parse request body into json: Could not parse payload into json: "
    assert response["Error"]["Message"].startswith(prefix)


async def test_events_have_a_largest_size(served: Set) -> None:
    long = b'"' + b"x" * (6 * 1024 * 1024 + 100) + b'"'
    kept = b'"' + b"x" * (1024 * 1024 - 1) + b'"'

    response = await served.refused(Payload=long)
    event = await served.refused(Payload=kept, InvocationType="Event")

    assert response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert response["Error"] == {
        "Code": "RequestEntityTooLargeException",
        "Message": "Request must be smaller than 6291556 bytes for the InvokeFunction operation",
    }
    assert event["Error"] == {
        "Code": "RequestEntityTooLargeException",
        "Message": "1048577 byte payload is too large for the Event invocation type "
        "(limit 1048576 bytes)",
    }


@pytest.mark.parametrize(
    "context",
    [
        "not base64!",
        "AAAA",
        base64.b64encode(b"\xff{").decode(),
        pytest.param(base64.b64encode(2600 * b"[").decode(), id="nested"),
    ],
)
async def test_a_client_context_must_be_base64_of_json(context: str, served: Set) -> None:
    response = await served.refused(ClientContext=context)

    assert response["Error"] == {
        "Code": "InvalidRequestContentException",
        "Message": "Client context must be a valid Base64-encoded JSON object.",
    }


async def test_a_client_context_has_a_largest_size(served: Set) -> None:
    response = await served.refused(ClientContext="A" * 3584)

    assert response["Error"]["Code"] == "InvalidRequestContentException"
    assert "3583 bytes" in response["Error"]["Message"]


async def test_a_request_is_held_to_the_model(served: Set) -> None:
    async with served.http() as http:
        kind = await http.post(INVOKE, headers={"X-Amz-Invocation-Type": "Now"})
        name = await http.post(INVOKE.replace("/f/", "/a%20b/"))

    # https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
    assert kind.json()["message"] == (
        "1 validation error detected: Value 'Now' at 'invocationType' failed to satisfy "
        "constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]"
    )
    assert name.headers["x-amzn-errortype"] == "ValidationException"
    assert "at 'functionName' failed to satisfy" in name.json()["message"]


async def test_the_two_qualifiers_must_be_the_same(served: Set) -> None:
    with pytest.raises(ClientError, match="does not match the specified qualifier"):
        await served.call("invoke", FunctionName="f:1", Qualifier="2")


async def test_a_throttled_call_says_why(tmp_path: Path) -> None:
    async with stage() as there, served_on(there, tmp_path) as served:
        there.service.set_reserved_concurrency("f", 1)
        first = asyncio.create_task(there.service.invoke("f", b"1"))
        await there.driver.started()

        response = await served.refused()
        first.cancel()

    assert response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert response["Error"] == {"Code": "TooManyRequestsException", "Message": "Rate Exceeded."}
    assert response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert response["Type"] == "User"
    assert "retry-after" in response["ResponseMetadata"]["HTTPHeaders"]


# Streams


async def test_a_stream_comes_as_the_handler_sends_it(served: Set) -> None:
    calling = asyncio.create_task(
        served.call("invoke_with_response_stream", FunctionName="f", Payload=b"{}")
    )
    async with served.runtime() as runtime:
        event = await runtime.next()
        runtime.begin_stream(event.request_id)
        await runtime.chunk(b"one")
        answer = await calling
        events = iter(answer["EventStream"])
        first = await asyncio.to_thread(next, events)
        await runtime.chunk(b"\x00\xff")
        second = await asyncio.to_thread(next, events)
        runtime.end_stream()
        last = await asyncio.to_thread(next, events)
        rest = await asyncio.to_thread(list, events)

    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert answer["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"
    assert answer["ResponseMetadata"]["RequestId"] == event.request_id
    assert first == {"PayloadChunk": {"Payload": b"one"}}
    assert second == {"PayloadChunk": {"Payload": b"\x00\xff"}}
    assert last == {"InvokeComplete": {}}
    assert rest == []


async def streamed(served: Set, **parameters: Any) -> list[dict[str, Any]]:
    answer = await served.call("invoke_with_response_stream", FunctionName="f", **parameters)
    return await asyncio.to_thread(list, answer["EventStream"])


async def test_a_whole_answer_is_one_chunk_and_the_log_comes_at_the_end(served: Set) -> None:
    calling = asyncio.create_task(streamed(served, LogType="Tail"))
    async with served.runtime() as runtime:
        event = await runtime.next()
        await runtime.post(event.request_id, "response", b'{"b": 2}')
        next_ = asyncio.create_task(runtime.next())
        chunk, end = await calling
        next_.cancel()

    assert chunk == {"PayloadChunk": {"Payload": b'{"b": 2}'}}
    log = base64.b64decode(end["InvokeComplete"]["LogResult"]).decode()
    assert f"REPORT RequestId: {event.request_id}" in log


async def test_an_error_before_the_first_chunk_is_told_at_the_end(served: Set) -> None:
    error = b'{"errorMessage": "no", "errorType": "E"}'
    calling = asyncio.create_task(streamed(served))
    async with served.runtime() as runtime:
        event = await runtime.next()
        await runtime.post(event.request_id, "error", error)
        events = await calling

    details = error.decode()
    assert events == [{"InvokeComplete": {"ErrorCode": "Unhandled", "ErrorDetails": details}}]


async def test_an_error_after_the_first_chunk_is_told_at_the_end(served: Set) -> None:
    error = b'{"errorMessage": "no", "errorType": "E"}'
    calling = asyncio.create_task(streamed(served))
    async with served.runtime() as runtime:
        event = await runtime.next()
        trailers = {
            "Lambda-Runtime-Function-Error-Type": "E",
            "Lambda-Runtime-Function-Error-Body": base64.b64encode(error).decode(),
        }
        runtime.begin_stream(event.request_id, {"Trailer": ", ".join(trailers)})
        await runtime.chunk(b"one")
        runtime.end_stream(trailers)
        chunk, end = await calling

    assert chunk == {"PayloadChunk": {"Payload": b"one"}}
    complete = {"ErrorCode": "Unhandled", "ErrorDetails": error.decode()}
    assert end == {"InvokeComplete": complete}


async def test_a_client_that_leaves_ends_the_stream(served: Set) -> None:
    async with served.http() as http, served.answering(http) as (runtime, response):
        await response.aclose()
        answer = await runtime.answer()

    # The runtime has not ended its response; it is told that nobody wants the rest.
    assert answer.headers["connection"] == "close"


async def test_a_server_that_cancels_its_call_ends_the_stream(served: Set) -> None:
    request = Request("POST", STREAM, "", {}, b"{}")
    invocation = served.invocations.match(request)
    assert invocation is not None
    began = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            began.set()

    performing = asyncio.create_task(
        served.invocations.perform(invocation, request, "id", receive, send)
    )
    async with served.runtime() as runtime:
        runtime.begin_stream((await runtime.next()).request_id)
        await runtime.chunk(b"one")
        await began.wait()
        performing.cancel()
        answer = await asyncio.wait_for(runtime.answer(), 5)

    assert answer.headers["connection"] == "close"


async def test_a_client_that_reads_slowly_slows_the_runtime_down(served: Set) -> None:
    async with served.http() as http, served.answering(http) as (runtime, response):
        piece = b"x" * (1 << 20)
        sent = 0
        with suppress(TimeoutError):
            while sent < 64:
                await asyncio.wait_for(runtime.chunk(piece), 0.2)
                sent += 1
        await response.aclose()

    assert sent < 64
