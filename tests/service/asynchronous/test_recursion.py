from __future__ import annotations

import asyncio
from typing import Any

import botocore.session
import pytest
from botocore.config import Config

from tests.service.asynchronous.played import trace_headers
from warmstart.invoke import InvokeResult, InvokeStream, ResourceNotFound
from warmstart.service.asynchronous.recursion import (
    RecursionGuard,
    RecursiveInvocation,
    advance,
)

ROOT = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


class Chain:
    """Functions that invoke the next one with the trace header they were given, as SDKs do."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.runs = 0

    async def invoke(
        self, function: str, payload: bytes, *, trace_id: str | None = None, **_: Any
    ) -> InvokeResult:
        following = self.names[(self.names.index(function) + 1) % len(self.names)]
        self.runs += 1
        if self.runs == 100:
            return InvokeResult("", b"done")
        return await self.guard.invoke(following, payload, trace_id=trace_id)

    async def invoke_with_response_stream(self, function: str, *_: Any, **__: Any) -> InvokeStream:
        raise AssertionError(function)

    def check(self, function: str, qualifier: str | None = None) -> None:
        if function not in self.names:
            raise ResourceNotFound(f"{function}:{qualifier}")

    guard: RecursionGuard


def guarded(chain: Chain, *, allow: bool = False) -> RecursionGuard:
    chain.guard = RecursionGuard(chain, lambda name: allow)
    return chain.guard


async def test_a_function_that_invokes_itself_is_stopped_after_sixteen_invocations() -> None:
    chain = Chain("f")

    with pytest.raises(RecursiveInvocation) as stopped:
        await guarded(chain).invoke("f", b"{}")

    assert chain.runs == 16
    model = botocore.session.get_session().get_service_model("lambda")
    shape = model.shape_for(stopped.value.error_type)
    assert shape.metadata["error"]["httpStatusCode"] == stopped.value.status


async def test_functions_that_invoke_each_other_are_stopped() -> None:
    chain = Chain("a", "b", "c")

    with pytest.raises(RecursiveInvocation, match="of a after 16"):
        await guarded(chain).invoke("a", b"{}", trace_id=ROOT)

    assert chain.runs == 48


async def test_a_function_that_allows_loops_is_not_stopped() -> None:
    assert (await guarded(Chain("f"), allow=True).invoke("f", b"{}")).payload == b"done"


async def test_separate_chains_are_counted_apart() -> None:
    chain = Chain("f")
    guard = guarded(chain)
    chain.runs = 99  # each invocation ends the chain
    for _ in range(40):
        await guard.invoke("f", b"{}", trace_id=ROOT)
        chain.runs = 99


async def test_streamed_invocations_are_counted_with_the_others() -> None:
    header = ROOT
    for _ in range(16):
        header, _ = advance(header, "f")

    with pytest.raises(RecursiveInvocation):
        await guarded(Chain("f")).invoke_with_response_stream("f", b"{}", trace_id=header)


def test_what_exists_is_known_to_those_behind_the_guard() -> None:
    guard = guarded(Chain("f"))

    guard.check("f", "live")
    with pytest.raises(ResourceNotFound, match="g:live"):
        guard.check("g", "live")


def test_the_trace_itself_and_others_in_its_lineage_are_left_alone() -> None:
    header, count = advance(f"{ROOT};Lineage=a87bd80c:1|68fd508a:5|1:c512fbe3:2", "f")

    assert count == 1
    assert header.startswith(f"{ROOT};Lineage=a87bd80c:1|68fd508a:5|1:c512fbe3:2|")
    assert advance(header, "f")[1] == 2


@pytest.mark.parametrize(
    "lineage", ["", "a", "a:", ":1", "a:-1", "a:x", "a:1:", "|||", "a:\u0661", "a:" + "9" * 5000]
)
def test_a_lineage_that_cannot_be_read_counts_as_none(lineage: str) -> None:
    header, count = advance(f"{ROOT};Lineage={lineage}", "f")

    assert count == 1
    assert len(header) < 200


def test_the_header_stays_short_however_many_functions_take_part() -> None:
    header = ROOT
    for number in range(1000):
        header, _ = advance(header, f"f{number}")

    assert len(header) < 600
    assert advance(header, "f999")[1] == 2


async def test_the_chain_survives_the_aws_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    async with trace_headers() as (endpoint, seen):
        header, _ = advance(f"{ROOT};Lineage=a87bd80c:1", "f")
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "f")
        monkeypatch.setenv("_X_AMZN_TRACE_ID", header)
        client = botocore.session.get_session().create_client(
            "lambda",
            region_name="us-east-1",
            endpoint_url=endpoint,
            aws_access_key_id="a",
            aws_secret_access_key="b",
            config=Config(retries={"total_max_attempts": 1}),
        )
        await asyncio.to_thread(client.invoke, FunctionName="f", InvocationType="Event")
        client.close()

    (received,) = seen
    assert advance(received, "f")[1] == 2
