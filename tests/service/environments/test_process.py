"""The driver, with real processes."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping

import pytest

from warmstart.service.environments.process import MAX_LINE, ProcessDriver, Running


class Started:
    """What a program that was started has told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.spoken = asyncio.Event()
        self.returncode: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.temporary = ""

    def variables(self, temporary: str) -> Mapping[str, str]:
        self.temporary = temporary
        return {"TMPDIR": temporary}

    def output(self, line: str) -> None:
        self.lines.append(line)
        self.spoken.set()

    async def run(self, code: str, directory: str = "/") -> Running:
        return await ProcessDriver().start(
            [sys.executable, "-c", code],
            directory,
            self.variables,
            self.output,
            self.returncode.set_result,
        )


async def test_all_output_is_told_before_the_end() -> None:
    started = Started()
    running = await started.run("print('one'); print('two', end=''); raise SystemExit(7)")
    returncode = await started.returncode
    await running.wait_closed()

    assert started.lines == ["one", "two"]
    assert returncode == 7
    assert not os.path.exists(started.temporary)  # noqa: ASYNC240 — nothing else runs now


async def test_both_outputs_keep_their_order() -> None:
    started = Started()
    await started.run("import os\nfor n in range(50): os.write(1 + n % 2, b'%d\\n' % n)")
    await started.returncode

    assert started.lines == [str(number) for number in range(50)]


async def test_a_line_without_an_end_is_told_in_parts() -> None:
    started = Started()
    await started.run(f"import os\nfor _ in range(5): os.write(1, b'x' * {MAX_LINE // 2})")
    await started.returncode

    assert [len(line) for line in started.lines] == [MAX_LINE, MAX_LINE, MAX_LINE // 2]


async def test_output_that_is_no_text_is_told_all_the_same() -> None:
    started = Started()
    await started.run(r"import os; os.write(1, b'\xff\xc3\xa9\n')")
    await started.returncode

    assert started.lines == ["\ufffdé"]


async def test_drain_tells_what_was_written_before_it() -> None:
    started = Started()
    running = await started.run("import os, time; os.write(1, b'here\\n'); time.sleep(60)")
    while not started.lines:
        running.drain()

    assert started.lines == ["here"]
    running.kill()
    assert await started.returncode == -9


async def test_the_peak_memory_stays_when_the_memory_is_freed() -> None:
    started = Started()
    running = await started.run(
        "x = bytearray(50 << 20); del x; print('freed', flush=True); import time; time.sleep(60)"
    )
    await started.spoken.wait()
    peak = running.peak_memory()
    running.kill()
    await started.returncode

    assert peak is not None
    assert 50 << 20 < peak < 100 << 20
    assert running.peak_memory() is None


async def test_a_program_that_cannot_be_started_leaves_nothing_behind() -> None:
    started = Started()
    with pytest.raises(FileNotFoundError):
        await ProcessDriver().start(
            ["/no/such/program"], "/", started.variables, started.lines.append, print
        )

    assert not os.path.exists(started.temporary)  # noqa: ASYNC240 — nothing else runs now


async def test_to_stop_what_has_ended_does_nothing() -> None:
    started = Started()
    running = await started.run("")
    await started.returncode
    running.stop(0.0)
    running.kill()
    running.drain()
