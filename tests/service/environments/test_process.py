"""The driver, with real processes."""

from __future__ import annotations

import asyncio
import secrets
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from warmstart.service.environments.driver import Running
from warmstart.service.environments.enclosure import ProcessDriver, ProcessEnclosure
from warmstart.service.environments.output import MAX_LINE
from warmstart.service.environments.process import Child
from warmstart.service.function import Function


class Started:
    """What a program that was started has told."""

    def __init__(self, **settings: Any) -> None:
        self.lines: list[str] = []
        self.spoken = asyncio.Event()
        self.returncode: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.function = Function(name="f", handler="x", task_root="/", **settings)

    def output(self, line: str) -> None:
        self.lines.append(line)
        self.spoken.set()

    async def run(self, code: str) -> Running:
        arguments = [sys.executable, "-c", code]
        return await self.enclosure.start(
            arguments, self.variables, self.output, self.returncode.set_result
        )

    @property
    def variables(self) -> dict[str, str]:
        return {"TMPDIR": str(self.temporary)}

    async def __aenter__(self) -> Started:
        self.enclosure = await ProcessDriver().open(self.function, secrets.token_hex(16))
        self.temporary = Path(self.enclosure.places.temporary)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.enclosure.close()


async def test_all_output_is_told_before_the_end() -> None:
    async with Started() as started:
        running = await started.run("print('one'); print('two', end=''); raise SystemExit(7)")
        assert await started.returncode == 7
        await running.wait_closed()

        assert started.lines == ["one", "two"]


async def test_what_was_written_stays_until_the_enclosure_is_closed() -> None:
    async with Started() as started:
        for _ in range(2):
            running = await started.run("import os; open(os.environ['TMPDIR'] + '/x', 'a').close()")
            await running.wait_closed()
            started.returncode = asyncio.get_running_loop().create_future()
        assert [path.name for path in started.temporary.iterdir()] == ["x"]

    assert not started.temporary.exists()


async def test_both_outputs_keep_their_order() -> None:
    async with Started() as started:
        running = await started.run(
            "import os\nfor n in range(50): os.write(1 + n % 2, b'%d\\n' % n)"
        )
        await running.wait_closed()

        assert started.lines == [str(number) for number in range(50)]


async def test_a_line_without_an_end_is_told_in_parts() -> None:
    async with Started() as started:
        running = await started.run(
            f"import os\nfor _ in range(5): os.write(1, b'x' * {MAX_LINE // 2})"
        )
        await running.wait_closed()

        assert [len(line) for line in started.lines] == [MAX_LINE, MAX_LINE, MAX_LINE // 2]


async def test_output_that_is_no_text_is_told_all_the_same() -> None:
    async with Started() as started:
        running = await started.run(r"import os; os.write(1, b'\xff\xc3\xa9\n')")
        await running.wait_closed()

        assert started.lines == ["\ufffdé"]


async def test_drain_tells_what_was_written_before_it() -> None:
    async with Started() as started:
        running = await started.run("import os, time; os.write(1, b'here\\n'); time.sleep(60)")
        while not started.lines:
            started.enclosure.drain()

        assert started.lines == ["here"]
        running.kill()
        await running.wait_closed()
        assert await started.returncode == -9


async def test_a_program_is_heard_that_speaks_before_its_start_is_over(tmp_path: Path) -> None:
    over = asyncio.Event()

    class Slow(ProcessEnclosure):
        """As where a control group takes its time to take a process in."""

        async def _start_child(
            self, arguments: Sequence[str], variables: Mapping[str, str], output: int
        ) -> Child:
            child = await super()._start_child(arguments, variables, output)
            await over.wait()
            return child

    driver = ProcessDriver()
    function = Function(name="f", handler="x", task_root="/")
    enclosure = driver.enclose(Slow, function, secrets.token_hex(16), tmp_path)
    lines: asyncio.Queue[str] = asyncio.Queue()
    exited = asyncio.Event()
    starting = asyncio.create_task(
        enclosure.start(
            [sys.executable, "-c", "print('early')"], {}, lines.put_nowait, lambda _: exited.set()
        )
    )

    assert await lines.get() == "early"
    assert not starting.done()
    over.set()
    await (await starting).wait_closed()
    await exited.wait()
    await enclosure.close()


async def test_the_peak_memory_stays_when_the_memory_is_freed() -> None:
    async with Started() as started:
        running = await started.run(
            "x = bytearray(50 << 20); del x; print('freed', flush=True);"
            " import time; time.sleep(60)"
        )
        await started.spoken.wait()
        peak = started.enclosure.peak_memory()
        running.kill()
        await running.wait_closed()

        assert peak is not None
        assert 50 << 20 < peak < 100 << 20


async def test_a_frozen_program_does_nothing_until_it_is_thawed() -> None:
    async with Started() as started:
        running = await started.run(
            "import time\nwhile True: print('tick', flush=True); time.sleep(0.001)"
        )
        await started.spoken.wait()
        started.enclosure.freeze()
        while _state(running.pid) != "T":  # noqa: ASYNC110 - a process tells nobody
            await asyncio.sleep(0)
        started.enclosure.drain()
        started.enclosure.drain()
        said = len(started.lines)
        started.enclosure.drain()
        assert len(started.lines) == said

        started.spoken.clear()
        started.enclosure.thaw()
        await started.spoken.wait()
        started.enclosure.freeze()
        running.stop(60.0)
        await running.wait_closed()
        assert await started.returncode == -signal.SIGTERM


async def test_a_program_that_cannot_be_started_leaves_nothing_behind() -> None:
    async with Started() as started:
        with pytest.raises(FileNotFoundError):
            await started.enclosure.start(
                ["/no/such/program"], started.variables, started.output, print
            )


async def test_to_stop_what_has_ended_does_nothing() -> None:
    async with Started() as started:
        running = await started.run("")
        await running.wait_closed()
        running.stop(0.0)
        running.kill()
        started.enclosure.drain()


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
