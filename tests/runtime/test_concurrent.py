"""Multi-concurrent mode: many invocations at once, in one process or a few."""

from __future__ import annotations

import json
import os
import socket
from base64 import b64decode
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.runtime.clients import FUNCTIONS, SOURCE, Running
from tests.runtime.conftest import Start
from tests.runtime.differences import difference
from tests.runtime.fake_api import (
    Event,
    FakeRuntimeAPI,
    Reply,
    Write,
    answer,
    before_body,
    chunked,
    hang_up,
    in_bits,
    whole,
)
from warmstart.runtime.concurrent import share_out

ERROR_TYPE = "lambda-runtime-function-error-type"


@pytest.fixture(autouse=True)
def without_extensions_api(api: FakeRuntimeAPI) -> None:
    api.replies["/2020-01-01/extension/register"] = answer(404)


on_both_loops = pytest.mark.parametrize("loop", ["asyncio", "uvloop"])


def concurrent(
    start: Start, handler: str, count: int = 1, workers: int = 1, loop: str = "", **more: str
) -> Running:
    """Start the runtime on `loop`, or if that is not said on uvloop, if that is there."""
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    if loop == "asyncio":
        path = map(str, (FUNCTIONS.parent / "without_uvloop", SOURCE, FUNCTIONS))
        more["PYTHONPATH"] = os.pathsep.join(path)
    variables = {
        "AWS_LAMBDA_MAX_CONCURRENCY": str(count),
        "WARMSTART_WORKERS": str(workers),
        "COUNT": str(count),
    }
    return start(handler, **{**variables, **more})


def answers(api: FakeRuntimeAPI, count: int) -> list[list[Any]]:
    posts = [api.wait_post() for _ in range(count + 1)]  # one is the extension's registration
    return [json.loads(post.body) for post in posts if post.call == "response"]


@on_both_loops
def test_uvloop_is_used_where_it_is_installed(api: FakeRuntimeAPI, start: Start, loop: str) -> None:
    concurrent(start, "many.whose_loop", loop=loop)
    api.wait_post()
    assert json.loads(api.invoke(b"0").body).partition(".")[0] == loop


@difference("one-process")
@on_both_loops
@pytest.mark.parametrize(("handler", "count"), [("many.coroutine", 64), ("many.function", 16)])
def test_as_many_invocations_run_at_once_each_with_what_is_its_own(
    api: FakeRuntimeAPI, start: Start, handler: str, count: int, loop: str, row: str
) -> None:
    running = concurrent(start, handler, count, loop=loop)
    for number in range(count):
        api.put(
            Event(
                b"%d" % number,
                headers={
                    "Lambda-Runtime-Trace-Id": f"trace-{number}",
                    "Lambda-Runtime-Aws-Tenant-Id": f"tenant-{number}",
                },
            )
        )
    for number, (event, request_id, tenant, trace) in enumerate(sorted(answers(api, count))):
        assert (event, tenant, trace) == (number, f"tenant-{number}", f"trace-{number}")
        assert f"\t{request_id}\tof {event}\n" in running.stdout


def test_each_poll_has_a_connection_that_is_kept(api: FakeRuntimeAPI, start: Start) -> None:
    concurrent(start, "many.coroutine", 2)
    api.wait_post()
    for number in range(3):
        api.put(*[Event(b"%d" % number)] * 2)
        assert {api.wait_post().connection for _ in range(2)} == {2, 3}


@pytest.mark.parametrize("write", [whole, chunked, in_bits(chunked)])
def test_an_event_arrives_however_it_is_framed(
    api: FakeRuntimeAPI, start: Start, write: Write
) -> None:
    concurrent(start, "behaviours.handler")
    api.wait_post()
    event = json.dumps({"do": "echo", "text": "x" * 3000}).encode()
    assert api.invoke(event, write=write).body == event


def test_interim_responses_and_open_ended_bodies_are_read(
    api: FakeRuntimeAPI, start: Start
) -> None:
    def write(connection: socket.socket, head: bytes, body: bytes) -> None:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" + head + b"\r\n" + body)
        hang_up(connection)

    concurrent(start, "behaviours.handler")
    api.wait_post()
    assert api.invoke(b'{"do": "echo"}', write=write).body == b'{"do": "echo"}'
    assert api.invoke(b'{"do": "echo"}').body == b'{"do": "echo"}'


