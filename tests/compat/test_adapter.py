"""What callers may do with `Mangum`: subclass it, pass handler classes, import its parts."""

from __future__ import annotations

import asyncio
import importlib
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mangum
import pytest

from tests.compat.beside import CONTEXT, answering, current_loop, outcome
from tests.events import golden
from warmstart.adapter.asgi import ASGIApp, Receive, Scope, Send
from warmstart.compat.mangum import Mangum
from warmstart.compat.mangum.adapter import DEFAULT_TEXT_MIME_TYPES
from warmstart.compat.mangum.exceptions import ConfigurationError, LifespanFailure
from warmstart.compat.mangum.handlers import APIGateway
from warmstart.compat.mangum.types import (
    LambdaConfig,
    LambdaContext,
    LambdaEvent,
    LambdaHandler,
    Response,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    with current_loop() as own:
        yield own


class Queue:
    """A handler class of a user's: each message of a queue is a request."""

    @classmethod
    def infer(cls, event: LambdaEvent, context: LambdaContext, config: LambdaConfig) -> bool:
        return "Records" in event and event["Records"][0].get("eventSource") == "aws:sqs"

    def __init__(self, event: LambdaEvent, context: LambdaContext, config: LambdaConfig) -> None:
        self.event = event
        self.context = context
        self.config = config

    @property
    def body(self) -> bytes:
        body: str = self.event["Records"][0]["body"]
        return body.encode()

    @property
    def scope(self) -> Scope:
        return {
            "type": "http",
            "method": "POST",
            "path": "/queue",
            "headers": [],
            "aws.context": self.context,
        }

    def __call__(self, response: Response) -> dict[str, Any]:
        async def count() -> int:
            return len(response["body"])

        # A handler class may run a loop: it is called outside of any.
        return {"config": self.config, "status": response["status"], "size": asyncio.run(count())}


def echo() -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive())["body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    return app


def test_a_handler_class_of_the_users_own_serves_its_events_and_sees_the_configuration() -> None:
    event = {"Records": [{"eventSource": "aws:sqs", "body": "hello"}]}
    handlers: list[type[LambdaHandler]] = [Queue]
    options: dict[str, Any] = {
        "lifespan": "off",
        "custom_handlers": handlers,
        "exclude_headers": ["X-A"],
    }

    ours = outcome(Mangum, echo, event, **options)
    theirs = outcome(mangum.Mangum, echo, event, **options)

    assert ours == theirs
    assert ours.result == {
        "status": 200,
        "size": 5,
        "config": {
            "api_gateway_base_path": "/",
            "text_mime_types": DEFAULT_TEXT_MIME_TYPES,
            "exclude_headers": ["x-a"],
        },
    }


def test_a_handler_class_of_the_users_own_goes_before_those_built_in() -> None:
    class Upper(APIGateway):
        @property
        def body(self) -> bytes:
            return super().body.upper()

    handler = Mangum(echo(), lifespan="off", custom_handlers=[Upper])

    event = golden.rest_api() | {"body": "hello"}
    assert handler(event, CONTEXT)["body"] == "SEVMTE8="  # base64 of HELLO: it has no type


def test_a_subclass_may_choose_the_handler() -> None:
    class AlwaysREST(Mangum):
        def infer(self, event: LambdaEvent, context: LambdaContext) -> LambdaHandler:
            return APIGateway(event, context, self.config)

    answer = AlwaysREST(echo(), lifespan="off")(golden.http_api_v1(), CONTEXT)

    assert answer["multiValueHeaders"] == {}


def test_its_attributes_are_there_to_be_read() -> None:
    app = echo()
    handler = Mangum(app, "off", "/v1", [Queue], ["a/"], ["B"])

    assert (handler.app, handler.lifespan, handler.custom_handlers) == (app, "off", [Queue])
    assert handler.config == {
        "api_gateway_base_path": "/v1",
        "text_mime_types": ["a/"],
        "exclude_headers": ["b"],
    }


def test_an_unknown_lifespan_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match=r"auto\|on\|off"):
        Mangum(echo(), lifespan="maybe")  # type: ignore[arg-type]


def test_a_failed_startup_can_be_caught_by_its_own_type() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(LifespanFailure, match="no database"):
        Mangum(app)(golden.http_api(), CONTEXT)


def test_the_client_counts_as_gone_after_the_response_however_often_the_app_asks() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})
        seen.extend([(await receive())["type"], (await receive())["type"]])

    Mangum(app, lifespan="off")(golden.http_api(), CONTEXT)

    assert seen == ["http.disconnect", "http.disconnect"]


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, str]]:
    """What Mangum's loggers have logged. (asyncio may log of other tests' loops.)"""
    return [
        (record.name, record.levelname, record.message)
        for record in caplog.records
        if record.name.startswith("mangum")
    ]


def test_requests_and_failures_are_logged_under_mangums_names(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError("no")

    Mangum(answering(202)(), lifespan="off")(golden.http_api(), CONTEXT)
    Mangum(failing, lifespan="off")(golden.http_api(), CONTEXT)

    assert logged(caplog) == [
        ("mangum.http", "INFO", "PUT /prod/café/a b 202"),
        ("mangum.http", "ERROR", "An error occurred running the application."),
    ]


@pytest.mark.parametrize(("receives", "level"), [(False, "INFO"), (True, "ERROR")])
def test_an_app_without_lifespan_is_no_error_and_a_crash_in_its_startup_is(
    caplog: pytest.LogCaptureFixture, receives: bool, level: str
) -> None:
    caplog.set_level(logging.INFO, "mangum.lifespan")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            if receives:
                await receive()
            raise ValueError("Django can only handle ASGI/HTTP connections, not lifespan.")
        await answering()()(scope, receive, send)

    Mangum(app)(golden.http_api(), CONTEXT)

    assert [record[1] for record in logged(caplog) if record[0] == "mangum.lifespan"] == [level]


def test_an_event_that_cannot_be_read_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    answer = Mangum(echo())(golden.http_api() | {"body": "AP+"}, CONTEXT)

    assert answer["statusCode"] == 400
    assert answer["body"] == ("The event cannot be read: body: is not base64: Incorrect padding")
    assert logged(caplog) == [("mangum", "WARNING", answer["body"])]


@pytest.mark.parametrize(
    "module",
    [
        "adapter",
        "exceptions",
        "handlers",
        "handlers.alb",
        "handlers.api_gateway",
        "handlers.lambda_at_edge",
        "types",
    ],
)
def test_mangums_names_are_where_mangum_has_them(module: str) -> None:
    theirs = importlib.import_module(f"mangum.{module}")
    ours = importlib.import_module(f"warmstart.compat.mangum.{module}")

    own = {
        name
        for name, value in vars(theirs).items()
        if not name.startswith("_")
        and getattr(value, "__module__", theirs.__name__).startswith("mangum")
        and type(value).__name__ not in ("module", "function", "_Feature", "Logger")
    }
    assert own <= set(vars(ours))


def test_it_needs_the_standard_library_alone_and_the_adapter_knows_nothing_of_it() -> None:
    program = f"""
import sys
sys.path.insert(0, {str(ROOT / "src")!r})
import warmstart.adapter.handler
assert not any("compat" in name for name in sys.modules)
from warmstart.compat.mangum import Mangum, adapter, handlers, types
"""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
