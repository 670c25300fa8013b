"""`warmstart serve` and the commands over its API, as a person uses them."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import COMMAND, Running, say, started

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
APP = """
def handler(event, context):
    print("asked:", event["ask"])
    if event["ask"] == "fail":
        raise RuntimeError("as asked")
    return {"got": event, "name": context.function_name}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


@pytest.fixture
def service(folder: Path) -> Iterator[Running]:
    with started(folder, "serve") as running:
        yield running


def create(running: Running, name: str, *options: str) -> None:
    options = ("--handler", "app.handler", "--runtime", RUNTIME, "--code", "app.py", *options)
    done = say(running, "function", "create", name, *options)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"arn:aws:lambda:us-east-1:123456789012:function:{name}"


def test_a_function_is_created_invoked_listed_read_and_removed(service: Running) -> None:
    create(service, "hello", "--memory", "256", "--env", "COLOR=red")

    done = say(service, "invoke", "hello", "--payload", '{"ask": "this"}', "--tail")
    assert json.loads(done.stdout) == {"got": {"ask": "this"}, "name": "hello"}
    assert re.search(r"START RequestId: .*\nasked: this\nEND RequestId: .*\nREPORT ", done.stderr)

    listed = say(service, "function", "ls").stdout.splitlines()
    assert re.fullmatch(rf"hello +{RUNTIME} +app.handler +256 MB +3 s +0.0 MB +20.*", listed[1])
    alive = say(service, "env", "ls").stdout.splitlines()
    assert re.fullmatch(r"hello +\$LATEST +[0-9a-f]{12} +Ready +\d+ s +\d+ MB", alive[1])
    read = say(service, "logs", "hello", "--filter", "asked").stdout
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} [0-9a-f]{6} asked: this\n", read)

    assert say(service, "function", "rm", "hello").stdout == "hello is removed\n"
    again = say(service, "function", "rm", "hello")
    assert again.returncode == 1
    assert "ResourceNotFoundException: Function not found: arn:aws:" in again.stderr


def test_a_failed_function_is_exit_code_1_and_its_error_is_printed(service: Running) -> None:
    create(service, "f")

    done = say(service, "invoke", "f", "--payload", "-", stdin='{"ask": "fail"}')

    assert done.returncode == 1
    assert json.loads(done.stdout)["errorMessage"] == "as asked"


def test_an_update_is_served_once_it_is_told_to_be_done(service: Running, folder: Path) -> None:
    create(service, "f")
    (folder / "app.py").write_text("def handler(event, context): return 'new'\n")

    done = say(service, "function", "update", "f", "--code", "app.py", "--timeout", "9")

    assert done.stdout == "f is updated\n"
    assert say(service, "invoke", "f").stdout == '"new"\n'
    assert " 9 s " in say(service, "function", "ls").stdout
    assert "Nothing to change" in say(service, "function", "update", "f").stderr


def test_code_and_an_image_are_one_too_many_and_neither_is_one_too_few(service: Running) -> None:
    both = say(service, "function", "create", "f", "--code", "app.py", "--image", "shop")
    neither = say(service, "function", "create", "f")

    assert (both.returncode, neither.returncode) == (2, 2)
    assert "of --code or of an --image, and not of both" in both.stderr
    assert "--code says where the function's code is, or --image does" in neither.stderr


def test_of_a_directory_what_is_hidden_stays_at_home(service: Running, folder: Path) -> None:
    (folder / ".env").write_text("SECRET=1\n")
    (folder / "app.py").write_text(
        "import os\ndef handler(event, context): return sorted(os.listdir('.'))\n"
    )
    create(service, "f", "--code", ".")

    assert {".env", ".warmstart"}.isdisjoint(json.loads(say(service, "invoke", "f").stdout))


def test_an_event_is_kept_and_then_delivered(service: Running) -> None:
    create(service, "f")

    assert say(service, "invoke", "f", "--async", "--payload", '{"ask": "later"}').stdout == ""

    with subprocess.Popen(
        [*COMMAND, "logs", "f", "-f", "--endpoint-url", f"http://127.0.0.1:{service.port}"],
        stdout=subprocess.PIPE,
        text=True,
    ) as following:
        assert following.stdout is not None
        assert any("asked: later" in line for line in following.stdout)
        following.send_signal(signal.SIGTERM)


def test_after_a_kill_the_functions_are_there_and_a_second_server_is_refused(folder: Path) -> None:
    with started(folder, "serve") as first:
        create(first, "f")
        second = subprocess.run(
            [*COMMAND, "serve", "--port", "0"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert second.returncode == 1
        assert f"{first.process.pid}" in second.stderr
        first.process.kill()
        first.process.wait()
    with started(folder, "serve") as running:
        done = say(running, "invoke", "f", "--payload", '{"ask": "still there?"}')
        assert json.loads(done.stdout)["name"] == "f"


def test_without_a_service_it_says_how_to_start_one(folder: Path) -> None:
    url = ["--endpoint-url", "http://127.0.0.1:9"]
    done = subprocess.run(
        [*COMMAND, "function", "ls", *url], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "Start the service with `warmstart serve`" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--host", "0.0.0.0"], "Without access keys, whoever reaches 0.0.0.0 could run code here"),
        (["--keys", "keys.txt"], "Line 1 of keys.txt is not ID:SECRET"),
        (["--data-dir", "app.py"], "is a file"),
        (["--port", "99999"], "99999"),
    ],
)
def test_options_that_make_no_service_are_refused(
    folder: Path, options: list[str], message: str
) -> None:
    (folder / "keys.txt").write_text("no colon\n")
    done = subprocess.run(
        [*COMMAND, "serve", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert message in done.stderr


def test_what_a_function_puts_on_a_bus_wakes_another_by_its_rule(folder: Path) -> None:
    (folder / "warmstart.toml").write_text("""
        [functions.heard.events.orders]
        Type = "EventBridgeRule"
        EventBusName = "shop"
        Pattern.source = ["my.shop"]
        InputTransformer.InputPathsMap = { id = "$.detail.id" }
        InputTransformer.InputTemplate = '{"ask": <id>}'
    """)
    (folder / "teller.py").write_text("""
import boto3


def handler(event, context):
    entry = {"EventBusName": "shop", "Source": "my.shop", "DetailType": "x"}
    entry["Detail"] = '{"id": 4711}'
    return boto3.client("events").put_events(Entries=[entry])["FailedEntryCount"]
""")
    with started(folder, "serve", "--verbose") as running:
        running.wait_for(re.compile("woken by events of the bus shop"))
        create(running, "heard")
        create(running, "teller", "--handler", "teller.handler", "--code", "teller.py")
        assert say(running, "invoke", "teller").stdout.strip() == "0"
        running.wait_for(re.compile("heard asked: 4711"))


def test_what_a_function_logs_wakes_another_that_is_subscribed(folder: Path) -> None:
    (folder / "warmstart.toml").write_text("""
        [functions.reader.events.logs]
        Type = "CloudWatchLogs"
        LogGroupName = "/aws/lambda/teller"
        FilterPattern = "asked"
    """)
    (folder / "reader.py").write_text("""
import base64, gzip


def handler(event, context):
    print(gzip.decompress(base64.b64decode(event["awslogs"]["data"])).decode())
""")
    with started(folder, "serve", "--verbose") as running:
        running.wait_for(re.compile("woken by the log /aws/lambda/teller"))
        create(running, "reader", "--handler", "reader.handler", "--code", "reader.py")
        create(running, "teller")
        say(running, "invoke", "teller", "--payload", '{"ask": "this"}')
        running.wait_for(re.compile(r'reader \{.*"message": "asked: this"'))
