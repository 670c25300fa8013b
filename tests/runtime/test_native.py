"""Handlers that answer by themselves, through an exchange."""

from __future__ import annotations

import json
import socket
from base64 import b64decode
from pathlib import Path

import pytest

from tests.runtime.conftest import Start
from tests.runtime.fake_api import FakeRuntimeAPI, Reply, answer, before_body, hang_up, whole

STREAMED = {"WARMSTART_INVOKE_MODE": "RESPONSE_STREAM"}
ERROR_TYPE = "lambda-runtime-function-error-type"
ERROR_BODY = "lambda-runtime-function-error-body"


def do(what: str, **members: object) -> bytes:
    return json.dumps({"do": what, **members}).encode()


@pytest.mark.parametrize("variables", [{}, STREAMED])
def test_the_exchange_tells_whether_its_front_door_takes_a_stream(
    api: FakeRuntimeAPI, start: Start, variables: dict[str, str]
) -> None:
    start("modes.native", **variables)
    _registration = api.wait_post()
    assert json.loads(api.invoke(do("respond")).body) == {"streaming": bool(variables)}


def started(api: FakeRuntimeAPI, start: Start) -> None:
    start("modes.native", **STREAMED)
    assert api.wait_post().path == "/2020-01-01/extension/register"


def test_the_answer_is_posted_before_the_handler_is_done(api: FakeRuntimeAPI, start: Start) -> None:
    running = start("modes.native")
    api.wait_post()
    api.wait_poll()
    api.invoke(do("respond"))
    api.wait_poll()  # asked for only when the handler is done
    assert running.stdout == "started\nafter the answer\n"


def test_an_answer_that_is_too_large_is_not_posted(api: FakeRuntimeAPI, start: Start) -> None:
    started(api, start)
    assert api.invoke(do("too_large")).body == b'"was too large"'


def test_no_answer_is_an_error(api: FakeRuntimeAPI, start: Start) -> None:
    started(api, start)
    post = api.invoke(do("nothing"))
    assert (post.call, json.loads(post.body)["errorType"]) == ("error", "Unanswered")


def test_an_exception_before_the_answer_is_the_invocations_error(
    api: FakeRuntimeAPI, start: Start
) -> None:
    started(api, start)
    post = api.invoke(do("fail_first"))
    assert (post.call, json.loads(post.body)["errorType"]) == ("error", "ValueError")


def test_an_exception_after_the_answer_is_in_the_log_alone(
    api: FakeRuntimeAPI, start: Start
) -> None:
    running = start("modes.native")
    api.wait_post()
    assert api.invoke(do("fail_late")).body == b'"fine"'
    assert api.invoke(do("respond")).call == "response"
    assert "[ERROR] ValueError: too late" in running.stdout


# Streams.


def test_each_piece_is_a_chunk_and_empty_ones_are_none(api: FakeRuntimeAPI, start: Start) -> None:
    started(api, start)
    post = api.invoke(do("stream"))
    assert post.chunks == [b"first ", b"last"]
    assert post.headers["lambda-runtime-function-response-mode"] == "streaming"
    assert post.headers["content-type"] == "text/plain"
    assert post.headers["trailer"].lower() == f"{ERROR_TYPE}, {ERROR_BODY}"
    assert post.trailers == {}


@pytest.mark.parametrize(("what", "chunks"), [("at_once", [b"all"]), ("empty", [])])
def test_a_stream_may_be_whole_at_once(
    api: FakeRuntimeAPI, start: Start, what: str, chunks: list[bytes]
) -> None:
    started(api, start)
    assert api.invoke(do(what)).chunks == chunks
    assert api.invoke(do(what)).connection == api.requests[0].connection + 1


@pytest.mark.parametrize("what", ["fail_half_way", "raise_half_way"])
def test_a_stream_that_breaks_says_so_in_its_trailers(
    api: FakeRuntimeAPI, start: Start, what: str
) -> None:
    started(api, start)
    post = api.invoke(do(what))
    assert post.body == b"half"
    assert post.trailers[ERROR_TYPE] == "ValueError"
    error = json.loads(b64decode(post.trailers[ERROR_BODY]))
    assert error["errorMessage"] == "half way"
    assert error["stackTrace"] or what == "fail_half_way"  # one that was never raised has none
    following = api.invoke(do("respond"))
    assert following.connection != post.connection


@pytest.mark.parametrize("early", [hang_up, answer(400)])
def test_a_reader_that_leaves_is_noticed(api: FakeRuntimeAPI, start: Start, early: Reply) -> None:
    running = start("modes.native", **STREAMED)
    api.wait_post()
    api.invoke(do("wait_for_the_reader"), reply=before_body(early))
    assert api.invoke(do("respond")).call == "response"
    assert "the reader has gone\n" in running.stdout


