"""Plain handlers of every kind."""

from __future__ import annotations

import json
import socket
from base64 import b64decode

import pytest

from tests.runtime.conftest import Start
from tests.runtime.differences import difference
from tests.runtime.fake_api import FakeRuntimeAPI, answer, before_body, hang_up

GENERATORS = pytest.mark.parametrize("handler", ["modes.generator", "modes.async_generator"])
STREAMED = {"WARMSTART_INVOKE_MODE": "RESPONSE_STREAM"}
HTTP = "application/vnd.awslambda.http-integration-response"


def pieces(*pieces: object, **members: object) -> bytes:
    return json.dumps({"pieces": pieces, **members}).encode()


@difference("async-handlers")
def test_a_coroutine_function_answers_with_its_result(
    api: FakeRuntimeAPI, start: Start, row: str
) -> None:
    running = start("modes.coroutine")
    assert json.loads(api.invoke(b"[1]").body) == {"async": [1]}
    assert json.loads(api.invoke(b"[2]").body) == {"async": [2]}
    assert running.stop() == 0


def test_a_function_that_returns_a_coroutine_is_one(api: FakeRuntimeAPI, start: Start) -> None:
    start("modes.wrapped")
    assert json.loads(api.invoke(b"[1]").body) == {"async": [1]}


def test_tasks_left_behind_go_on_in_the_next_invocation(api: FakeRuntimeAPI, start: Start) -> None:
    start("modes.leaves_a_task")
    assert api.invoke().body == b"0"
    assert api.invoke().body == b"1"


@difference("generators")
@GENERATORS
def test_a_generator_streams_what_it_yields(
    api: FakeRuntimeAPI, start: Start, handler: str, row: str
) -> None:
    start(handler)
    post = api.invoke(pieces("text é", {"a": 1}, "", [2]))
    assert post.chunks == ["text é".encode(), b'{"a": 1}', b"[2]"]
    assert post.headers["content-type"] == "application/octet-stream"
    assert post.headers["lambda-runtime-function-response-mode"] == "streaming"
    empty = api.invoke(pieces())
    assert (empty.body, empty.headers["transfer-encoding"]) == (b"", "chunked")


@GENERATORS
def test_a_first_piece_with_a_status_is_the_prelude(
    api: FakeRuntimeAPI, start: Start, handler: str
) -> None:
    start(handler, **STREAMED)
    head = {"statusCode": 404, "headers": {"a": "b"}, "cookies": ["c=d"]}
    post = api.invoke(pieces({**head, "more": 1}, "body"))
    assert post.headers["content-type"] == HTTP
    prelude, nuls, body = post.body.partition(bytes(8))
    assert (json.loads(prelude), len(nuls), body) == (head, 8, b"body")
    alone = api.invoke(pieces({"statusCode": 204}))
    assert alone.body == b'{"statusCode": 204}' + bytes(8)


@GENERATORS
def test_a_front_door_without_streams_gets_one_response(
    api: FakeRuntimeAPI, start: Start, handler: str
) -> None:
    start(handler)
    post = api.invoke(pieces({"statusCode": 200, "cookies": ["a=b"]}, "one", "two"))
    assert json.loads(post.body) == {
        "statusCode": 200,
        "cookies": ["a=b"],
        "body": "onetwo",
        "isBase64Encoded": False,
    }
    assert "transfer-encoding" not in post.headers


def test_a_body_that_is_no_text_goes_as_base64(api: FakeRuntimeAPI, start: Start) -> None:
    start("modes.binary")
    response = json.loads(api.invoke().body)
    assert response["isBase64Encoded"] is True
    assert b64decode(response["body"]) == b"\x00\xff"


@GENERATORS
def test_a_generator_that_fails_before_its_first_piece_is_an_error(
    api: FakeRuntimeAPI, start: Start, handler: str
) -> None:
    start(handler)
    post = api.invoke(pieces(fail=True))
    assert (post.call, json.loads(post.body)["errorMessage"]) == ("error", "half way")


@GENERATORS
def test_a_generator_that_fails_later_says_so_in_the_trailers(
    api: FakeRuntimeAPI, start: Start, handler: str
) -> None:
    start(handler)
    post = api.invoke(pieces("some", fail=True))
    assert post.body == b"some"
    assert post.trailers["lambda-runtime-function-error-type"] == "ValueError"
    assert api.invoke(pieces("more")).body == b"more"


@pytest.mark.parametrize("handler", ["modes.endless", "modes.async_endless"])
def test_a_generator_is_closed_when_its_reader_leaves(
    api: FakeRuntimeAPI, start: Start, handler: str
) -> None:
    running = start(handler)
    api.invoke(reply=before_body(hang_up))
    api.wait_poll()
    api.wait_poll()
    assert running.stdout == "closed\n"


def test_a_reader_that_leaves_in_the_middle_of_a_piece_is_noticed(
    api: FakeRuntimeAPI, start: Start
) -> None:
    running = start("modes.huge")

    def read_a_little(connection: socket.socket) -> None:
        connection.recv(100_000)
        hang_up(connection)

    api.invoke(reply=before_body(read_a_little))
    api.wait_poll()
    api.wait_poll()
    assert running.stdout == "closed\n"


def test_any_iterator_streams(api: FakeRuntimeAPI, start: Start) -> None:
    start("modes.iterator")
    assert api.invoke().chunks == [b"1", b"2"]


def test_an_iterator_of_ones_own_need_not_be_closable(api: FakeRuntimeAPI, start: Start) -> None:
    start("modes.async_iterator")
    assert api.invoke().chunks == [b"1"]


@difference("asgi-apps")
def test_a_bare_asgi_app_gets_the_adapter(api: FakeRuntimeAPI, start: Start, row: str) -> None:
    start("modes:Namespace.asgi")
    api.replies["/2020-01-01/extension/register"] = answer(404)
    assert api.wait_post().call.endswith("extension/register")
    request = {
        "version": "2.0",
        "rawPath": "/hello",
        "rawQueryString": "",
        "headers": {"host": "example.com"},
        "requestContext": {"http": {"method": "GET", "path": "/hello"}},
    }
    response = json.loads(api.invoke(json.dumps(request).encode()).body)
    assert (response["statusCode"], response["body"]) == (200, "hello from /hello")
