"""Scaling, streaming and background work, seen from a client's side of the whole chain."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.chain.serving import chain, request
from warmstart.gateways.function_url import InvokeMode


def wait_for(what: object, seconds: float = 10) -> None:
    """Wait until `what()` is true; the outside world has no injected clock."""
    deadline = time.monotonic() + seconds
    while not what():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def test_ten_requests_at_once_use_ten_environments_which_go_when_idle() -> None:
    with chain("apps:sleeper", idle_timeout=0.5) as running:
        with ThreadPoolExecutor(10) as clients:
            answers = list(clients.map(lambda _: request(running.port), range(10)))

        assert {answer.status for answer in answers} == {200}
        assert len({answer.body for answer in answers}) == 10
        wait_for(lambda: running.service.statistics()["app"].processes == 0)


def test_beyond_the_limit_the_answer_is_429() -> None:
    with chain("apps:sleeper", concurrency=1) as running:
        with ThreadPoolExecutor(2) as clients:
            statuses = sorted(
                answer.status for answer in clients.map(lambda _: request(running.port), range(2))
            )

        assert statuses == [200, 429]


def test_the_first_piece_arrives_while_the_app_waits_for_the_client(tmp_path: Path) -> None:
    signal = tmp_path / "seen"
    with chain("apps:dialogue", mode=InvokeMode.RESPONSE_STREAM) as running:
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
        connection.request("GET", str(signal))
        answer = connection.getresponse()

        assert answer.read(5) == b"first"
        signal.touch()
        assert answer.read() == b"second"
        connection.close()


def test_the_app_hears_that_its_client_has_left(tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    with chain("apps:until_left", mode=InvokeMode.RESPONSE_STREAM) as running:
        for _ in range(3):
            heard.unlink(missing_ok=True)
            with socket.create_connection(("127.0.0.1", running.port), timeout=10) as client:
                client.sendall(f"GET {heard} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
                received = b""
                while b"first" not in received:
                    received += client.recv(4096)
            wait_for(lambda: heard.exists() and heard.read_text() == "http.disconnect")
            wait_for(lambda: running.service.statistics()["app"].idle == 1)
        assert running.service.statistics()["app"].started == 1  # it lived through all of it


@pytest.mark.parametrize("mode", [InvokeMode.BUFFERED, InvokeMode.RESPONSE_STREAM])
def test_the_client_does_not_wait_for_background_work_which_is_finished(
    tmp_path: Path, mode: InvokeMode
) -> None:
    done = tmp_path / "done"
    with chain("apps:background", mode=mode) as running:
        answer = request(running.port, "GET", str(done))

        assert answer.body == b"answered"
        assert not done.exists()
        wait_for(done.exists)


def test_no_request_is_lost_while_updates_swap_environments() -> None:
    with chain("mirror:app", concurrency=8) as running:
        ended = threading.Event()
        statuses: list[int] = []

        def client() -> None:
            while not ended.is_set():
                statuses.append(request(running.port).status)

        clients = [threading.Thread(target=client) for _ in range(4)]
        for thread in clients:
            thread.start()
        for _ in range(5):
            before = len(statuses)
            running.run(running.service.update_function(running.function))
            wait_for(lambda n=before: len(statuses) > n + 8, 30)
        ended.set()
        for thread in clients:
            thread.join(30)

        assert set(statuses) == {200}
