"""What any Runtime API client has to bear, run over ours and over AWS's own."""

from __future__ import annotations

import json
import socket

import pytest

from tests.runtime.clients import AWSLAMBDARIC, WARMSTART, Client
from tests.runtime.conftest import Start
from tests.runtime.fake_api import (
    Event,
    FakeRuntimeAPI,
    Write,
    answer,
    chunked,
    hang_up,
    in_bits,
    whole,
)

BOTH = pytest.mark.parametrize("client", [WARMSTART, AWSLAMBDARIC], ids=str)
LIMIT = 6 * 1024 * 1024 + 100


def event(**members: object) -> bytes:
    return json.dumps(members).encode()


ECHO = event(do="echo", text="é" * 3000)


@BOTH
@pytest.mark.parametrize("write", [whole, chunked, in_bits(whole), in_bits(chunked)])
def test_an_event_arrives_however_it_is_framed(
    api: FakeRuntimeAPI, start: Start, client: Client, write: Write
) -> None:
    start("behaviours.handler", client)
    post = api.invoke(ECHO, write=write)
    assert (post.call, json.loads(post.body)) == ("response", json.loads(ECHO))


@BOTH
@pytest.mark.parametrize("change", [str.lower, str.upper])
def test_header_names_have_no_case(
    api: FakeRuntimeAPI, start: Start, client: Client, change: object
) -> None:
    def write(connection: socket.socket, head: bytes, body: bytes) -> None:
        status, *lines = head.decode().split("\r\n")
        names = [line.partition(":") for line in lines]
        changed = [change(name) + colon + value for name, colon, value in names]  # type: ignore[operator]
        length = change("Content-Length")  # type: ignore[operator]
        lines = [status, *changed[:-1], f"{length}: {len(body)}", "", ""]
        connection.sendall("\r\n".join(lines).encode() + body)

    start("behaviours.handler", client)
    post = api.invoke(ECHO, write=write)
    assert post.path.endswith("/invocation/id-1/response")
    assert json.loads(post.body) == json.loads(ECHO)


@BOTH
def test_interim_responses_are_passed_over(
    api: FakeRuntimeAPI, start: Start, client: Client
) -> None:
    def write(connection: socket.socket, head: bytes, body: bytes) -> None:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        whole(connection, head, body)

    start("behaviours.handler", client)
    assert json.loads(api.invoke(ECHO, write=write).body) == json.loads(ECHO)


@BOTH
def test_one_connection_serves_many_invocations(
    api: FakeRuntimeAPI, start: Start, client: Client
) -> None:
    start("behaviours.handler", client)
    posts = [api.invoke(ECHO) for _ in range(5)]
    assert {post.connection for post in posts} == {1}


@BOTH
def test_the_service_may_take_its_time(api: FakeRuntimeAPI, start: Start, client: Client) -> None:
    start("behaviours.handler", client)
    api.wait_poll()  # only when it waits for the answer is there one
    assert api.invoke(ECHO).call == "response"


@BOTH
def test_a_service_that_closes_after_each_answer_is_connected_to_anew(
    api: FakeRuntimeAPI, start: Start, client: Client
) -> None:
    def write(connection: socket.socket, head: bytes, body: bytes) -> None:
        whole(connection, head + b"Connection: close\r\n", body)
        hang_up(connection)

    start("behaviours.handler", client)
    posts = [api.invoke(ECHO, write=write) for _ in range(3)]
    assert [post.call for post in posts] == ["response"] * 3


def test_a_connection_lost_while_the_handler_runs_loses_no_answer(
    api: FakeRuntimeAPI, start: Start
) -> None:
    """AWS's client loses one now and then: it depends on what reaches it first."""

    def write(connection: socket.socket, head: bytes, body: bytes) -> None:
        whole(connection, head, body)
        hang_up(connection)  # without having said so

    start("behaviours.handler")
    posts = [api.invoke(ECHO, write=write) for _ in range(3)]
    assert [json.loads(post.body) for post in posts] == [json.loads(ECHO)] * 3
    assert [request.call for request in api.requests].count("response") == 3


