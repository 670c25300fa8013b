"""moto's CloudWatch Logs takes what is forwarded."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from warmstart.service.function import Function
from warmstart.service.logs import forwarding
from warmstart.service.logs.forwarding import LogForwarder
from warmstart.service.telemetry import Output, Source

FUNCTION = Function(name="f", handler="app.handler", task_root="/var/task")
NOW = 1_700_000_000.0


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def output(time: float, line: str, environment: str = "e") -> Output:
    return Output(time, Source(FUNCTION, environment, f"stream-{environment}"), "id", line)


@contextmanager
def answering(answer: bytes | None) -> Iterator[str]:
    """A server that says the same to everybody, or to each connection nothing until the end."""
    silent: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if answer is None:
                silent.append(connection)
            else:
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in silent:
        connection.close()


def messages(logs: Any, stream: str) -> list[str]:
    found = logs.get_log_events(
        logGroupName="/aws/lambda/f", logStreamName=stream, startFromHead=True
    )
    return [event["message"] for event in found["events"]]


def test_each_stream_gets_its_messages_in_order(endpoint: str) -> None:
    now = time.time()
    forwarder = LogForwarder(endpoint, "us-east-1")
    for number in range(30):
        forwarder.on_event(output(now + number / 1000, f"line {number}", "ab"[number % 2]))
    forwarder.close()

    logs = boto3.session.Session().client("logs", endpoint_url=endpoint, region_name="us-east-1")
    assert messages(logs, "stream-a") == [f"line {n}" for n in range(0, 30, 2)]
    assert messages(logs, "stream-b") == [f"line {n}" for n in range(1, 30, 2)]


def test_an_endpoint_that_is_not_there_costs_a_warning(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarding, "ATTEMPTS", 1)
    forwarder = LogForwarder("http://127.0.0.1:9", "us-east-1")
    forwarder.on_event(output(NOW, "lost"))
    with caplog.at_level(logging.WARNING):
        forwarder.close()

    assert "1 messages of /aws/lambda/f were not forwarded: Could not connect" in caplog.text


def test_an_answer_that_cannot_be_read_costs_its_messages_alone(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarding, "ATTEMPTS", 1)
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n\xff") as url:
        forwarder = LogForwarder(url, "us-east-1")
        with caplog.at_level(logging.WARNING):
            for environment in "ab":
                forwarder.on_event(output(NOW, "lost", environment))
            forwarder.close()

    assert caplog.text.count("1 messages of /aws/lambda/f were not forwarded") == 2


def test_an_endpoint_that_never_answers_does_not_hold_up_the_end(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarding, "WAITING", 1)
    monkeypatch.setattr(forwarding, "LAST_SECONDS", 0.05)
    with answering(None) as url:
        forwarder = LogForwarder(url, "us-east-1")
        for _ in range(3):
            forwarder.on_event(output(NOW, "lost"))
        with caplog.at_level(logging.WARNING):
            forwarder.close()

    assert "The last log messages were not forwarded" in caplog.text
    forwarder._thread.join(30)


def test_batches_hold_what_a_call_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarding, "_EVENTS", 2)
    monkeypatch.setattr(forwarding, "_BYTES", 100)
    texts = ["a", "b", "c", "d" * 60, "e" * 60, "f" * 500]
    found = forwarding._batches(
        [forwarding._Message("g", "s", number, text) for number, text in enumerate(texts)]
    )
    assert [[each.text for each in batch] for batch in found] == [
        ["a", "b"],
        ["c"],
        ["d" * 60],
        ["e" * 60],
        ["f" * 25],
    ]
