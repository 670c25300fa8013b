from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from warmstart.triggers.configuration import InvalidTriggers, Triggers, read_triggers
from warmstart.triggers.enqueuer import Target
from warmstart.triggers.push.webhooks import Secret, Webhook


def read(**properties: Any) -> Triggers:
    event = {"Type": "Webhook", **properties}
    return read_triggers({"functions": {"work": {"events": {"hook": event}}}}, Path())


def test_webhooks_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", "s3cret")

    assert read(Path="/a").webhooks == (Webhook("/a", Target("work")),)
    signed = read(Path="/a", Secret={"Env": "HOOK_SECRET"}, SignatureHeader="X-Signature")
    assert signed.webhooks[0].secret == Secret("s3cret", "X-Signature")
    shared = read(Path="/a", Secret="other", SecretHeader="X-Token")
    assert shared.webhooks[0].secret == Secret("other", "X-Token", is_hmac=False)
    assert read(Path="/a", Enabled=False).webhooks == ()


def test_the_token_of_pushes_is_read() -> None:
    assert read_triggers({"push": {"Token": "open"}}, Path()).push_token == "open"


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"Path": "a"}, "Path begins with a slash, and not as 'a' does"),
        ({"Path": "/a", "Secret": "s"}, "needs either SignatureHeader or SecretHeader"),
        ({"Path": "/a", "SecretHeader": "X-Token"}, "Secret is missing"),
        ({"Path": "/a", "SecretHeader": "X", "Secret": ""}, "Secret is empty"),
        (
            {"Path": "/a", "SecretHeader": "X", "Secret": {"Env": "NOT_THERE"}},
            "the environment has no NOT_THERE",
        ),
    ],
)
def test_what_makes_no_sense_is_told(properties: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidTriggers, match=reason):
        read(**properties)
