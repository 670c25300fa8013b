"""An external extension in a few lines, whose every step the tests decide.

It is copied into a layer under the name of what it is to do (see `ACTS`). What it
hears it writes to its output, which is in the function's log.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any

ROOT = "/2020-01-01/extension"
TMP = os.environ.get("TMPDIR", "/tmp")
NONE: Mapping[str, str] = MappingProxyType({})


class Extension:
    """A registered extension."""

    def __init__(self, name: str, events: list[str]) -> None:
        self.name = name
        self.headers: dict[str, str] = {}
        headers = {"Lambda-Extension-Name": name, "Lambda-Extension-Accept-Feature": "accountId"}
        status, answered, body = self.call("POST", "register", headers, {"events": events})
        assert status == 200, body
        self.headers["Lambda-Extension-Identifier"] = answered["Lambda-Extension-Identifier"]
        say("registered", json.loads(body))

    def call(
        self, method: str, path: str, headers: Mapping[str, str] = NONE, body: object = None
    ) -> tuple[int, Any, bytes]:
        connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
        full = path if path.startswith("/") else f"{ROOT}/{path}"
        text = None if body is None else json.dumps(body)
        connection.request(method, full, text, {**self.headers, **headers})
        response = connection.getresponse()
        return response.status, response.headers, response.read()

    def next(self) -> dict[str, Any]:
        status, _, body = self.call("GET", "event/next")
        assert status == 200, body
        event: dict[str, Any] = json.loads(body)
        say("event", event)
        return event

    def fail(self, when: str) -> None:
        headers = {"Lambda-Extension-Function-Error-Type": "Extension.UnknownReason"}
        status, _, _ = self.call("POST", f"{when}/error", headers, {"errorMessage": "bad"})
        say("status", status)
        sys.exit(2)


def say(what: str, fact: object) -> None:
    sys.stdout.write(f"{what} {json.dumps(fact)}\n")
    sys.stdout.flush()


def listen(name: str) -> None:
    """Hear of everything, and tell when it ends."""
    say("variables", sorted(os.environ))
    extension = Extension(name, ["INVOKE", "SHUTDOWN"])
    while extension.next()["eventType"] != "SHUTDOWN":
        pass


def slow(name: str) -> None:
    """Not be done with an invocation before there is a file `done` in the layers."""
    done = Path(__file__).parents[1] / "done"
    extension = Extension(name, ["INVOKE"])
    while extension.next():
        while not done.exists():
            time.sleep(0.01)


def stuck(name: str) -> None:
    """Never be done with an invocation."""
    extension = Extension(name, ["INVOKE", "SHUTDOWN"])
    extension.next()
    time.sleep(60)


def stays(name: str) -> None:
    """Hear of the end, and do not go."""
    extension = Extension(name, ["SHUTDOWN"])
    extension.next()
    time.sleep(60)


def silent(name: str) -> None:
    """Want nothing, and stay."""
    Extension(name, []).next()


def mute(name: str) -> None:
    """Never register."""
    time.sleep(60)


def leaves(name: str) -> None:
    """Exit before it has registered."""
    sys.exit(3)


def unready(name: str) -> None:
    """Register and exit."""
    Extension(name, [])


def init_error(name: str) -> None:
    Extension(name, ["INVOKE"]).fail("init")


def exit_error(name: str) -> None:
    extension = Extension(name, ["INVOKE"])
    extension.next()
    extension.fail("exit")


def crashes(name: str) -> None:
    """Exit at the first invocation."""
    Extension(name, ["INVOKE"]).next()
    sys.exit(4)


def telemetry(name: str) -> None:
    """Have all telemetry sent here, and say of each batch what it held."""
    extension = Extension(name, ["INVOKE", "SHUTDOWN"])

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            batch = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with open(f"{TMP}/telemetry", "a") as file:
                file.writelines(json.dumps(each) + "\n" for each in batch)
            self.send_response(200)
            self.end_headers()
            say("batch", [each["type"] for each in batch])

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer((os.environ.get("LISTEN", "127.0.0.1"), 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    subscription = {
        "schemaVersion": "2022-12-13",
        "types": ["platform", "function", "extension"],
        "buffering": {"maxItems": 1000, "maxBytes": 262144, "timeoutMs": 25},
        "destination": {
            "protocol": "HTTP",
            "URI": f"http://sandbox.localdomain:{server.server_port}/telemetry",
        },
    }
    status, _, body = extension.call("PUT", "/2022-07-01/telemetry", NONE, subscription)
    say("subscribed", [status, body.decode()])
    while extension.next()["eventType"] != "SHUTDOWN":
        time.sleep(0.2)
    time.sleep(0.2)


ACTS = {
    act.__name__: act
    for act in (
        listen,
        slow,
        stuck,
        stays,
        silent,
        mute,
        leaves,
        unready,
        init_error,
        exit_error,
        crashes,
        telemetry,
    )
}

if __name__ == "__main__":
    called = os.path.basename(sys.argv[0])
    ACTS[called.rstrip("0123456789")](called)