def test_lost_connections_lose_nothing(api: FakeRuntimeAPI, start: Start) -> None:
    def write(connection: socket.socket, head: bytes, body: bytes) -> None:
        whole(connection, head + b"Connection: close\r\n", body)
        hang_up(connection)

    def reply(connection: socket.socket) -> None:
        answer(202)(connection)
        hang_up(connection)

    concurrent(start, "behaviours.handler")
    api.wait_post()
    for settings in ({"write": write}, {"reply": reply}, {}):
        assert api.invoke(b'{"do": "echo"}', **settings).call == "response"


@pytest.mark.parametrize("reply", [answer(413), answer(410), hang_up])
def test_a_refused_or_lost_answer_is_logged_and_not_the_end(
    api: FakeRuntimeAPI, start: Start, reply: Reply
) -> None:
    running = concurrent(start, "behaviours.handler")
    api.wait_post()
    api.invoke(b'{"do": "echo"}', reply=reply)
    if reply is hang_up:  # it is tried once more, on a connection of its own
        api.wait_post()
    assert api.invoke(b'{"do": "echo"}').call == "response"
    assert "[WARNING]" in running.stdout


@pytest.mark.parametrize(
    "how", ["exception", "cancelled", "system exit", "generator exit", "unprintable"]
)
def test_whatever_a_function_raises_is_its_error(
    api: FakeRuntimeAPI, start: Start, how: str
) -> None:
    concurrent(start, "behaviours.handler")
    api.wait_post()
    event = json.dumps({"do": "fail", "how": how}).encode()
    assert api.invoke(event).call == "error"
    assert api.invoke(b'{"do": "echo"}').call == "response"


def test_a_function_may_raise_stop_iteration(api: FakeRuntimeAPI, start: Start) -> None:
    concurrent(start, "many.stops_iteration")
    api.wait_post()
    assert api.invoke().headers[ERROR_TYPE] == "RuntimeError"


@pytest.mark.parametrize("handler", ["modes.generator", "modes.async_generator"])
def test_generators_stream(api: FakeRuntimeAPI, start: Start, handler: str) -> None:
    concurrent(start, handler)
    api.wait_post()
    assert api.invoke(b'{"pieces": ["one", "two"]}').chunks == [b"one", b"two"]
    broken = api.invoke(b'{"pieces": ["one"], "fail": true}')
    assert broken.trailers[ERROR_TYPE] == "ValueError"
    whole_one = api.invoke(b'{"pieces": [{"statusCode": 200}, "one"]}')
    assert json.loads(whole_one.body)["body"] == "one"


@pytest.mark.parametrize("handler", ["modes.iterator", "modes.async_iterator", "modes.wrapped"])
def test_iterators_and_hidden_coroutines_are_served(
    api: FakeRuntimeAPI, start: Start, handler: str
) -> None:
    concurrent(start, handler)
    api.wait_post()
    assert api.invoke(b"[]").call == "response"


# Native handlers.


def do(what: str) -> bytes:
    return json.dumps({"do": what}).encode()


def test_a_native_handler_starts_serves_and_stops(api: FakeRuntimeAPI, start: Start) -> None:
    running = concurrent(start, "many.native")
    api.wait_post()
    assert json.loads(api.invoke(do("respond")).body) == {"do": "respond"}
    assert api.invoke(do("too_large")).body == b'"was too large"'
    assert api.invoke(do("nothing")).headers[ERROR_TYPE] == "Unanswered"
    assert api.invoke(do("fail_late")).body == b'"fine"'
    assert running.stop() == 0
    assert running.stdout.startswith("started\n")
    assert running.stdout.endswith("stopped\n")
    assert "[ERROR] ValueError: too late" in running.stdout


@on_both_loops
def test_streams_are_framed_and_fail_in_their_trailers(
    api: FakeRuntimeAPI, start: Start, loop: str
) -> None:
    concurrent(start, "many.native", loop=loop)
    api.wait_post()
    assert api.invoke(do("stream")).chunks == [b"first ", b"last"]
    assert api.invoke(do("at_once")).chunks == [b"all"]
    broken = api.invoke(do("fail_half_way"))
    assert broken.trailers[ERROR_TYPE] == "ValueError"
    error = json.loads(b64decode(broken.trailers["lambda-runtime-function-error-body"]))
    assert error["errorMessage"] == "half way"
    assert len(api.invoke(do("flood")).body) == 30_000_005


