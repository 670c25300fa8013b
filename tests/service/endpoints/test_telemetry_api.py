"""The Telemetry and Logs APIs as extensions meet them."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from tests.service.endpoints.test_extensions_api import error, initializing
from tests.service.scripted import NEXT
from warmstart.service.telemetry import InitReport, TelemetrySubscription

TELEMETRY = "/2022-07-01/telemetry"
LOGS = "/2020-08-15/logs"
BODY = json.dumps(
    {
        "schemaVersion": "2022-07-01",
        "types": ["platform"],
        "destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:1"},
    }
).encode()
LOGS_BODY = BODY.replace(b"2022-07-01", b"2021-03-18")


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        (TELEMETRY, BODY, "platform.telemetrySubscription"),
        (f"{TELEMETRY}/", BODY, "platform.telemetrySubscription"),
        (LOGS, LOGS_BODY, "platform.logsSubscription"),
    ],
)
async def test_an_extension_subscribes_during_init_only(path: str, body: bytes, kind: str) -> None:
    async with initializing() as scene:
        await scene.register()
        first = await scene.extension.call("PUT", path, scene.headers, body)
        second = await scene.extension.call("PUT", path, scene.headers, body)
        scene.ask_next()
        scene.runtime.send("GET", NEXT)
        await scene.on.wait_for(InitReport)
        async with scene.played.connect() as other:
            late = await other.call("PUT", path, scene.headers, body)

        api = "Logs" if "logs" in path else "Telemetry"
        assert (first.status, first.body) == (200, b'"OK"')
        assert (second.status, second.body) == (200, b'"AlreadySubscribed"')
        assert error(late) == (
            403,
            f"{api}.SubscriptionClosed",
            f"{api} API subscription is closed already",
        )
        assert [
            (event.kind, event.name, event.state, event.types)
            for event in scene.on.of(TelemetrySubscription)
        ] == [
            (kind, "e", "Subscribed", ("platform",)),
            (kind, "e", "Already subscribed", ("platform",)),
        ]


@pytest.mark.parametrize("path", [TELEMETRY, LOGS])
async def test_whoever_is_not_registered_is_refused(path: str) -> None:
    unknown = str(uuid4())
    async with initializing() as scene:
        answers = [
            error(await scene.extension.call("PUT", path, headers, BODY))[:2]
            for headers in (
                {},
                {"Lambda-Extension-Identifier": "nobody"},
                {"Lambda-Extension-Identifier": unknown},
            )
        ]

    assert answers == [
        (403, "Extension.MissingExtensionIdentifier"),
        (403, "Extension.InvalidExtensionIdentifier"),
        (403, "Extension.UnknownExtensionIdentifier"),
    ]


async def test_a_subscription_that_is_not_valid_is_refused() -> None:
    async with initializing() as scene:
        await scene.register()
        answer = await scene.extension.call("PUT", TELEMETRY, scene.headers, b"{}")

        assert error(answer) == (
            400,
            "ValidationError",
            "missing field `schemaVersion`; missing field `types`; missing field `destination`",
        )


async def test_another_method_is_not_allowed_and_another_path_not_found() -> None:
    async with initializing() as scene:
        answer = await scene.extension.call("GET", TELEMETRY)
        other = await scene.extension.call("PUT", f"{TELEMETRY}/more", {}, b"")

        assert (answer.status, answer.headers["allow"]) == (405, "PUT")
        assert other.status == 404
