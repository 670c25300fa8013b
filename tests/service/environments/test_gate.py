"""The gate gives a program its output and becomes it, or says why it cannot."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from warmstart.service.environments.driver import EnclosureFailed
from warmstart.service.environments.elf import executable
from warmstart.service.environments.gate import CODES, arguments, check
from warmstart.service.environments.rapid import Rapid, Report, write_programs

EMULATORS = {"aarch64": "qemu-aarch64-static"}
"""Where there is one, the program for another machine is tried, too."""

pytestmark = pytest.mark.skipif(os.uname().sysname != "Linux", reason="it is a Linux program")


@dataclass
class Started:
    """What came of a program: what it wrote, its return code, and how its start was reported."""

    output: bytes
    returncode: int
    report: bytes

    def check(self, directory: str, name: str) -> None:
        check(self.report, directory, name)


class Gate:
    """The gate for a machine, run as a program of this host."""

    def __init__(self, command: Sequence[str], rapid: Rapid) -> None:
        self._command = command
        self.emulated = len(command) > 1
        self._rapid = rapid

    def __call__(
        self, *program: str, path: str = "", directory: str = "/", **variables: str
    ) -> Started:
        with ExitStack() as stack:
            report, output = (stack.enter_context(self._rapid.fifo()) for _ in range(2))
            folder = self._rapid.directory
            ways = (str(folder / report.name), str(folder / output.name))
            through = [*self._command, *arguments(*ways, directory, program, path)]
            reported = stack.enter_context(closing(Report(report)))
            with (
                open(output.reader, "rb") as reader,
                subprocess.Popen(
                    through, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
                ) as process,
            ):
                content = reported.read()
                os.close(output.writer)
                os.set_blocking(reader.fileno(), True)
                written = reader.read()
                assert process.stdout is not None
                assert process.stdout.read() == b""
            return Started(written, process.returncode, content)


@pytest.fixture(params=sorted(CODES))
def gate(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Gate]:
    machine: str = request.param
    command = []
    if machine != os.uname().machine:
        if (emulator := shutil.which(EMULATORS.get(machine, machine))) is None:
            pytest.skip(f"nothing here runs programs for {machine}")
        command = [emulator]
    program = tmp_path / "gate"
    program.write_bytes(executable(machine, CODES))
    program.chmod(0o755)
    with closing(Rapid(tmp_path, "id", write_programs(tmp_path))) as rapid:
        yield Gate([*command, str(program)], rapid)


SAY = "import os, sys; print(sys.argv[1:], os.environ['MINE'], os.getcwd(), flush=True)"


def test_the_program_has_its_arguments_its_variables_and_its_directory(
    gate: Gate, tmp_path: Path
) -> None:
    said = gate(
        sys.executable, "-c", SAY, "", "b c", directory=str(tmp_path), MINE="yes", OTHER="no"
    )

    said.check(str(tmp_path), sys.executable)
    assert said.output.decode() == f"['', 'b c'] yes {tmp_path}\n"
    assert said.returncode == 0


def test_both_of_its_streams_are_one(gate: Gate) -> None:
    said = gate("/bin/sh", "-c", "echo 1; echo 2 >&2; echo 3; exit 7")

    said.check("/", "/bin/sh")
    assert said.output == b"1\n2\n3\n"
    assert said.returncode == 7


def test_it_has_no_other_files_open(gate: Gate) -> None:
    if gate.emulated:
        pytest.skip("the emulator has files of its own")
    listed = "import os; print(sorted(os.listdir('/proc/self/fd')))"
    said = gate(sys.executable, "-I", "-S", "-c", listed)

    assert said.output == b"['0', '1', '2', '3']\n"  # 3 is the directory that it lists


def test_the_first_in_the_path_is_taken(gate: Gate, tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
    for name in ("two", "three"):
        program = tmp_path / name / "program"
        program.write_text(f"#!/bin/sh\necho {name} $*\n")
        program.chmod(0o755)
    path = ":".join(
        ["/nothing", str(tmp_path / "gate"), *(str(tmp_path / n) for n in ("one", "two", "three"))]
    )

    said = gate("program", "x", path=path)

    said.check("/", "program")
    assert said.output == b"two x\n"


def test_what_may_not_be_executed_is_passed_over_and_told_if_there_is_nothing_else(
    gate: Gate, tmp_path: Path
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "sh").touch()

    assert gate("sh", "-c", "echo yes", path=f"{tmp_path}/one:/bin").output == b"yes\n"
    with pytest.raises(PermissionError) as caught:
        gate("sh", path=f"{tmp_path}/one:/nothing").check("/", "sh")
    assert caught.value.filename == "sh"


@pytest.mark.parametrize("name", ["nothing", "/bin/nothing", "./nothing", ""])
def test_what_is_not_there_is_told(gate: Gate, name: str) -> None:
    said = gate(name, path="/usr/bin:/bin")

    with pytest.raises(FileNotFoundError) as caught:
        said.check("/", name)
    assert caught.value.filename == name
    assert said.output == b""


def test_a_relative_name_is_found_in_the_directory(gate: Gate, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho here\n")
    program.chmod(0o755)

    assert gate("./program", directory=str(tmp_path)).output == b"here\n"
    assert gate("program", directory=str(tmp_path), path="/bin:").output == b"here\n"


def test_what_no_loader_knows_is_told_and_ends_the_search(gate: Gate, tmp_path: Path) -> None:
    program = tmp_path / "sh"
    program.write_text("echo hello\n")
    program.chmod(0o755)

    for said in (gate(str(program)), gate("sh", path=f"{tmp_path}:/bin")):
        with pytest.raises(OSError, match="Exec format error") as caught:
            said.check("/", "sh")
        assert caught.value.errno == errno.ENOEXEC


@pytest.mark.parametrize(("directory", "error"), [("/nothing", "ENOENT"), ("/bin/sh", "ENOTDIR")])
def test_a_directory_that_is_none_is_told(gate: Gate, directory: str, error: str) -> None:
    with pytest.raises(OSError, match=directory) as caught:
        gate("/bin/true", directory=directory).check(directory, "/bin/true")
    assert caught.value.errno == getattr(errno, error)


@pytest.mark.parametrize("report", [b"", b"\0", b"\0\0", b"\0\x0d"])
def test_a_gate_that_fails_is_the_fault_of_no_program(report: bytes) -> None:
    with pytest.raises(EnclosureFailed):
        check(report, "/", "/bin/true")