@BOTH
def test_a_connection_lost_after_an_answer_loses_no_event(
    api: FakeRuntimeAPI, start: Start, client: Client
) -> None:
    def reply(connection: socket.socket) -> None:
        answer(202)(connection)
        hang_up(connection)

    start("behaviours.handler", client)
    posts = [api.invoke(ECHO, reply=reply) for _ in range(3)]
    assert [post.call for post in posts] == ["response"] * 3


@BOTH
@pytest.mark.parametrize("status", [403, 500])
def test_no_more_work_ends_the_process_with_1(
    api: FakeRuntimeAPI, start: Start, client: Client, status: int
) -> None:
    api.put(Event(b'{"errorType":"InvalidStateTransition"}', status=status))
    running = start("behaviours.handler", client)
    assert running.wait() == 1
    assert [request.call for request in api.requests] == ["next"]


@BOTH
def test_what_is_not_http_ends_the_process_with_1(
    api: FakeRuntimeAPI, start: Start, client: Client
) -> None:
    def write(connection: socket.socket, head: bytes, body: bytes) -> None:
        connection.sendall(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")
        hang_up(connection)

    api.put(Event(write=write))
    running = start("behaviours.handler", client)
    assert running.wait() == 1


@pytest.mark.parametrize("length", [10, 60, -20, -12])  # in the first line, the head, the body
def test_half_an_event_ends_the_process_with_1(
    api: FakeRuntimeAPI, start: Start, length: int
) -> None:
    """AWS's client does the same in the body, and asks again where the head was not whole."""

    def write(connection: socket.socket, head: bytes, body: bytes) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            whole(ours, head, body)
            connection.sendall(theirs.recv(10_000)[:length])
        hang_up(connection)

    running = start("behaviours.handler")
    api.invoke(ECHO)
    api.put(Event(b"x" * 20, write=write))
    assert running.wait() == 1
    assert [request.call for request in api.requests] == ["next", "response", "next"]


@BOTH
def test_an_event_of_another_content_type_is_handed_over_as_bytes(
    api: FakeRuntimeAPI, start: Start, client: Client
) -> None:
    start("behaviours.raw", client)
    post = api.invoke(b"plain", headers={"Content-Type": "text/plain"})
    assert json.loads(post.body) == {"type": "bytes", "text": "plain"}
    post = api.invoke(
        b"plain" * 1000,
        headers={"Content-Type": "application/octet-stream"},
        write=in_bits(chunked),
    )
    assert json.loads(post.body)["type"] == "bytes"


@BOTH
def test_six_megabytes_fit_in_both_directions(
    api: FakeRuntimeAPI, start: Start, client: Client
) -> None:
    start("behaviours.handler", client)
    fill = LIMIT - len(event(do="size", fill=""))
    assert api.invoke(event(do="size", fill="x" * fill)).body == b"%d" % fill
    assert api.invoke(event(do="size", fill="x" * fill), write=chunked).body == b"%d" % fill
    assert len(api.invoke(event(do="big", bytes=LIMIT - 2)).body) == LIMIT


@BOTH
def test_the_invocation_id_is_echoed(api: FakeRuntimeAPI, start: Start, client: Client) -> None:
    start("behaviours.handler", client)
    headers = {"Lambda-Runtime-Invocation-Id": "wire-7"}
    good = api.invoke(ECHO, headers=headers)
    bad = api.invoke(event(do="fail", how="exception"), headers=headers)
    assert [post.call for post in (good, bad)] == ["response", "error"]
    assert {post.headers["lambda-runtime-invocation-id"] for post in (good, bad)} == {"wire-7"}
    assert "lambda-runtime-invocation-id" not in api.invoke(ECHO).headers


@BOTH
def test_no_post_waits_for_100_continue(api: FakeRuntimeAPI, start: Start, client: Client) -> None:
    start("behaviours.handler", client)
    assert "expect" not in api.invoke(event(do="big", bytes=5_000_000)).headers
