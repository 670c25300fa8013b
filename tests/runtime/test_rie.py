"""Ours and AWS's own client under AWS's runtime interface emulator: what callers see."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime.clients import AWSLAMBDARIC, WARMSTART, Client
from tests.runtime.rie import RIE, running_rie

BOTH = pytest.mark.parametrize("client", [WARMSTART, AWSLAMBDARIC], ids=str)


def event(**members: object) -> bytes:
    return json.dumps(members).encode()


@pytest.fixture(scope="module")
def emulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RIE, RIE]]:
    folder = tmp_path_factory.mktemp("rie")
    handler = "behaviours.handler"
    variables = {"AWS_EXECUTION_ENV": "AWS_Lambda_python3.13"}
    with (
        running_rie(WARMSTART, handler, folder, **variables) as ours,
        running_rie(AWSLAMBDARIC, handler, folder, **variables) as theirs,
    ):
        yield ours, theirs


SAME = [
    event(do="echo", text="grüße"),
    event(do="echo", fill="x" * 5000),  # from 2,049 bytes on the emulator sends chunks
    event(do="size", fill="x" * 6_000_000),
    event(do="big", bytes=6_000_000),
    event(do="make", value="bytes"),
    event(do="make", value="named tuple"),
]


@pytest.mark.parametrize("body", SAME, ids=lambda body: body[:40].decode())
def test_callers_get_the_same_answers(emulators: tuple[RIE, RIE], body: bytes) -> None:
    ours, theirs = (emulator.invoke(body) for emulator in emulators)
    assert ours.status_code == theirs.status_code
    assert ours.content == theirs.content


@pytest.mark.parametrize(
    "body", [event(do="fail", how="exception"), event(do="make", value="object"), b"nothing"]
)
def test_callers_get_the_same_errors_but_for_the_request_id(
    emulators: tuple[RIE, RIE], body: bytes
) -> None:
    answers = [emulator.invoke(body) for emulator in emulators]
    ours, theirs = (answer.json() for answer in answers)
    assert ours.pop("requestId") != theirs.pop("requestId")
    assert ours == theirs
    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.parametrize("bytes_", [6_291_555, 6_300_000, 30_000_000])
def test_an_answer_that_is_too_large_leaves_the_environment_warm(
    emulators: tuple[RIE, RIE], bytes_: int
) -> None:
    ours, _ = emulators
    ours.invoke(event(do="echo"))
    started = ours.log.count("INIT")
    answer = ours.invoke(event(do="big", bytes=bytes_))
    assert answer.json()["errorType"] == "Function.ResponseSizeTooLarge"
    assert ours.invoke(event(do="echo")).json() == {"do": "echo"}
    assert ours.log.count("INIT") == started


@pytest.mark.parametrize(
    "how", ["cancelled", "system exit", "generator exit", "lone surrogate", "unprintable", "huge"]
)
def test_the_caller_is_told_of_what_ends_their_process(
    emulators: tuple[RIE, RIE], how: str
) -> None:
    ours, _ = emulators
    answer = ours.invoke(event(do="fail", how=how))
    assert answer.status_code == 200
    assert answer.json()["errorType"] in {
        "CancelledError", "SystemExit", "GeneratorExit", "ValueError", "Unprintable",
    }  # fmt: skip


@BOTH
def test_the_context_comes_from_the_caller(tmp_path: Path, client: Client) -> None:
    context = "eyJjdXN0b20iOnsiYSI6MX19"  # {"custom":{"a":1}}
    with running_rie(client, "behaviours.handler", tmp_path) as emulator:
        headers = {"X-Amz-Client-Context": context, "X-Amz-Tenant-Id": "blue"}
        seen = emulator.invoke(event(do="describe"), headers).json()
    assert "custom={'a': 1}" in seen["client"]
    assert seen["tenant"] == "blue"
    assert seen["arn"] == "arn:aws:lambda:us-east-1:012345678912:function:test_function"
    assert seen["memory"] == "3008"


@BOTH
def test_a_failed_init_is_told_to_each_caller(tmp_path: Path, client: Client) -> None:
    with running_rie(client, "behaviours.missing", tmp_path) as emulator:
        for _ in range(2):
            answer = emulator.invoke(b"{}")
            assert answer.status_code == 502
            assert answer.json()["errorType"] == "Runtime.HandlerNotFound"


@BOTH
def test_a_timeout_replaces_the_environment(tmp_path: Path, client: Client) -> None:
    limit = {"AWS_LAMBDA_FUNCTION_TIMEOUT": "3"}  # for the start of the second, too
    with running_rie(client, "sleepy.handler", tmp_path, **limit) as emulator:
        assert "Task timed out after 3.00 seconds" in emulator.invoke(event(seconds=60)).text
        assert emulator.invoke(event(seconds=0)).json() == "slept"


@pytest.mark.parametrize("handler", ["modes.generator", "modes.async_generator"])
def test_a_stream_arrives_whole(tmp_path: Path, handler: str) -> None:
    with running_rie(WARMSTART, handler, tmp_path) as emulator:
        body = event(pieces=[{"statusCode": 201}, "one", " two"])
        buffered = emulator.invoke(body).json()
        assert buffered == {"statusCode": 201, "body": "one two", "isBase64Encoded": False}
    mode = {"WARMSTART_INVOKE_MODE": "RESPONSE_STREAM"}
    with running_rie(WARMSTART, handler, tmp_path, **mode) as emulator:
        assert emulator.invoke(body).content == b'{"statusCode": 201}' + bytes(8) + b"one two"
        assert emulator.invoke(event(pieces=["a", {"b": 1}])).content == b'a{"b": 1}'
        assert emulator.invoke(event(pieces=[])).content == b""
        big = emulator.invoke(event(pieces=["x" * 3_000_000, "y" * 3_000_000]))
        assert len(big.content) == 6_000_000


def test_a_native_handler_is_shut_down_in_order(tmp_path: Path) -> None:
    """The emulator signals only those that have registered an extension, as Lambda does."""
    with running_rie(WARMSTART, "modes.native", tmp_path) as emulator:
        assert emulator.invoke(event(do="respond")).json() == {"streaming": False}
    assert "started" in emulator.log
    assert "after the answer" in emulator.log
    assert "stopped" in emulator.log
