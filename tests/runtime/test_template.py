"""The template and its copies, each a real process, asked as the service asks them."""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from tests.runtime.clients import FUNCTIONS, WARMSTART, environment
from tests.runtime.fake_api import FakeRuntimeAPI

_WAIT = 20  # seconds after which a test has failed


@dataclass
class Copy:
    """A copy's id, and the end of the pipe in which its output arrives."""

    pid: int
    output: BinaryIO


class Template:
    """A template's process, and the service's end of the socket to it."""

    def __init__(self, handler: str, folder: Path, address: str, **variables: str) -> None:
        self._stack = ExitStack()
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.settimeout(_WAIT)
        self._stack.enter_context(self.control)
        self.log = folder / "template"
        self._copies: set[int] = set()
        found = environment(
            address,
            AWS_LAMBDA_INITIALIZATION_TYPE="snap-start",
            WARMSTART_SNAPSHOT_FD=str(theirs.fileno()),
            **variables,
        )
        with theirs, self.log.open("wb") as log:
            self.process = subprocess.Popen(
                WARMSTART.command(handler),
                env=found,
                cwd=FUNCTIONS,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()],
            )

    def hear(self) -> dict[str, Any]:
        """What it says next; nothing when it has ended."""
        message: dict[str, Any] = json.loads(self.control.recv(65536) or b"{}")
        return message

    def ask(
        self,
        variables: dict[str, str],
        view: dict[str, Any] | None = None,
        groups: Sequence[int] = (),
    ) -> tuple[dict[str, Any], BinaryIO]:
        """Ask for a copy; return what is said of it, and its output."""
        reading, writing = os.pipe()
        output = self._stack.enter_context(open(reading, "rb"))
        message = json.dumps({"copy": {"variables": variables, "view": view}}).encode()
        socket.send_fds(self.control, [message], [writing, *groups])
        os.close(writing)
        return self.hear(), output

    def copy(self, address: str, groups: Sequence[int] = (), **variables: str) -> Copy:
        """A copy that asks `address` for events."""
        said, output = self.ask({"AWS_LAMBDA_RUNTIME_API": address, **variables}, groups=groups)
        assert said.keys() == {"pid"}, said
        self._copies.add(said["pid"])
        return Copy(said["pid"], output)

    def end(self, pid: int, number: int = signal.SIGTERM) -> int:
        """End a copy by a signal, and return the code that the template tells."""
        os.kill(pid, number)
        said = self.hear()
        assert said["exited"] == pid
        self.reap(pid)
        return int(said["returncode"])

    def forget(self, pid: int) -> None:
        """It has ended: nobody needs to end it."""
        self._copies.discard(pid)

    def reap(self, pid: int) -> None:
        self.forget(pid)
        self.control.send(json.dumps({"reap": pid}).encode())

    def close(self) -> int:
        """Close the socket, and return the template's exit code."""
        self.control.close()
        return self.process.wait(_WAIT)

    def stop(self) -> None:
        """End what still runs."""
        with self._stack:
            for pid in self._copies:
                os.kill(pid, signal.SIGKILL)
            try:
                self.close()
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise


Make = Callable[..., Template]


@pytest.fixture
def make(api: FakeRuntimeAPI, tmp_path: Path) -> Iterator[Make]:
    """Start a template and wait until it says that it is one, or cannot be."""
    with ExitStack() as stack:

        def make(handler: str = "copied.handler", ready: bool = True, **variables: str) -> Template:
            template = Template(handler, tmp_path, api.address, **variables)
            stack.callback(template.stop)
            assert template.hear() == {"ready": ready}, template.log.read_text()
            return template

        yield make


@contextmanager
def two_services() -> Iterator[tuple[FakeRuntimeAPI, FakeRuntimeAPI]]:
    with FakeRuntimeAPI() as one, FakeRuntimeAPI() as other:
        yield one, other


def served(api: FakeRuntimeAPI) -> Any:
    """What a copy answers; it then waits for more."""
    api.wait_poll()
    body = json.loads(api.invoke().body)
    api.wait_poll()
    return body


def test_a_copy_serves_events_with_what_init_made(api: FakeRuntimeAPI, make: Make) -> None:
    template = make()
    copy = template.copy(api.address)
    found = served(api)
    assert found["init"] == template.process.pid
    assert found["pid"] == found["session"] == copy.pid
    assert template.end(copy.pid) == 0
    assert copy.output.read() == b"served\n"
    assert [request.call for request in api.requests] == ["next", "response", "next"]


