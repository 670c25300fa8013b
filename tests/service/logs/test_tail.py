from __future__ import annotations

import asyncio

from warmstart.service.function import Function
from warmstart.service.logs.tail import MAX_TAIL, Tails
from warmstart.service.telemetry import Output, PlatformFault, Report, RuntimeDone, Source, Start

FUNCTION = Function(name="f", handler="app.handler", task_root="/")
EVENT = (0.0, Source(FUNCTION, "e", "2026/11/24/[$LATEST]e"))


def outputs(tails: Tails, request_id: str | None, *lines: str) -> None:
    for line in lines:
        tails.observe(Output(*EVENT, request_id, line))


def report(request_id: str) -> Report:
    return Report(*EVENT, request_id, "success", None, 1.0, 1, 128, 30, None)


async def test_a_tail_is_the_invocation_s_log_from_start_to_report() -> None:
    tails = Tails()
    tail = tails.open("id")
    outputs(tails, None, "during INIT")
    tails.observe(Start(*EVENT, "id", "$LATEST"))
    outputs(tails, "id", "mine")
    outputs(tails, "other", "not mine")
    tails.observe(RuntimeDone(*EVENT, "id", "success", None, 1.0, None, None))
    waiting = asyncio.ensure_future(tail.whole())
    await asyncio.sleep(0)
    assert not waiting.done()
    tails.observe(report("id"))

    assert await waiting == (
        b"START RequestId: id Version: $LATEST\nmine\nEND RequestId: id\n"
        b"REPORT RequestId: id\tDuration: 1.00 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB"
        b"\tMax Memory Used: 30 MB\t\n"
    )


async def test_a_tail_tells_that_the_invocation_timed_out() -> None:
    tails = Tails()
    tail = tails.open("id")
    tails.observe(Start(*EVENT, "id", "$LATEST"))
    message = "Task timed out after 3.00 seconds"
    tails.observe(PlatformFault(*EVENT, "id", "timeout", "Sandbox.Timedout", message))
    tails.observe(report("id"))

    assert b"1970-01-01T00:00:00.000Z id Task timed out after 3.00 seconds" in await tail.whole()


async def test_a_long_log_keeps_its_last_4_kb() -> None:
    tails = Tails()
    tail = tails.open("id")
    outputs(tails, "id", "x" * 5000, "y" * 100)
    tails.observe(report("id"))
    data = await tail.whole()

    assert len(data) == MAX_TAIL
    assert b"x\n" + b"y" * 100 + b"\nREPORT" in data


async def test_an_invocation_that_never_started_has_no_log() -> None:
    assert await Tails().open("id").whole() == b""


async def test_two_invocations_of_one_id_disturb_each_other_s_tails_in_no_way_that_hangs() -> None:
    tails = Tails()
    first, second = tails.open("id"), tails.open("id")
    tails.observe(Start(*EVENT, "id", "1"))
    second.close()
    second.close()
    tails.observe(report("id"))
    first.close()
    tails.observe(report("id"))

    assert b"START RequestId: id Version: 1\nREPORT" in await first.whole()
