from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from warmstart.triggers.pollers import NotRead, Poller, Pollers

MAPPING = {"UUID": "m", "EventSourceArn": "arn:aws:sqs:us-east-1:123456789012:q"}


class Busy:
    """A poller that is done with what it read when it may be."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.told: list[str] = []

    def start(self) -> None:
        self.told.append("start")

    async def stop(self) -> None:
        await self.may.wait()
        self.told.append("stop")

    async def aclose(self) -> None:
        self.told.append("aclose")


async def test_what_is_under_way_at_the_end_is_done_with_within_the_grace() -> None:
    busy = Busy()
    async with Pollers({"sqs": lambda _: busy}, grace=3600) as pollers:
        await pollers.start(MAPPING)
        busy.may.set()
    assert busy.told == ["start", "stop"]


async def test_what_takes_longer_is_given_up() -> None:
    busy = Busy()
    async with Pollers({"sqs": lambda _: busy}, grace=0) as pollers:
        await pollers.start(MAPPING)
    assert busy.told == ["start", "aclose"]


async def test_all_are_closed_before_the_fault_of_one_is_told() -> None:
    class Faulty(Busy):
        async def stop(self) -> None:
            raise RuntimeError("a fault of ours")

    busy = Busy()
    busy.may.set()
    made = iter([Faulty(), busy])
    pollers = Pollers({"sqs": lambda _: next(made)})
    await pollers.start(MAPPING)
    await pollers.start(MAPPING | {"UUID": "other"})
    with pytest.raises(RuntimeError, match="a fault of ours"):
        await pollers.__aexit__(None, None, None)
    assert busy.told == ["start", "stop"]


async def test_why_a_source_is_not_read_is_the_mappings_last_result() -> None:
    def refuse(_: Mapping[str, Any]) -> Poller:
        raise NotRead("for this reason")

    async with Pollers({"sqs": refuse}) as pollers:
        with pytest.raises(NotRead):
            await pollers.start(MAPPING)
        assert pollers.last_result("m") == "PROBLEM: for this reason"
