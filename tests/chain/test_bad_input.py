"""What no client and no app should do: a clear answer, and the service goes on."""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chain.serving import Chain, chain, request
from warmstart.gateways.function_url import InvokeMode


@pytest.fixture(scope="module", params=[InvokeMode.BUFFERED, InvokeMode.RESPONSE_STREAM])
def bad(request: pytest.FixtureRequest) -> Iterator[Chain]:
    with chain("bad_apps:app", mode=request.param, timeout=1.0) as running:
        yield running


@pytest.fixture(scope="module")
def mirror() -> Iterator[Chain]:
    with chain("mirror:app") as running:
        yield running


def raw(port: int, data: bytes) -> bytes:
    """Send bytes and read until the server closes or is silent for a while."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(data)
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
                if b"\r\n\r\n" in received:
                    break
        except ConnectionResetError:
            pass
        return received


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /a\x00b HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_malformed_http_is_a_bad_request(mirror: Chain, data: bytes) -> None:
    assert raw(mirror.port, data).startswith(b"HTTP/1.1 400 ")
    assert request(mirror.port).status == 200


def test_seven_megabytes_are_too_many(mirror: Chain) -> None:
    answer = request(mirror.port, "POST", "/", [("content-type", "text/plain")], b"x" * 7_000_000)

    assert answer.status == 413
    assert "smaller than" in json.loads(answer.body)["Message"]
    assert request(mirror.port).status == 200


def test_a_binary_body_counts_as_base64(mirror: Chain) -> None:
    headers = [("content-type", "application/octet-stream")]

    assert request(mirror.port, "POST", "/", headers, bytes(4_600_000)).status == 200
    assert request(mirror.port, "POST", "/", headers, bytes(4_800_000)).status == 413


def test_a_text_of_nearly_six_megabytes_passes(mirror: Chain) -> None:
    body = b"x" * (6 * 1024 * 1024 - 4096)
    answer = request(mirror.port, "POST", "/", [("content-type", "text/plain")], body)

    assert answer.status == 200
    assert json.loads(answer.body)["body"] == body.decode()


def test_a_hundred_kilobytes_of_headers_are_too_many(mirror: Chain) -> None:
    answer = request(mirror.port, "GET", "/", [(f"x-{n}", "v" * 1000) for n in range(100)])

    assert answer.status == 431
    assert "10240" in json.loads(answer.body)["Message"]


def test_an_app_that_never_answers_is_cancelled_before_its_time_is_up(bad: Chain) -> None:
    assert request(bad.port, "GET", "/never_answers").status == 504
    assert request(bad.port, "GET", "/is_well").status == 200


@pytest.mark.parametrize("path", ["/raises_at_once", "/returns_silently"])
def test_an_app_that_fails_before_it_answers_is_a_server_error(bad: Chain, path: str) -> None:
    answer = request(bad.port, "GET", path)

    assert (answer.status, answer.body) == (500, b"Internal Server Error")
    assert request(bad.port, "GET", "/is_well").status == 200


def test_an_app_that_answers_twice_is_heard_once(bad: Chain) -> None:
    answer = request(bad.port, "GET", "/answers_twice")

    assert (answer.status, answer.body) == (200, b"all")


@pytest.mark.parametrize("path", ["/raises_after_first_chunk", "/stops_halfway"])
def test_a_response_that_breaks_off_is_an_error_or_visibly_cut(bad: Chain, path: str) -> None:
    try:
        outcome: object = request(bad.port, "GET", path).status
    except http.client.IncompleteRead as cut:
        outcome = cut.partial

    assert outcome in (500, b"first")
    assert request(bad.port, "GET", "/is_well").status == 200


def test_an_environment_that_exits_answers_its_caller_and_is_replaced(bad: Chain) -> None:
    answer = request(bad.port, "GET", "/exits")

    assert (answer.status, answer.body) == (502, b"Internal Server Error")
    assert request(bad.port, "GET", "/is_well").status == 200


def test_a_client_that_leaves_harms_nobody(mirror: Chain) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", mirror.port)) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nhalf")
    assert request(mirror.port).status == 200


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors in /proc")
def test_nothing_is_left_behind() -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    def children() -> set[str]:
        tasks = Path("/proc/self/task").glob("*/children")
        return {child for task in tasks for child in task.read_text().split()}

    before, born_before = descriptors(), children()
    with chain("bad_apps:app", timeout=1.0) as running:
        for path in ("/exits", "/raises_at_once", "/never_answers", "/stops_halfway", "/is_well"):
            try:
                request(running.port, "GET", path)
            except http.client.IncompleteRead:
                pass
    deadline = time.monotonic() + 10
    while (descriptors() > before or children() - born_before) and time.monotonic() < deadline:
        time.sleep(0.02)

    assert children() - born_before == set()
    assert descriptors() <= before