def test_a_stream_after_a_lost_connection_goes_on_a_new_one(
    api: FakeRuntimeAPI, start: Start
) -> None:
    def write(connection: socket.socket, head: bytes, body: bytes) -> None:
        whole(connection, head + b"Connection: close\r\n", body)
        hang_up(connection)

    concurrent(start, "many.native")
    api.wait_post()
    assert api.invoke(do("stream"), write=write).body == b"first last"


@on_both_loops
@pytest.mark.parametrize(
    "what", ["wait_for_the_reader", "write_to_nobody", "fail_for_nobody", "flood"]
)
def test_a_reader_that_leaves_is_noticed(
    api: FakeRuntimeAPI, start: Start, what: str, loop: str
) -> None:
    running = concurrent(start, "many.native", loop=loop)
    api.wait_post()

    api.invoke(do(what), reply=before_body(hang_up))
    assert api.invoke(do("respond")).call == "response"
    said = {
        "wait_for_the_reader": "the reader has gone",
        "fail_for_nobody": "nobody reads this",
        "write_to_nobody": "refused: The reader of the response has gone.",
        "flood": "refused: The reader of the response has gone.",
    }
    assert said[what] in running.stdout


@pytest.mark.parametrize("reply", [hang_up, answer(413)])
def test_a_stream_without_a_good_verdict_is_logged(
    api: FakeRuntimeAPI, start: Start, reply: Reply
) -> None:
    running = concurrent(start, "many.native")
    api.wait_post()
    api.invoke(do("stream"), reply=reply)
    assert api.invoke(do("respond")).call == "response"
    assert "[WARNING]" in running.stdout


# INIT and the end.


def test_a_handler_that_cannot_be_had_fails_init(api: FakeRuntimeAPI, start: Start) -> None:
    running = concurrent(start, "many.missing")
    assert api.wait_post().call == "init/error"
    assert running.wait() == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_a_start_that_fails_fails_init(api: FakeRuntimeAPI, start: Start, workers: int) -> None:
    running = concurrent(start, "many.native", 2, workers, FAIL_START="1")
    assert running.wait() == 1
    reports = [request for request in api.requests if request.call == "init/error"]
    assert json.loads(reports[0].body)["errorMessage"] == "cannot start"


def test_an_exit_at_import_passes_its_code_on(
    api: FakeRuntimeAPI, start: Start, tmp_path: Path
) -> None:
    (tmp_path / "exits.py").write_text("raise SystemExit(5)\n")
    source = str(Path(__file__).parents[2] / "src")
    running = concurrent(start, "exits.handler", PYTHONPATH=f"{source}:{tmp_path}")
    assert running.wait() == 5


@pytest.mark.parametrize("workers", [1, 2])
def test_no_more_work_ends_the_environment_with_1(
    api: FakeRuntimeAPI, start: Start, workers: int
) -> None:
    running = concurrent(start, "many.coroutine", 4, workers)
    api.put(Event(b"{}", status=403))
    assert running.wait() == 1
    assert "There will be no more invocations." in running.stdout


def test_next_is_tried_again_where_the_service_stumbles(api: FakeRuntimeAPI, start: Start) -> None:
    concurrent(start, "behaviours.handler")
    api.wait_post()
    api.put(Event(b"{}", status=503), Event(write=lambda connection, *_: hang_up(connection)))
    assert api.invoke(b'{"do": "echo"}').call == "response"


def test_what_is_not_http_ends_the_environment(api: FakeRuntimeAPI, start: Start) -> None:
    def write(connection: socket.socket, *_: bytes) -> None:
        connection.sendall(b"nonsense\r\n\r\n")

    running = concurrent(start, "behaviours.handler")
    api.put(*[Event(write=write)] * 5)
    assert running.wait() == 1


