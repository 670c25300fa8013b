"""Answers of 500 and more where exceptions fail the invocation."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from tests.adapter.conftest import MakeHandler
from tests.adapter.exchanges import Context, PostedAnswers
from tests.adapter.samples import function_url
from warmstart.adapter.asgi import ASGIApp, Message, Receive, Scope, Send

PIECE: Message = {"type": "http.response.body", "body": b"out of ", "more_body": True}
END: Message = {"type": "http.response.body", "body": b"order"}


def answering(
    status: int, *messages: Message, after: Callable[[], Awaitable[object]] | None = None
) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        for message in messages:
            await send(message)
        if after is not None:
            await after()

    return app


async def raises() -> None:
    raise LookupError("mine")


async def waits_forever() -> None:
    await asyncio.get_running_loop().create_future()


def test_it_leaves_when_the_app_has_ended(make_handler: MakeHandler) -> None:
    exchange = PostedAnswers()
    seen: list[int] = []

    async def look() -> None:
        seen.append(len(exchange.results))

    handler = make_handler(answering(503, PIECE, END, after=look), lifespan="off", on_error="raise")
    handler.serve_invocation(function_url("/"), None, exchange)

    assert seen == [0]
    assert (exchange.result["statusCode"], exchange.result["body"]) == (503, "out of order")


def test_any_other_leaves_at_once(make_handler: MakeHandler) -> None:
    exchange = PostedAnswers()
    seen: list[int] = []

    async def look() -> None:
        seen.append(len(exchange.results))

    handler = make_handler(answering(404, END, after=look), lifespan="off", on_error="raise")
    handler.serve_invocation(function_url("/"), None, exchange)

    assert seen == [1]


@pytest.mark.parametrize("messages", [(PIECE, END), (PIECE,)])
def test_it_never_leaves_if_the_app_raises(
    make_handler: MakeHandler, messages: tuple[Message, ...]
) -> None:
    exchange = PostedAnswers()
    handler = make_handler(
        answering(500, *messages, after=raises), lifespan="off", on_error="raise"
    )

    with pytest.raises(LookupError, match="mine"):
        handler.serve_invocation(function_url("/"), None, exchange)
    assert exchange.results == []


def test_it_leaves_at_the_deadline(
    make_handler: MakeHandler, caplog: pytest.LogCaptureFixture
) -> None:
    exchange = PostedAnswers()
    handler = make_handler(
        answering(503, END, after=waits_forever), lifespan="off", on_error="raise"
    )

    with caplog.at_level(logging.ERROR, "warmstart"):
        handler.serve_invocation(function_url("/"), Context(remaining=260), exchange)

    assert exchange.result["statusCode"] == 503
    assert "after its response ran into the deadline" in caplog.text


def test_without_that_choice_it_leaves_at_once(make_handler: MakeHandler) -> None:
    exchange = PostedAnswers()
    handler = make_handler(answering(500, END, after=raises), lifespan="off")

    handler.serve_invocation(function_url("/"), None, exchange)

    assert exchange.result["statusCode"] == 500
