"""The loop that lives across invocations: what it keeps, and what it leaves alone."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import anyio.to_thread
import pytest

from warmstart.adapter.loop import InvocationLoop


@pytest.fixture(params=["eager where Python is", "lazy"])
def loop(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[InvocationLoop]:
    if request.param == "lazy":  # as on Python 3.11
        monkeypatch.setattr("warmstart.adapter.loop._EAGER", False)
    invocation_loop = InvocationLoop()
    yield invocation_loop
    invocation_loop.close()


async def current() -> tuple[asyncio.AbstractEventLoop, asyncio.Task[None] | None]:
    return asyncio.get_running_loop(), asyncio.current_task()


def test_a_coroutine_that_never_waits_runs_in_a_task_on_the_running_loop(
    loop: InvocationLoop,
) -> None:
    running, task = loop.run(current())

    assert task is not None
    assert task.get_loop() is running


def test_every_call_runs_on_the_same_loop_whether_it_waits_or_not(loop: InvocationLoop) -> None:
    async def wait() -> asyncio.AbstractEventLoop:
        await asyncio.sleep(0)
        return asyncio.get_running_loop()

    first, _ = loop.run(current())

    assert loop.run(wait()) is first
    assert loop.run(current())[0] is first


def test_the_thread_has_no_running_and_no_set_loop_afterwards(loop: InvocationLoop) -> None:
    loop.run(current())
    loop.run(asyncio.sleep(0))

    with pytest.raises(RuntimeError, match="no running event loop"):
        asyncio.get_running_loop()


def test_a_loop_survives_an_asyncio_run_in_between(loop: InvocationLoop) -> None:
    before, _ = loop.run(current())
    asyncio.run(asyncio.sleep(0))

    assert loop.run(current())[0] is before


def test_it_works_inside_another_running_loop_and_gives_it_back(loop: InvocationLoop) -> None:
    async def outer() -> tuple[asyncio.AbstractEventLoop, asyncio.AbstractEventLoop]:
        mine = asyncio.get_running_loop()
        inner, _ = loop.run(current())
        loop.run(asyncio.sleep(0))
        assert asyncio.get_running_loop() is mine
        return mine, inner

    mine, inner = asyncio.run(outer())

    assert mine is not inner


def test_threads_take_turns(loop: InvocationLoop) -> None:
    inside = 0
    most = 0

    async def enter() -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: loop.run(enter()), range(20)))

    assert most == 1


def test_a_call_from_inside_its_own_invocation_is_an_error_and_no_deadlock(
    loop: InvocationLoop,
) -> None:
    async def call_again() -> None:
        loop.run(current())

    with pytest.raises(RuntimeError, match="from inside its own invocation"):
        loop.run(call_again())


@pytest.mark.parametrize("waits", [False, True])
def test_an_exception_comes_out_as_it_was_raised(loop: InvocationLoop, waits: bool) -> None:
    async def fail() -> None:
        if waits:
            await asyncio.sleep(0)
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        loop.run(fail())


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("ending", [SystemExit, KeyboardInterrupt])
def test_an_exit_is_not_swallowed_and_the_loop_goes_on(
    loop: InvocationLoop, ending: type[BaseException], waits: bool
) -> None:
    async def end() -> None:
        if waits:
            await asyncio.sleep(0)
        raise ending

    with pytest.raises(ending):
        loop.run(end())
    assert loop.run(asyncio.sleep(0, "still here")) == "still here"


def test_tasks_go_on_in_the_next_call(loop: InvocationLoop) -> None:
    done: list[str] = []

    async def work() -> None:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        done.append("work")

    async def spawn() -> asyncio.Task[None]:
        return asyncio.create_task(work())

    task = loop.run(spawn())
    loop.run(asyncio.wait_for(asyncio.shield(task), 1))

    assert done == ["work"]


def test_what_was_scheduled_during_a_call_that_did_not_wait_gets_its_turn(
    loop: InvocationLoop,
) -> None:
    called: list[bool] = []

    async def schedule() -> None:
        asyncio.get_running_loop().call_soon(called.append, True)

    loop.run(schedule())

    assert called == [True]


def test_the_guard_is_asked_only_by_a_coroutine_that_waits(loop: InvocationLoop) -> None:
    asked: list[asyncio.Task[object]] = []

    def guard(
        on: asyncio.AbstractEventLoop, task: asyncio.Task[object]
    ) -> asyncio.TimerHandle | None:
        asked.append(task)
        return on.call_later(60, task.cancel)

    loop.run(asyncio.sleep(0), guard)
    assert len(asked) == 1

    async def forever() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(asyncio.CancelledError):
        loop.run(forever(), lambda on, task: on.call_later(0, task.cancel))


def test_worker_threads_outlive_the_invocation_that_started_them(loop: InvocationLoop) -> None:
    async def in_thread() -> int:
        return await anyio.to_thread.run_sync(threading.get_ident)

    idents = {loop.run(in_thread()) for _ in range(5)}

    assert len(idents) == 1


def test_an_abandoned_async_generator_is_finished_when_the_loop_closes() -> None:
    loop = InvocationLoop()
    finished: list[bool] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            finished.append(True)

    kept = numbers()

    async def begin() -> None:
        await anext(kept)

    loop.run(begin())
    loop.close()

    assert finished == [True]


def test_closing_cancels_what_still_runs_and_may_be_repeated() -> None:
    loop = InvocationLoop()

    async def spawn() -> asyncio.Task[None]:
        return asyncio.create_task(asyncio.sleep(3600))

    task = loop.run(spawn())
    loop.close()
    loop.close()

    assert task.cancelled()


def test_a_program_ends_although_worker_threads_wait_for_more_to_do() -> None:
    program = """
import anyio.to_thread
from warmstart.adapter.loop import InvocationLoop

print(InvocationLoop().run(anyio.to_thread.run_sync(lambda: "done")))
loop = InvocationLoop()
print(loop.run(anyio.to_thread.run_sync(lambda: "done")))
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=20
    )

    assert (ended.returncode, ended.stdout) == (0, "done\ndone\n")


def test_a_loop_that_never_ran_can_be_closed_where_there_is_no_current_one() -> None:
    asyncio.set_event_loop(None)

    InvocationLoop().close()


def test_a_loop_that_nobody_holds_any_more_ends_with_its_threads() -> None:
    loop = InvocationLoop()
    worker = loop.run(anyio.to_thread.run_sync(threading.current_thread))

    del loop
    worker.join(timeout=20)

    assert not worker.is_alive()