def test_ctrl_c_in_a_handler_ends_the_process(api: FakeRuntimeAPI, start: Start) -> None:
    running = concurrent(start, "behaviours.handler")
    api.put(Event(b'{"do": "fail", "how": "keyboard interrupt"}'))
    assert running.wait() == 130


# Several processes.


def test_workers_share_one_import_and_are_replaced_when_they_die(
    api: FakeRuntimeAPI, start: Start
) -> None:
    running = concurrent(start, "many.process", 2, 2)
    api.wait_post()
    for _ in range(4):
        api.wait_poll()
        if len({request.connection for request in api.requests if request.call == "next"}) == 2:
            break
    seen = set()
    for _ in range(3):
        pid, parent, traced, _ = json.loads(api.invoke().body)
        assert parent == running.process.pid
        assert not traced
        seen.add(pid)
    api.put(Event(b'"die"'), Event(b'"die"'))
    for _ in range(2):
        pid, *_ = json.loads(api.invoke().body)
        assert pid not in seen
    assert "ended with 3; another takes its place." in running.stdout
    assert running.stop() == 0


def test_a_child_of_the_functions_own_is_none_of_the_workers(
    api: FakeRuntimeAPI, start: Start
) -> None:
    running = concurrent(start, "many.process", 2, 2, CHILD="1")
    api.wait_post()
    api.wait_poll()
    api.wait_poll()
    assert api.invoke(b'"end child"').call == "response"
    pid = running.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children")
    while len(children.read_text().split()) > 2:  # it ends, and is passed over
        assert running.process.poll() is None
    assert running.stop() == 0


def test_an_extension_is_registered_for_all_workers(api: FakeRuntimeAPI, start: Start) -> None:
    def register(connection: socket.socket) -> None:
        whole(connection, b"HTTP/1.1 200 OK\r\nLambda-Extension-Identifier: ext-1\r\n", b"{}")

    api.replies["/2020-01-01/extension/register"] = register
    api.replies["/2020-01-01/extension/event/next"] = lambda connection: None
    running = concurrent(start, "many.native", 2, 2)
    assert [api.wait_post().path.split("/")[-1] for _ in range(2)] == ["register", "next"]
    api.wait_poll()
    api.wait_poll()
    assert running.stop() == 0


@on_both_loops
def test_sigterm_ends_all_workers(api: FakeRuntimeAPI, start: Start, loop: str) -> None:
    running = concurrent(start, "many.native", 2, 2, loop)
    api.wait_poll()
    api.wait_poll()
    assert running.stop() == 0
    assert running.stdout.count("stopped\n") == 2


def test_sigterm_lets_a_running_invocation_finish(api: FakeRuntimeAPI, start: Start) -> None:
    running = concurrent(start, "many.until_told", 2)
    api.wait_post()
    api.wait_poll()
    api.wait_poll()
    api.put(Event())
    while "begun" not in running.stdout:
        assert running.process.poll() is None
    running.process.terminate()
    assert api.wait_post().body == b'"told"'
    assert running.wait() == 0


def test_workers_write_where_lambda_collects_it(
    api: FakeRuntimeAPI, start: Start, tmp_path: Path
) -> None:
    path = str(tmp_path / "provider")
    collected: list[bytes] = []

    def collect(connection: socket.socket) -> None:
        with connection:
            while data := connection.recv(1000):
                collected.append(data)

    with socket.socket(socket.AF_UNIX) as provider:
        provider.bind(path)
        provider.listen()
        running = concurrent(
            start, "many.native", 2, 2, _LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET=path
        )
        connections = [provider.accept()[0] for _ in range(4)]
    threads = [Thread(target=collect, args=(it,)) for it in connections]
    for thread in threads:
        thread.start()
    api.wait_poll()
    api.wait_poll()
    assert running.stop() == 0
    for thread in threads:
        thread.join()
    assert b"".join(collected).count(b"started\n") == 2
    assert running.stdout == ""


@pytest.mark.parametrize(
    ("concurrency", "workers", "shares"),
    [(10, 1, [10]), (10, 3, [4, 3, 3]), (2, 8, [1, 1]), (1, 0, [1])],
)
def test_invocations_are_shared_out_evenly(
    concurrency: int, workers: int, shares: list[int]
) -> None:
    assert share_out(concurrency, workers) == shares
