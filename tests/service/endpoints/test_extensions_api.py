"""The Extensions API as extensions meet it, over real connections that the test makes itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.service.scripted import FUNCTION, NEXT, Answer, Client, Played, Stage, stage
from warmstart.service.function import Function
from warmstart.service.telemetry import ExtensionInit, Report, RuntimeDone

ROOT = "/2020-01-01/extension"
ERROR_TYPE = {"Lambda-Extension-Function-Error-Type": "Extension.UnknownReason"}


class Scene:
    """An environment whose INIT runs, and connections of its runtime and an internal extension."""

    def __init__(self, on: Stage, played: Played, runtime: Client, extension: Client) -> None:
        self.on = on
        self.played = played
        self.runtime = runtime
        self.extension = extension
        self.headers: dict[str, str] = {}

    async def register(self, name: str = "e", events: Any = ()) -> Answer:
        body = json.dumps({"events": list(events)}).encode()
        answer = await self.call("POST", "register", {"Lambda-Extension-Name": name}, body)
        if answer.status == 200:
            identifier = answer.headers["lambda-extension-identifier"]
            self.headers = {"Lambda-Extension-Identifier": identifier}
        return answer

    async def call(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None = None
    ) -> Answer:
        return await self.extension.call(method, f"{ROOT}/{path}", headers, body)

    def ask_next(self) -> None:
        self.extension.send("GET", f"{ROOT}/event/next", self.headers)


@asynccontextmanager
async def initializing(function: Function = FUNCTION) -> AsyncIterator[Scene]:
    async with stage(function) as on:
        starting = asyncio.ensure_future(on.service.start_environment("f"))
        played = await on.driver.started()
        async with played.connect() as runtime, played.connect() as extension:
            yield Scene(on, played, runtime, extension)
        await on.service.aclose()
        await asyncio.wait([starting])
        starting.exception()


def error(answer: Answer) -> tuple[int, str, str]:
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    return answer.status, body["errorType"], body["errorMessage"]


async def has_been_read(scene: Scene) -> None:
    """Return when what was sent before on other connections has been read."""
    async with scene.played.connect() as client:
        await client.call("GET", "/2018-06-01/ping")


async def test_registering_tells_who_the_function_is() -> None:
    async with initializing() as scene:
        answer = await scene.register(events=["INVOKE"])

        assert answer.status == 200
        assert UUID(answer.headers["lambda-extension-identifier"]).version == 4
        assert answer.json() == {
            "functionName": "f",
            "functionVersion": "$LATEST",
            "handler": "app.handler",
        }


@pytest.mark.parametrize("features", ["accountId", "other, accountId"])
async def test_the_account_is_told_to_whoever_accepts_it(features: str) -> None:
    async with initializing() as scene:
        headers = {
            "Lambda-Extension-Name": "e",
            "Lambda-Extension-Accept-Feature": features,
        }
        answer = await scene.call("POST", "register", headers, b"{}")

        assert answer.json()["accountId"] == "123456789012"


@pytest.mark.parametrize(
    ("headers", "body", "wanted"),
    [
        ({}, b"{}", ("Extension.InvalidExtensionName", "Empty extension name")),
        (
            {"Lambda-Extension-Name": "e"},
            b'{"configurationKeys": ["a"]}',
            (
                "InvalidRequestFormat",
                "configurationKeys are deprecated; use environment variables instead",
            ),
        ),
        ({"Lambda-Extension-Name": "e"}, b"", ("InvalidRequestFormat", None)),
        ({"Lambda-Extension-Name": "e"}, b"[]", ("InvalidRequestFormat", None)),
        ({"Lambda-Extension-Name": "e"}, b'{"events": [1]}', ("InvalidRequestFormat", None)),
        ({"Lambda-Extension-Name": "e"}, b'{"events": "INVOKE"}', ("InvalidRequestFormat", None)),
        (
            {"Lambda-Extension-Name": "e"},
            b'{"events": ["SHUTDOWN"]}',
            (
                "Extension.InvalidEventType",
                "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension",
            ),
        ),
    ],
)
async def test_a_registration_that_cannot_be_taken_is_refused(
    headers: dict[str, str], body: bytes, wanted: tuple[str, str | None]
) -> None:
    async with initializing() as scene:
        status, error_type, message = error(await scene.call("POST", "register", headers, body))

        assert (status, error_type) == (403, wanted[0])
        assert wanted[1] in (None, message)


@pytest.mark.parametrize("path", ["event/next", "init/error", "exit/error"])
async def test_whoever_is_not_registered_is_refused(path: str) -> None:
    method = "GET" if path == "event/next" else "POST"
    body = None if method == "GET" else b"{}"
    unknown = str(uuid4())
    async with initializing() as scene:
        answers = [
            error(await scene.call(method, path, identifier | ERROR_TYPE, body))
            for identifier in (
                {},
                {"Lambda-Extension-Identifier": "nobody"},
                {"Lambda-Extension-Identifier": unknown},
            )
        ]

    assert answers == [
        (
            403,
            "Extension.MissingExtensionIdentifier",
            "Missing Lambda-Extension-Identifier header",
        ),
        (403, "Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier"),
        (403, "Extension.UnknownExtensionIdentifier", f"Unknown extension {unknown}"),
    ]


@pytest.mark.parametrize("path", ["init/error", "exit/error"])
async def test_an_error_must_name_its_type_and_is_accepted_then(path: str) -> None:
    async with initializing() as scene:
        await scene.register()
        assert error(await scene.call("POST", path, scene.headers, b"{}")) == (
            403,
            "Extension.MissingHeader",
            "Lambda-Extension-Function-Error-Type not found",
        )
        for _ in range(2):  # to say it twice does no harm
            answer = await scene.call("POST", path, scene.headers | ERROR_TYPE, b"{}")
            assert (answer.status, answer.body) == (202, b'{"status":"OK"}\n')

        identifier = scene.headers["Lambda-Extension-Identifier"]
        state = "InitError" if path == "init/error" else "ExitError"
        scene.ask_next()
        assert error(await scene.extension.answer()) == (
            403,
            "Extension.InvalidExtensionState",
            f"State transition from {state} to Ready failed for extension {identifier}."
            " Error: State transition is not allowed",
        )


async def test_what_the_runtime_dies_of_is_what_its_internal_extension_said() -> None:
    async with initializing(replace(FUNCTION, suppressed_init=False)) as scene:
        await scene.register()
        await scene.call("POST", "init/error", scene.headers | ERROR_TYPE, b"{}")
        scene.played.exit(1)
        [event] = [await scene.on.wait_for(ExtensionInit)]

        assert (event.state, event.error_type) == ("InitError", "Extension.UnknownReason")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "register", "POST"),
        ("POST", "event/next", "GET"),
        ("GET", "init/error", "POST"),
        ("PUT", "exit/error", "POST"),
    ],
)
async def test_another_method_is_not_allowed(method: str, path: str, allowed: str) -> None:
    async with initializing() as scene:
        answer = await scene.call(method, path, {})

        assert (answer.status, answer.headers["allow"]) == (405, allowed)


async def test_another_path_is_not_found() -> None:
    async with initializing() as scene:
        assert (await scene.call("GET", "other", {})).status == 404


async def test_nobody_registers_once_the_runtime_has_asked_for_an_event() -> None:
    async with initializing() as scene:
        scene.runtime.send("GET", NEXT)
        await has_been_read(scene)

        assert error(await scene.register()) == (
            403,
            "Extension.RegistrationClosed",
            "Extension registration closed already",
        )


async def test_init_is_over_when_the_extensions_have_asked_too() -> None:
    async with initializing() as scene:
        await scene.register(events=["INVOKE"])
        scene.runtime.send("GET", NEXT)
        await has_been_read(scene)
        assert scene.on.of(ExtensionInit) == []
        scene.ask_next()

        event = await scene.on.wait_for(ExtensionInit)
        assert (event.name, event.state, event.events) == ("e", "Ready", ("INVOKE",))


async def test_an_invocation_goes_to_the_extension_and_is_over_when_both_are_done() -> None:
    async with initializing() as scene:
        await scene.register(events=["INVOKE"])
        scene.ask_next()
        scene.runtime.send("GET", NEXT)
        await scene.on.wait_for(ExtensionInit)
        caller = asyncio.ensure_future(scene.on.service.invoke("f", b"1", request_id="id"))

        event = await scene.extension.answer()
        assert (await scene.runtime.answer()).request_id == "id"
        await scene.runtime.post("id", "response", b"2")
        assert (await caller).payload == b"2"
        scene.runtime.send("GET", NEXT)
        await scene.on.wait_for(RuntimeDone)
        assert scene.on.of(Report) == []
        scene.ask_next()
        report = await scene.on.wait_for(Report)

    assert event.status == 200
    assert UUID(event.headers["lambda-extension-event-identifier"]).version == 4
    assert event.json()["requestId"] == "id"
    assert report.extension_overhead_ms is not None


async def test_an_extension_that_is_done_first_waits_for_the_runtime() -> None:
    async with initializing() as scene:
        await scene.register(events=["INVOKE"])
        scene.ask_next()
        scene.runtime.send("GET", NEXT)
        await scene.on.wait_for(ExtensionInit)
        caller = asyncio.ensure_future(scene.on.service.invoke("f", b"1", request_id="id"))
        await scene.extension.answer()
        scene.ask_next()
        await scene.runtime.answer()
        await scene.runtime.post("id", "response", b"2")
        await caller
        assert scene.on.of(Report) == []
        scene.runtime.send("GET", NEXT)
        report = await scene.on.wait_for(Report)

        again = asyncio.ensure_future(scene.on.service.invoke("f", b"1", request_id="two"))
        assert (await scene.extension.answer()).json()["requestId"] == "two"
        again.cancel()
    assert report.status == "success"


async def test_to_ask_for_an_event_twice_at_once_is_refused() -> None:
    async with initializing() as scene:
        await scene.register()
        scene.ask_next()
        async with scene.played.connect() as second:
            answer = await second.call("GET", f"{ROOT}/event/next", scene.headers)

        assert error(answer)[1] == "Extension.InvalidExtensionState"
        assert "from Ready to Ready" in error(answer)[2]


async def test_an_external_extension_is_started_before_the_runtime(tmp_path: Path) -> None:
    (tmp_path / "extensions").mkdir()
    (tmp_path / "extensions" / "e").touch()
    extended = replace(FUNCTION, layers_directory=str(tmp_path))
    async with stage(extended) as on:
        starting = asyncio.ensure_future(on.service.start_environment("f"))
        program = await on.driver.started()
        assert "_HANDLER" not in program.variables
        assert on.driver.waiting == 0
        async with program.connect() as client:
            body = b'{"events": ["INVOKE", "SHUTDOWN"]}'
            headers = {"Lambda-Extension-Name": "e"}
            answer = await client.call("POST", f"{ROOT}/register", headers, body)
            identifier = answer.headers["lambda-extension-identifier"]
            client.send("GET", f"{ROOT}/event/next", {"Lambda-Extension-Identifier": identifier})
            runtime = await on.driver.started()
            assert "_HANDLER" in runtime.variables
            async with runtime.connect() as other:
                other.send("GET", NEXT)
                await starting
            closing = asyncio.ensure_future(on.service.aclose())
            event = (await client.answer()).json()
            assert (event["eventType"], event["shutdownReason"]) == ("SHUTDOWN", "spindown")
            assert runtime.returncode == -15
            assert program.returncode is None
            program.exit(0)
            await closing