def test_writing_to_nobody_is_refused(api: FakeRuntimeAPI, start: Start) -> None:
    running = start("modes.native", **STREAMED)
    api.wait_post()
    api.invoke(do("write_to_nobody"), reply=before_body(hang_up))
    assert api.invoke(do("respond")).call == "response"
    assert "refused: The reader of the response has gone." in running.stdout


def test_a_slow_reader_holds_up_the_writer_and_nothing_else(
    api: FakeRuntimeAPI, start: Start
) -> None:
    running = start("modes.native", **STREAMED)
    api.wait_post()
    received = 0

    def read_when_others_have_run(connection: socket.socket) -> None:
        nonlocal received
        while "other tasks ran" not in running.stdout:
            assert running.process.poll() is None
        tail = b""
        while not tail.endswith(b"\r\n0\r\n\r\n"):
            data = connection.recv(1_000_000)
            received += len(data)
            tail = (tail + data)[-100:]
        answer(202)(connection)

    api.invoke(do("flood", chunks=30), reply=before_body(read_when_others_have_run))
    assert api.invoke(do("respond")).call == "response"
    assert received > 29_000_000


def test_without_a_stream_there_is_nobody_to_leave(api: FakeRuntimeAPI, start: Start) -> None:
    started(api, start)
    assert api.invoke(do("wait_without_a_stream")).body == b'"waited for nothing"'


def test_a_reader_that_leaves_in_the_middle_ends_the_waiting(
    api: FakeRuntimeAPI, start: Start
) -> None:
    running = start("modes.native", **STREAMED)
    api.wait_post()

    def leave_when_others_have_run(connection: socket.socket) -> None:
        while "other tasks ran" not in running.stdout:
            assert running.process.poll() is None
        hang_up(connection)

    api.invoke(do("flood", chunks=30), reply=before_body(leave_when_others_have_run))
    assert api.invoke(do("respond")).call == "response"


def test_other_tasks_run_while_the_verdict_is_waited_for(api: FakeRuntimeAPI, start: Start) -> None:
    running = start("modes.native", **STREAMED)
    api.wait_post()

    def when_they_have(connection: socket.socket) -> None:
        while "other tasks ran" not in running.stdout:
            assert running.process.poll() is None
        answer(202)(connection)

    api.invoke(do("slow_verdict"), reply=when_they_have)
    assert api.invoke(do("respond")).call == "response"


def test_a_verdict_that_never_comes_is_logged(api: FakeRuntimeAPI, start: Start) -> None:
    running = start("modes.native", **STREAMED)
    api.wait_post()
    api.invoke(do("stream"), reply=hang_up)
    assert api.invoke(do("respond")).call == "response"
    assert "The response could not be posted" in running.stdout


def test_a_connection_lost_before_a_stream_is_made_anew(
    api: FakeRuntimeAPI, start: Start, tmp_path: Path
) -> None:
    lost = tmp_path / "lost"

    def write(connection: socket.socket, head: bytes, body: bytes) -> None:
        whole(connection, head, body)
        hang_up(connection)
        lost.touch()

    started(api, start)
    api.invoke(do("respond"))
    assert api.invoke(do("stream_after", file=str(lost)), write=write).body == b"first last"


# Shutdown.


def test_sigterm_while_idle_stops_the_environment(api: FakeRuntimeAPI, start: Start) -> None:
    running = start("modes.native")
    api.wait_poll()
    assert running.stop() == 0
    assert running.stdout == "started\nstopped\n"


def test_a_service_without_extensions_api_does_no_harm(api: FakeRuntimeAPI, start: Start) -> None:
    api.replies["/2020-01-01/extension/register"] = answer(404)
    running = start("modes.native")
    api.wait_post()
    assert api.invoke(do("respond")).call == "response"
    assert running.stop() == 0


def test_no_service_at_all_ends_in_one_clear_sentence(start: Start) -> None:
    running = start("modes.native", AWS_LAMBDA_RUNTIME_API="127.0.0.1:1")
    assert running.wait() == 1
    assert "There will be no more invocations." in running.stdout
    assert running.stderr == ""


def test_the_extension_asks_for_an_event_it_never_gets(api: FakeRuntimeAPI, start: Start) -> None:
    def register(connection: socket.socket) -> None:
        head = b"HTTP/1.1 200 OK\r\nLambda-Extension-Identifier: ext-1\r\n"
        whole(connection, head, b"{}")

    api.replies["/2020-01-01/extension/register"] = register
    api.replies["/2020-01-01/extension/event/next"] = lambda connection: None
    start("modes.native")
    registration = api.wait_post()
    assert registration.headers["lambda-extension-name"] == "warmstart"
    assert json.loads(registration.body) == {"events": []}
    following = api.wait_post()
    assert following.path == "/2020-01-01/extension/event/next"
    assert following.headers["lambda-extension-identifier"] == "ext-1"
    assert api.invoke(do("respond")).call == "response"
