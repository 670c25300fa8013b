"""Ours beside AWS's own client: the same handler, the same event, the same result.

Where they differ, it is on purpose: `docs/runtime-differences.md` has a row for
each difference, and the test that shows it bears the row's name.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.runtime.clients import AWSLAMBDARIC, WARMSTART, Client
from tests.runtime.conftest import Start
from tests.runtime.differences import ROWS, difference
from tests.runtime.fake_api import Event, FakeRuntimeAPI, Request, answer, hang_up


def event(**members: object) -> bytes:
    return json.dumps(members).encode()


class Pair:
    """Both clients, each with a service of its own."""

    def __init__(self, ours: FakeRuntimeAPI, theirs: FakeRuntimeAPI) -> None:
        self.services = (ours, theirs)

    def invoke(self, body: bytes, **settings: object) -> tuple[Request, Request]:
        for service in self.services:
            service.put(Event(body, **settings))  # type: ignore[arg-type]
        ours, theirs = (service.wait_post() for service in self.services)
        return ours, theirs


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folders = tmp_path_factory.mktemp("ours"), tmp_path_factory.mktemp("theirs")
    variables = {
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_LAMBDA_FUNCTION_VERSION": "7",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/02/[7]abc",
    }
    with FakeRuntimeAPI() as ours, FakeRuntimeAPI() as theirs:
        handler = "behaviours.handler"
        with (
            WARMSTART.running(ours.address, handler, folders[0], **variables),
            AWSLAMBDARIC.running(theirs.address, handler, folders[1], **variables),
        ):
            yield Pair(ours, theirs)


# Results.

SAME_VALUES = [
    "none", "text", "number", "big number", "nested", "keys", "named tuple", "decimal",
    "bytes inside", "bytes", "ordered dict", "int enum", "object", "class", "bytearray",
    "circle", "bad bytes inside", "tuple key",
]  # fmt: skip


@pytest.mark.parametrize("value", SAME_VALUES)
def test_a_result_is_posted_byte_for_byte_the_same(pair: Pair, value: str) -> None:
    ours, theirs = pair.invoke(event(do="make", value=value))
    assert ours.call == theirs.call
    assert ours.body == theirs.body
    assert ours.headers["content-type"] == theirs.headers["content-type"]


@difference("rich-values")
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("set", [1]),
        ("datetime", "2026-01-02T03:04:05+00:00"),
        ("date", "2026-01-02"),
        ("uuid", "00000000-0000-0000-0000-000000000001"),
        ("dataclass", {"x": 1, "y": [2]}),
        ("enum", 2),
    ],
)
def test_values_without_json_of_their_own(
    pair: Pair, row: str, value: str, expected: object
) -> None:
    ours, theirs = pair.invoke(event(do="make", value=value))
    assert (ours.call, json.loads(ours.body)) == ("response", expected)
    assert json.loads(theirs.body)["errorType"] == "Runtime.MarshalError"


@difference("no-nan")
@pytest.mark.parametrize("value", ["nan", "decimal nan", "infinity"])
def test_a_result_is_always_json(pair: Pair, row: str, value: str) -> None:
    ours, theirs = pair.invoke(event(do="make", value=value))
    assert theirs.call == "response"
    with pytest.raises(ValueError, match="constant"):
        json.loads(theirs.body, parse_constant=lambda _: int("constant"))
    error = json.loads(ours.body)
    assert error["errorType"] == "Runtime.MarshalError"
    assert error["errorMessage"].startswith("Unable to marshal response: Out of range")


# Events.


@pytest.mark.parametrize(
    "body", [b"", b'{"a":}', b"[tru]", b'{"a" 1}', b'"\xff"', b"\x00", b'"a', b"tru"]
)
def test_an_event_that_is_not_json_is_the_same_error(pair: Pair, body: bytes) -> None:
    ours, theirs = pair.invoke(body)
    assert json.loads(ours.body) == json.loads(theirs.body)
    assert json.loads(ours.body)["errorType"] == "Runtime.UnmarshalError"


@difference("unescaped")
def test_text_is_not_escaped(row: str) -> None:
    body = event(do="make", value="text")
    found = []
    for client in (WARMSTART, AWSLAMBDARIC):
        with FakeRuntimeAPI() as service, TemporaryDirectory() as folder:
            with client.running(service.address, "behaviours.handler", Path(folder)):
                found.append(service.invoke(body).body)
    ours, theirs = found
    assert json.loads(ours) == json.loads(theirs)
    assert "grüße".encode() in ours
    assert theirs.isascii()


@difference("unmarshal-texts")
@pytest.mark.parametrize("body", [b"NaN", b"[Infinity]", b"{} {}", b"{", b'"a\nb"'])
def test_an_event_that_is_nearly_json(pair: Pair, row: str, body: bytes) -> None:
    ours, theirs = (json.loads(post.body) for post in pair.invoke(body))
    assert ours.pop("errorMessage") != theirs.pop("errorMessage")
    assert ours == theirs


def test_a_byte_order_mark_is_passed_over(pair: Pair) -> None:
    ours, theirs = pair.invoke(b"\xef\xbb\xbf" + event(do="echo"))
    assert ours.body == theirs.body == event(do="echo")


# The context.

CONTEXTS: list[dict[str, str | None]] = [
    {},
    {"Lambda-Runtime-Trace-Id": "Root=1-2-3"},
    {"Lambda-Runtime-Aws-Tenant-Id": "blue"},
    {"Lambda-Runtime-Cognito-Identity": '{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}'},
    {"Lambda-Runtime-Cognito-Identity": '{"cognitoIdentityId":"i"}'},
    {"Lambda-Runtime-Client-Context": '{"custom":{"a":"é"},"env":{"b":1},"client":null}'},
    {"Lambda-Runtime-Client-Context": '{"client":{"app_title":"t"}}'},
    {"Lambda-Runtime-Client-Context": '{"w3c":{"traceparent":"00-1","tracestate":7,"x":"y"}}'},
    {"Lambda-Runtime-Client-Context": '{"w3c":"odd","client":{}}'},
    {"Lambda-Runtime-Client-Context": "{}"},
    {"Lambda-Runtime-Client-Context": "{not json"},
    {"Lambda-Runtime-Cognito-Identity": "{not json"},
    {"Lambda-Runtime-Deadline-Ms": "1000"},
]  # fmt: skip


@pytest.mark.parametrize("headers", CONTEXTS)
def test_the_context_is_the_same(pair: Pair, headers: dict[str, str | None]) -> None:
    ours, theirs = pair.invoke(event(do="describe"), headers=headers)
    assert json.loads(ours.body) == json.loads(theirs.body)


# Errors.


@pytest.mark.parametrize("how", ["exception", "no text", "own class", "text of two lines"])
def test_an_exception_is_the_same_error(pair: Pair, how: str) -> None:
    ours, theirs = pair.invoke(event(do="fail", how=how))
    assert (ours.call, theirs.call) == ("error", "error")
    assert json.loads(ours.body) == json.loads(theirs.body)
    xray = "lambda-runtime-function-xray-error-cause"
    assert json.loads(ours.headers[xray]) == json.loads(theirs.headers[xray])


def test_a_fault_is_the_same_to_x_ray(pair: Pair) -> None:
    ours, theirs = pair.invoke(event(do="make", value="object"))
    xray = "lambda-runtime-function-xray-error-cause"
    assert json.loads(ours.headers[xray]) == json.loads(theirs.headers[xray])


@difference("error-type-header")
def test_the_error_type_goes_in_a_header(pair: Pair, row: str) -> None:
    ours, theirs = pair.invoke(event(do="fail", how="exception"))
    name = "lambda-runtime-function-error-type"
    assert ours.headers[name] == "ValueError"
    assert name not in theirs.headers
    ours, _ = pair.invoke(event(do="fail", how="own class"))
    assert ours.headers[name] == "?n?que"
    ours, _ = pair.invoke(b"{")
    assert ours.headers[name] == "Runtime.UnmarshalError"


@difference("whole-exceptions")
@pytest.mark.parametrize(
    ("do", "path", "expected"),
    [
        ("chained", ["cause", "errorType"], "KeyError"),
        ("in_passing", ["context", "errorMessage"], "'key'"),
        ("noted", ["notes"], ["first note", "second note"]),
        ("grouped", ["exceptions", 1, "errorMessage"], "two"),
    ],
)
def test_nothing_of_an_exception_is_lost(
    pair: Pair, row: str, do: str, path: list[str | int], expected: object
) -> None:
    ours, theirs = (json.loads(post.body) for post in pair.invoke(event(do=do)))
    found = ours
    for step in path:
        found = found[step]
    assert found == expected
    for extra in ("cause", "context", "notes", "exceptions"):
        ours.pop(extra, None)
    assert ours == theirs


@difference("bounded-errors")
def test_errors_are_bounded(pair: Pair, row: str) -> None:
    ours, theirs = pair.invoke(event(do="deep"))
    assert len(json.loads(theirs.body)["stackTrace"]) > 500
    stack = json.loads(ours.body)["stackTrace"]
    assert len(stack) == 121
    assert "frames left out" in stack[60]
    ours, theirs = pair.invoke(event(do="fail", how="huge"))
    assert len(theirs.body) > 7_000_000
    assert len(ours.body) < 50_000
    assert json.loads(ours.body)["errorMessage"].endswith("xxx... (6967232 more characters)")


DEADLY = ["cancelled", "system exit", "generator exit", "lone surrogate", "unprintable"]


@difference("no-death")
@pytest.mark.parametrize("how", DEADLY)
def test_what_ends_their_process_is_an_error_of_ours(
    api: FakeRuntimeAPI, start: Start, row: str, how: str
) -> None:
    running = start("behaviours.handler")
    assert api.invoke(event(do="fail", how=how)).call == "error"
    assert api.invoke(event(do="echo")).call == "response"
    assert running.process.poll() is None


@difference("no-death")
@pytest.mark.parametrize("how", DEADLY)
def test_they_die_of_it(api: FakeRuntimeAPI, start: Start, row: str, how: str) -> None:
    running = start("behaviours.handler", AWSLAMBDARIC, AWS_EXECUTION_ENV="AWS_Lambda_python3.13")
    api.put(Event(event(do="fail", how=how)))
    assert running.wait() != 0
    assert [request.call for request in api.requests] == ["next"]


@difference("lone-surrogates")
def test_a_lone_surrogate_travels_as_an_escape(api: FakeRuntimeAPI, start: Start, row: str) -> None:
    start("behaviours.handler")
    assert api.invoke(event(do="make", value="lone surrogate")).body == rb'"a\ud800b"'


@difference("refused-posts")
@pytest.mark.parametrize("status", [400, 403, 410, 413, 500])
def test_a_refused_answer_is_logged_and_not_the_end(
    api: FakeRuntimeAPI, start: Start, row: str, status: int
) -> None:
    running = start("behaviours.handler")
    api.invoke(event(do="echo"), reply=answer(status, b'{"errorType":"Reason"}'))
    assert api.invoke(event(do="echo")).call == "response"
    assert f"refused the response ({status})" in running.stdout
    assert "Reason" in running.stdout


@difference("refused-posts")
def test_an_answer_that_nobody_takes_is_logged_and_not_the_end(
    api: FakeRuntimeAPI, start: Start, row: str
) -> None:
    running = start("behaviours.handler")
    first = api.invoke(event(do="echo"), reply=hang_up)
    again = api.wait_post()  # once more, on a connection of its own
    assert first.path == again.path
    assert api.invoke(event(do="echo")).path != again.path
    assert "The response could not be posted" in running.stdout


@difference("refused-posts")
def test_a_refused_answer_ends_their_process(api: FakeRuntimeAPI, start: Start, row: str) -> None:
    running = start("behaviours.handler", AWSLAMBDARIC)
    api.invoke(event(do="echo"), reply=answer(413))
    assert running.wait() == 1


@difference("keyboard-interrupt")
def test_ctrl_c_in_a_handler_is_reported_and_obeyed(
    api: FakeRuntimeAPI, start: Start, row: str
) -> None:
    running = start("behaviours.handler")
    assert (
        json.loads(api.invoke(event(do="fail", how="keyboard interrupt")).body)["errorType"]
        == "KeyboardInterrupt"
    )
    assert running.wait() == 130
    assert "Traceback (most recent call last)" not in running.stderr


# INIT.

MODULES = {
    "good.py": "def handler(event, context): return 1\n",
    "folder/inner.py": "def handler(event, context): return 2\n",
    "needs.py": "import no_such_module\n",
    "wrong.py": "def handler(:\n",
    "raises.py": "def fail():\n    raise ValueError('at import')\nfail()\n",
    "exits.py": "import sys\nsys.exit(5)\n",
    "sys.py": "def handler(event, context): return 3\n",
}  # fmt: skip


@pytest.fixture
def modules(tmp_path: Path) -> str:
    for name, source in MODULES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
    return str(tmp_path)


def fail_to_start(
    api: FakeRuntimeAPI, start: Start, client: Client, handler: str, modules: str
) -> tuple[int, Request | None]:
    source = str(Path(__file__).parents[2] / "src")
    running = start(handler, client, PYTHONPATH=f"{source}:{modules}")
    code = running.wait()
    return code, api.requests[0] if api.requests else None


@pytest.mark.parametrize(
    ("handler", "error_type"),
    [
        ("nodot", "Runtime.MalformedHandlerName"),
        ("sys.handler", "Runtime.BuiltInModuleConflict"),
        ("missing.handler", "Runtime.ImportModuleError"),
        ("needs.handler", "Runtime.ImportModuleError"),
        ("wrong.handler", "Runtime.UserCodeSyntaxError"),
        ("good.missing", "Runtime.HandlerNotFound"),
        ("folder/missing.handler", "Runtime.ImportModuleError"),
        ("good.handler.__call__", "Runtime.ImportModuleError"),
    ],
)
def test_a_handler_that_cannot_be_had_is_the_same_error(
    api: FakeRuntimeAPI, start: Start, modules: str, handler: str, error_type: str
) -> None:
    their_code, theirs = fail_to_start(api, start, AWSLAMBDARIC, handler, modules)
    api.requests.clear()
    our_code, ours = fail_to_start(api, start, WARMSTART, handler, modules)
    assert ours is not None
    assert theirs is not None
    assert our_code == their_code == 1
    assert ours.call == theirs.call == "init/error"
    body = json.loads(ours.body)
    body.pop("cause", None)
    assert body == json.loads(theirs.body)
    name = "lambda-runtime-function-error-type"
    assert ours.headers[name] == theirs.headers[name] == error_type


@difference("import-frames")
def test_an_exception_at_import_shows_the_functions_frames_alone(
    api: FakeRuntimeAPI, start: Start, modules: str, row: str
) -> None:
    their_code, theirs = fail_to_start(api, start, AWSLAMBDARIC, "raises.handler", modules)
    api.requests.clear()
    our_code, ours = fail_to_start(api, start, WARMSTART, "raises.handler", modules)
    assert ours is not None
    assert theirs is not None
    assert our_code == their_code == 1
    our_body, their_body = json.loads(ours.body), json.loads(theirs.body)
    our_stack, their_stack = our_body.pop("stackTrace"), their_body.pop("stackTrace")
    assert our_body == their_body
    assert our_stack == their_stack[-2:]
    assert "importlib" in their_stack[0]


@difference("not-callable")
def test_what_cannot_be_called_is_found_out_at_init(
    api: FakeRuntimeAPI, start: Start, modules: str, row: str
) -> None:
    Path(modules, "data.py").write_text("number = 1\n")
    code, _ = fail_to_start(api, start, WARMSTART, "data.number", modules)
    assert code == 1
    ours = api.wait_post()
    assert ours.path.endswith("/init/error")
    assert json.loads(ours.body)["errorType"] == "Runtime.HandlerNotFound"
    assert "Handler 'number' on module 'data' is not callable" in ours.body.decode()

    source = str(Path(__file__).parents[2] / "src")
    start("data.number", AWSLAMBDARIC, PYTHONPATH=f"{source}:{modules}")
    api.put(Event(b"{}"))
    theirs = api.wait_post()
    assert "/invocation/" in theirs.path
    assert json.loads(theirs.body)["errorType"] == "TypeError"


@pytest.mark.parametrize("client", [WARMSTART, AWSLAMBDARIC], ids=str)
def test_an_exit_at_import_passes_its_code_on_and_posts_nothing(
    api: FakeRuntimeAPI, start: Start, modules: str, client: Client
) -> None:
    assert fail_to_start(api, start, client, "exits.handler", modules) == (5, None)


@pytest.mark.parametrize("client", [WARMSTART, AWSLAMBDARIC], ids=str)
def test_a_folder_in_the_handlers_name_is_a_package(
    api: FakeRuntimeAPI, start: Start, modules: str, client: Client
) -> None:
    source = str(Path(__file__).parents[2] / "src")
    start("folder/inner.handler", client, PYTHONPATH=f"{source}:{modules}")
    assert api.invoke().body == b"2"


# The log.


def logged(client: Client, body: bytes, **variables: str) -> str:
    """What `client` writes for the event `body`, without what changes from run to run."""
    with FakeRuntimeAPI() as api, TemporaryDirectory() as folder:
        with client.running(api.address, "behaviours.handler", Path(folder), **variables) as it:
            api.invoke(body)
        text = it.stdout
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)


LOGGED = [
    event(do="log"),
    event(do="fail", how="exception"),
    event(do="fail", how="no text"),
    event(do="make", value="object"),
    b"tru",
]


@pytest.mark.parametrize("body", LOGGED)
@pytest.mark.parametrize("level", [None, "INFO"])
def test_the_text_log_is_the_same(body: bytes, level: str | None) -> None:
    variables = {} if level is None else {"AWS_LAMBDA_LOG_LEVEL": level}
    ours = logged(WARMSTART, body, **variables)
    assert ours == logged(AWSLAMBDARIC, body, **variables)


@pytest.mark.parametrize("body", [*LOGGED, event(do="log_dict"), event(do="log_exception")])
def test_the_json_log_is_the_same(body: bytes) -> None:
    def lines(client: Client) -> list[object]:
        text = logged(client, body, AWS_LAMBDA_LOG_FORMAT="json")
        return [json.loads(line) if line.startswith("{") else line for line in text.splitlines()]

    ours, theirs = lines(WARMSTART), lines(AWSLAMBDARIC)
    for line in theirs:
        if isinstance(line, dict) and "stackTrace" in line:  # they mark the place in logged ones
            line["stackTrace"] = [re.sub(r" +[~^]+\n", "", text) for text in line["stackTrace"]]
    assert ours == theirs


@pytest.mark.parametrize("body", LOGGED)
@pytest.mark.parametrize(
    "variables",
    [{}, {"AWS_LAMBDA_LOG_LEVEL": "DEBUG"}, {"AWS_LAMBDA_LOG_FORMAT": "JSON"}],
)
def test_the_frames_are_the_same(body: bytes, variables: dict[str, str], tmp_path: Path) -> None:
    def frames(client: Client) -> list[tuple[str, str]]:
        path = tmp_path / client.module
        with path.open("wb") as file:
            descriptor = str(file.fileno())
            printed = logged(client, body, _LAMBDA_TELEMETRY_LOG_FD=descriptor, **variables)
        assert printed == ("printed\n" if b"log" in body else "")
        data, found = path.read_bytes(), []
        while data:
            kind, length = data[:4].hex(), int.from_bytes(data[4:8], "big")
            assert abs(int.from_bytes(data[8:16], "big") / 1e6 - time.time()) < 60
            text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", data[16 : 16 + length].decode())
            found.append((kind, text))
            data = data[16 + length :]
        return found

    ours, theirs = frames(WARMSTART), frames(AWSLAMBDARIC)
    if "AWS_LAMBDA_LOG_FORMAT" in variables:
        as_json = [[(kind, _parsed(text)) for kind, text in both] for both in (ours, theirs)]
        assert as_json[0] == as_json[1]
    else:
        assert ours == theirs


def _parsed(text: str) -> object:
    return json.loads(text) if text.startswith("{") else text


@difference("logged-exceptions")
def test_a_logged_exception_ends_its_line(row: str) -> None:
    body = event(do="log_exception")
    ours, theirs = logged(WARMSTART, body), logged(AWSLAMBDARIC, body)
    assert ours == theirs + "\n"


@difference("whole-exceptions")
def test_the_log_shows_all_of_an_exception(row: str) -> None:
    chained = logged(WARMSTART, event(do="chained"))
    assert "\rCaused by KeyError: 'key'\rTraceback (most recent call last):\r" in chained
    passing = logged(WARMSTART, event(do="in_passing"))
    assert "\rRaised while handling KeyError: 'key'\r" in passing
    noted = logged(WARMSTART, event(do="noted"))
    assert "[ERROR] ValueError: with notes\rfirst note\rsecond note\rTraceback" in noted
    grouped = logged(WARMSTART, event(do="grouped"))
    assert "\rException 1 of 2: ValueError: one\r" in grouped
    assert "\rException 2 of 2: TypeError: two\r" in grouped


@difference("init-notice")
def test_a_failed_init_is_logged_without_aws_notice(
    start: Start, api: FakeRuntimeAPI, row: str
) -> None:
    theirs = start("nodot", AWSLAMBDARIC)
    theirs.wait()
    ours = start("nodot", WARMSTART)
    ours.wait()
    assert "LAMBDA_WARNING" in theirs.stdout
    assert theirs.stdout.endswith(ours.stdout)
    assert ours.stdout.startswith("[ERROR] Runtime.MalformedHandlerName: Bad handler 'nodot'")


def test_every_difference_is_shown_by_a_test() -> None:
    sources = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    shown = set(re.findall(r'@difference\("([a-z0-9-]+)"\)', sources))
    assert shown == set(ROWS)
