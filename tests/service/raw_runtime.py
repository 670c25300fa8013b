"""A runtime client in a few lines, on a raw socket, to drive the service with.

Its one argument names the handler below that answers. It is a program of its
own so that the service meets a real process, and one whose every byte the
tests decide.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable

ROOT = "/2018-06-01/runtime"
TMP = os.environ.get("TMPDIR", "/tmp")


class Connection:
    """One kept-alive connection to the Runtime API."""

    def __init__(self) -> None:
        host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def send(self, head: str, body: bytes = b"") -> None:
        length = f"Content-Length: {len(body)}\r\n" if head.startswith("POST") else ""
        self.socket.sendall(f"{head}\r\nHost: x\r\n{length}\r\n".encode() + body)

    def receive(self) -> tuple[int, dict[str, str], bytes]:
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        length = int(headers["content-length"])
        while len(self.buffer) < length:
            self._more()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return int(status.split()[1]), headers, body

    def _more(self) -> None:
        data = self.socket.recv(1 << 16)
        if not data:
            sys.exit(70)
        self.buffer += data

    def call(self, head: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
        self.send(f"{head} HTTP/1.1", body)
        return self.receive()


Handler = Callable[[Connection, str, bytes], None]


def respond(connection: Connection, request_id: str, body: bytes) -> None:
    connection.call(f"POST {ROOT}/invocation/{request_id}/response", body)


def echo(connection: Connection, request_id: str, event: bytes) -> None:
    respond(connection, request_id, event)


def pid(connection: Connection, request_id: str, event: bytes) -> None:
    """Take `event` seconds, and tell who answered."""
    time.sleep(float(event))
    respond(connection, request_id, b"%d" % os.getpid())


def surroundings(connection: Connection, request_id: str, event: bytes) -> None:
    facts = {
        "variables": dict(os.environ),
        "directory": os.getcwd(),
        "temporary": os.listdir(TMP),
        "stdin": sys.stdin.read(),
        "session": os.getsid(0) == os.getpgid(0) == os.getpid(),
    }
    with open(f"{TMP}/left", "w") as file:
        file.write("something")
    respond(connection, request_id, json.dumps(facts).encode())


def leave(connection: Connection, request_id: str, event: bytes) -> None:
    """Exit with the status that the event names."""
    os._exit(int(event))


def die(connection: Connection, request_id: str, event: bytes) -> None:
    """Die of the signal that the event names."""
    os.kill(os.getpid(), int(event))
    time.sleep(60)


def respond_and_leave(connection: Connection, request_id: str, event: bytes) -> None:
    connection.send(f"POST {ROOT}/invocation/{request_id}/response HTTP/1.1", event)
    os._exit(1)


def background(connection: Connection, request_id: str, event: bytes) -> None:
    """Answer with the process id, and go on working for `event` seconds."""
    respond(connection, request_id, b"%d" % os.getpid())
    time.sleep(float(event))


def talk(connection: Connection, request_id: str, event: bytes) -> None:
    """Write what the event says to both outputs, some of it without a newline, and answer."""
    os.write(1, event + b" out\n")
    os.write(2, event + b" err\n")
    os.write(1, event + b" unfinished")
    respond(connection, request_id, event)


def child(connection: Connection, request_id: str, event: bytes) -> None:
    """Start a process that would outlive this one, and answer with its id."""
    started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    respond(connection, request_id, b"%d" % started.pid)


def stubborn(connection: Connection, request_id: str, event: bytes) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    respond(connection, request_id, b"%d" % os.getpid())


def hide(connection: Connection, request_id: str, event: bytes) -> None:
    """Start a process that leaves the session and its parent, and answer with its id.

    If the event names seconds, take them instead.
    """
    if event:
        time.sleep(float(event))
    read, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if (pid := os.fork()) == 0:
            time.sleep(60)
        os.write(write, b"%d" % pid)
        os._exit(0)
    os.wait()
    respond(connection, request_id, os.read(read, 100))


def eat(connection: Connection, request_id: str, event: bytes) -> None:
    """Take the memory that the event names, in MB, and give it back; in a child if it is < 0."""
    size = int(event)
    if size < 0:
        subprocess.run([sys.executable, "-c", f"bytearray({-size} << 20)"], check=True)
    else:
        taken = bytearray(size << 20)
        if size > 128:
            time.sleep(5)  # somebody may look from time to time only
        del taken
    respond(connection, request_id, event)


def run(connection: Connection, request_id: str, event: bytes) -> None:
    """Answer with what a shell says to the event."""
    outcome = subprocess.run(
        ["/bin/sh", "-c", event.decode()], capture_output=True, text=True, check=False
    )
    respond(connection, request_id, json.dumps(outcome.stdout + outcome.stderr).encode())


def ticks(connection: Connection, request_id: str, event: bytes) -> None:
    """Take the seconds of `event`, and answer with how often a thread in the background ran."""
    if not COUNT:
        COUNT.append(0)
        threading.Thread(target=count, daemon=True).start()
    time.sleep(float(event or 0))
    respond(connection, request_id, b"%d" % COUNT[0])


COUNT: list[int] = []


def count() -> None:
    while True:
        time.sleep(0.001)
        COUNT[0] += 1


def hoard(connection: Connection, request_id: str, event: bytes) -> None:
    """Write a file to /tmp and exit if the event says so; else answer how many there are."""
    count = len(os.listdir(TMP))
    if event == b"1":
        with open(f"{TMP}/{count}", "w"):
            os._exit(1)
    respond(connection, request_id, b"%d" % count)


HANDLERS: dict[str, Handler] = {
    "echo": echo,
    "pid": pid,
    "surroundings": surroundings,
    "leave": leave,
    "die": die,
    "respond_and_leave": respond_and_leave,
    "background": background,
    "run": run,
    "hide": hide,
    "ticks": ticks,
    "eat": eat,
    "hoard": hoard,
    "talk": talk,
    "child": child,
    "stubborn": stubborn,
}


def loop(handler: Handler) -> None:
    connection = Connection()
    while True:
        status, headers, event = connection.call(f"GET {ROOT}/invocation/next")
        if status != 200:
            sys.exit(71)
        handler(connection, headers["lambda-runtime-aws-request-id"], event)


if __name__ == "__main__":
    match sys.argv[1]:
        case "leave_in_init":
            sys.exit(3)
        case "hang_in_init":
            time.sleep(60)
        case "late":
            # The first INIT takes too long, the second does not.
            try:
                open(f"{TMP}/second", "x").close()
            except FileExistsError:
                loop(echo)
            time.sleep(60)
        case name:
            loop(HANDLERS[name])