def test_copies_live_beside_each_other(make: Make) -> None:
    template = make()
    with two_services() as services:
        copies = [template.copy(each.address) for each in services]
        assert [served(each)["pid"] for each in services] == [each.pid for each in copies]
        for copy in copies:
            assert template.end(copy.pid) == 0
            assert copy.output.read() == b"served\n"


def test_a_copy_has_its_own_variables_and_keeps_those_of_init(
    api: FakeRuntimeAPI, make: Make, tmp_path: Path
) -> None:
    template = make(OF_COPY="template's")
    copy = template.copy(api.address, OF_COPY="copy's", TMPDIR=str(tmp_path))
    found = served(api)
    assert found["variables"] == ["kept", "copy's"]
    assert found["temporary"] == str(tmp_path)
    assert template.end(copy.pid) == 0


def test_a_copy_enters_its_groups(api: FakeRuntimeAPI, make: Make, tmp_path: Path) -> None:
    """Who writes 0 into cgroup.procs enters the group (Linux, cgroup-v2)."""
    template = make()
    paths = [tmp_path / "one", tmp_path / "other"]
    with ExitStack() as stack:
        groups = [stack.enter_context(path.open("wb")).fileno() for path in paths]
        copy = template.copy(api.address, groups)
    assert [path.read_bytes() for path in paths] == [b"0", b"0"]
    api.wait_poll()
    assert template.end(copy.pid) == 0


def test_a_copys_id_is_its_own_until_it_is_reaped(make: Make) -> None:
    template = make()
    with two_services() as (one, other):
        first = template.copy(one.address)
        os.kill(first.pid, signal.SIGKILL)
        assert template.hear() == {"exited": first.pid, "returncode": -signal.SIGKILL}
        os.kill(first.pid, 0)
        template.reap(first.pid)
        second = template.copy(other.address)  # made after what was asked before
        with pytest.raises(ProcessLookupError):
            os.kill(first.pid, 0)
        other.wait_poll()
        assert template.end(second.pid) == 0


def test_a_copy_takes_sigterm_in_the_functions_own_way(api: FakeRuntimeAPI, make: Make) -> None:
    template = make("ending.handler", SIGTERM_HANDLER="exits")
    copy = template.copy(api.address)
    assert api.wait_post().path.endswith("extension/register")
    api.wait_poll()
    assert template.end(copy.pid) == 7
    assert copy.output.read() == b"own handler\n"


def test_the_hooks_run_before_in_the_template_and_after_in_each_copy(make: Make) -> None:
    pytest.importorskip("snapshot_restore_py")
    template = make("snapped.handler")
    with two_services() as services:
        copies = [template.copy(each.address) for each in services]
        one, other = (served(each) for each in services)
        assert one["ran"] == other["ran"] == ["before 2", "before 1", "after 1", "after 2"]
        assert one["random"] != other["random"]
        assert [template.end(copy.pid) for copy in copies] == [0, 0]


def test_a_copy_that_cannot_be_forked_is_refused_with_the_reason(make: Make) -> None:
    template = make(FORK_FAILS="1")
    for _ in range(2):  # and the template goes on
        said, output = template.ask({})
        assert said == {"error": [errno.EAGAIN, os.strerror(errno.EAGAIN)]}
        assert output.read() == b""
    assert template.close() == 0


def test_a_copy_that_gets_no_view_says_why_and_ends(make: Make, tmp_path: Path) -> None:
    template = make()
    view = {
        "source": str(tmp_path / "missing"),
        "target": str(tmp_path),
        "kept": [],
        "as_user": False,
    }
    said, output = template.ask({}, view)
    # Who may make no mounts at all is told so first.
    assert said["error"][0] in {errno.ENOENT, errno.EPERM}
    assert said["error"][1] == os.strerror(said["error"][0])
    assert template.hear() == {"exited": said["pid"], "returncode": 1}
    template.reap(said["pid"])
    assert output.read() == b""
    assert template.close() == 0


def test_what_stands_against_copies_is_said_in_the_log(make: Make) -> None:
    template = make(ready=False, THREAD="1")
    assert template.close() == 0
    assert "INIT left a thread running, 'left'" in template.log.read_text()


def test_the_template_ends_with_its_socket_and_the_copies_go_on(
    api: FakeRuntimeAPI, make: Make
) -> None:
    template = make()
    copy = template.copy(api.address)
    assert template.close() == 0
    assert served(api)["pid"] == copy.pid
    descriptor = os.pidfd_open(copy.pid)
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGTERM)
        assert select.select([descriptor], [], [], _WAIT)[0]
    finally:
        os.close(descriptor)
    template.forget(copy.pid)
    assert copy.output.read() == b"served\n"
