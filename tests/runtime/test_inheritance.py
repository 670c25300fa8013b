"""What stands against copies of a process, and what copies have of their own: by real forks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.measured import said_by

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="Snapshots are made where there is /proc."
)

START = """
import ctypes, json, os, select, socket, sys, threading
from warmstart.runtime.inheritance import Inheritance

def say(what):
    print(json.dumps(what), flush=True)

def judge(own=()):
    inheritance = Inheritance(set(own))
    say([inheritance.can_be_copied, inheritance.warnings()])

def in_copy():
    # True in a copy that has parted from this process, False here when the copy has ended.
    inheritance = Inheritance(set())
    assert inheritance.can_be_copied, inheritance.warnings()
    if pid := os.fork():
        assert os.waitpid(pid, 0) == (pid, 0)
        return False
    inheritance.divide()
    return True
"""

NATIVE_THREAD = """
libc = ctypes.CDLL(None)
semaphore = ctypes.create_string_buffer(64)  # more than a sem_t
libc.sem_init(semaphore, 0, 0)
assert libc.pthread_create(ctypes.byref(ctypes.c_ulong()), None, libc.sem_wait, semaphore) == 0
"""


def said(program: str, *arguments: str) -> list[Any]:
    return said_by(START + program, *arguments)


def judged(program: str, *arguments: str) -> tuple[bool, list[str]]:
    """Whether the process can be copied when that has run, and the warnings."""
    ((can_be_copied, warnings),) = said(program + "\njudge()", *arguments)
    return can_be_copied, warnings


@pytest.mark.parametrize("program", ["", "import asyncio"])
def test_nothing_stands_against_copies_of_a_process_that_has_nothing(program: str) -> None:
    assert judged(program) == (True, [])


def test_a_thread_stands_against_copies_and_is_named() -> None:
    can_be_copied, (warning,) = judged(
        "wait = threading.Event().wait\n"
        "threading.Thread(target=wait, name='waiting', daemon=True).start()"
    )
    assert not can_be_copied
    assert warning.startswith("INIT left a thread running, 'waiting'. ")
    assert "register_before_snapshot" in warning


def test_a_thread_that_python_does_not_know_stands_against_copies() -> None:
    can_be_copied, (warning,) = judged(NATIVE_THREAD)
    assert not can_be_copied
    assert "a thread running, one that `threading` does not know." in warning


def test_a_native_thread_that_its_library_ends_at_a_fork_does_not_stand_against_copies() -> None:
    assert judged(
        f"{NATIVE_THREAD}\n"
        "def end():\n"
        "    libc.sem_post(semaphore)\n"
        "    while len(os.listdir('/proc/self/task')) > 1:\n"
        "        os.sched_yield()\n"
        "os.register_at_fork(before=end)"
    ) == (True, [])


def test_an_epoll_that_is_not_asyncios_stands_against_copies_and_is_named() -> None:
    (descriptor, (can_be_copied, (warning,))) = said(
        "poll = select.epoll()\nsay(poll.fileno())\njudge()"
    )
    assert not can_be_copied
    assert f"not asyncio's (epoll, descriptor {descriptor})." in warning
    assert "register_before_snapshot" in warning


def test_what_is_the_runtimes_own_and_loops_of_asyncio_are_no_cause_of_warnings() -> None:
    assert said(
        "import asyncio\n"
        "loop = asyncio.new_event_loop()\n"
        "ours, theirs = socket.socketpair()\n"
        "judge({ours.fileno(), theirs.fileno()})\n"
        "loop.close()"
    ) == [[True, []]]


def test_sockets_are_named_by_their_addresses_and_do_not_stand_against_copies(
    tmp_path: Path,
) -> None:
    port, descriptors, (can_be_copied, warnings) = said(
        "os.chdir(sys.argv[1])\n"  # the path of a Unix socket has about 100 bytes
        "bound = socket.create_server(('127.0.0.1', 0))\n"
        "connection = socket.create_connection(bound.getsockname())\n"
        "local = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
        "local.bind('here')\n"
        "say(bound.getsockname()[1])\n"
        "say([each.fileno() for each in (bound, connection, local)])\n"
        "judge()",
        str(tmp_path),
    )
    assert can_be_copied
    assert sorted(warning.partition(" open. Copies")[0] for warning in warnings) == sorted(
        f"INIT left {what}, descriptor {descriptor})"
        for what, descriptor in zip(
            (
                f"a socket bound to 127.0.0.1:{port} (AF_INET, SOCK_STREAM",
                f"a connection to 127.0.0.1:{port} (AF_INET, SOCK_STREAM",
                "a socket bound to 'here' (AF_UNIX, SOCK_DGRAM",
            ),
            descriptors,
            strict=True,
        )
    )


def test_a_copys_sockets_are_closed_by_their_peer_and_the_others_go_on() -> None:
    blocking, waiting, received = said(
        "ours, theirs = socket.socketpair()\n"
        "ready, _ = pair = socket.socketpair()\n"
        "ready.setblocking(False)\n"
        "if in_copy():\n"
        "    say([os.get_blocking(ours.fileno()), ours.recv(1).decode()])\n"
        "    say([os.get_blocking(ready.fileno()), ready.recv(1).decode()])\n"
        "else:\n"
        "    theirs.send(b'x')\n"
        "    say(ours.recv(1).decode())\n"
    )
    assert blocking == [True, ""]
    assert waiting == [False, ""]
    assert received == "x"


def test_a_copy_reads_and_writes_files_from_where_the_process_was_and_moves_no_other(
    tmp_path: Path,
) -> None:
    (tmp_path / "read").write_text("0123456789")
    (tmp_path / "written").write_text("0123456789")
    (tmp_path / "appended").write_text("0123456789")
    copy, process = said(
        "os.chdir(sys.argv[1])\n"
        "read = os.open('read', os.O_RDONLY)\n"
        "written = os.open('written', os.O_RDWR)\n"
        "appended = os.open('appended', os.O_WRONLY | os.O_APPEND)\n"
        "for each in (read, written):\n"
        "    os.lseek(each, 4, os.SEEK_SET)\n"
        "copied = in_copy()\n"
        "os.write(written, b'c' if copied else b'pp')\n"
        "os.write(appended, b'c' if copied else b'p')\n"
        "say([os.read(read, 2).decode(), os.lseek(written, 0, os.SEEK_CUR)])\n",
        str(tmp_path),
    )
    assert copy == ["45", 5]
    assert process == ["45", 6]
    assert (tmp_path / "written").read_text() == "0123pp6789"
    assert (tmp_path / "appended").read_text() == "0123456789cp"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_file_that_was_deleted_can_still_be_read_in_a_copy(tmp_path: Path, when: str) -> None:
    """Before the process was looked at, or after, so that its path leads nowhere any more."""
    path = tmp_path / "file"
    path.write_text("0123456789")
    said_in_copy, said_here = said(
        "path, when = sys.argv[1:]\n"
        "file = os.open(path, os.O_RDONLY)\n"
        "if when == 'before':\n"
        "    os.unlink(path)\n"
        "else:\n"
        "    os.register_at_fork(before=lambda: os.unlink(path))\n"
        "copied = in_copy()\n"
        "say(os.read(file, 4).decode())\n",
        str(path),
        when,
    )
    assert (said_in_copy, said_here) == ("0123", "4567")  # it is one file, with one offset


def test_a_loop_works_in_the_copy_and_in_the_process_each_with_a_wake_up_of_its_own() -> None:
    copy, process = said(
        "import asyncio\n"
        "loop = asyncio.new_event_loop()\n"
        "closed = asyncio.new_event_loop()\n"
        "closed.close()\n"
        "read, write = os.pipe()\n"
        "come = asyncio.Queue()\n"
        "loop.add_reader(read, lambda: come.put_nowait(os.read(read, 1).decode()))\n"
        "loop.run_until_complete(asyncio.sleep(0))\n"
        "shared = os.fstat(loop._ssock.fileno()).st_ino\n"
        "async def work():\n"
        "    os.write(write, b'x')\n"
        "    received = await come.get()\n"  # by the selector
        "    there = asyncio.Event()\n"
        "    def wake():\n"
        "        loop.call_soon_threadsafe(there.set)\n"
        "    thread = threading.Thread(target=wake)\n"
        "    thread.start()\n"
        "    await there.wait()\n"  # by the wake-up
        "    thread.join()\n"
        "    return received\n"
        "copied = in_copy()\n"
        "answer = loop.run_until_complete(work())\n"
        "own = os.fstat(loop._ssock.fileno()).st_ino != shared\n"
        "say([answer, own, closed.is_closed()])\n"
        "loop.close()\n"
    )
    assert copy == ["x", True, True]
    assert process == ["x", False, True]
