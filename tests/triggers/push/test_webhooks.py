"""Webhooks against what their senders document."""

from __future__ import annotations

import pytest

from tests.triggers.played import Queue
from tests.triggers.push.pushing import door
from warmstart.events import http_v2
from warmstart.triggers.enqueuer import Target
from warmstart.triggers.push.webhooks import Secret, Webhook, Webhooks

WORK = Target("work", "prod")
URL = "/_warmstart/push/webhooks"
TUNNEL = {"X-Forwarded-For": "203.0.113.7"}

# https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
GITHUB = Secret("It's a Secret to Everybody", "X-Hub-Signature-256")
SIGNED = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


async def test_a_post_invokes_the_function_with_the_event_of_a_function_url() -> None:
    queue = Queue()
    async with door({"webhooks": Webhooks([Webhook("/shop", WORK)], queue)}) as http:
        response = await http.post(
            f"{URL}/shop?a=1", json={"order": 4711}, headers={"Cookie": "c=d"}
        )

    assert response.status_code == 202
    (event,) = queue.events()
    assert event["version"] == "2.0"
    assert event["rawPath"] == "/shop"
    assert event["queryStringParameters"] == {"a": "1"}
    assert event["cookies"] == ["c=d"]
    assert event["requestContext"]["requestId"] == queue.taken[0][3]
    request = http_v2.decode_event(event)
    assert (request.method, request.path, request.body) == ("POST", "/shop", b'{"order":4711}')


async def test_all_webhooks_of_a_path_are_served_and_no_other() -> None:
    queue = Queue()
    hooks = [Webhook("/a", Target("one")), Webhook("/a", Target("two")), Webhook("/b", WORK)]
    async with door({"webhooks": Webhooks(hooks, queue)}) as http:
        assert (await http.post(f"{URL}/a")).status_code == 202
        assert (await http.post(f"{URL}/c")).status_code == 404

    assert [function for _, function, _, _ in queue.taken] == ["one", "two"]


async def test_without_a_secret_only_who_is_trusted_may_post() -> None:
    queue = Queue()
    async with door({"webhooks": Webhooks([Webhook("/a", WORK)], queue)}) as http:
        assert (await http.post(f"{URL}/a", headers=TUNNEL)).status_code == 403

    assert queue.taken == []


@pytest.mark.parametrize(
    ("secret", "header", "status"),
    [
        (GITHUB, SIGNED, 202),
        (GITHUB, SIGNED.removeprefix("sha256="), 202),
        (GITHUB, "dXEH6g6yUJ/CESIczphLijdXC211hsIsRvQ3nIsEPhc=", 202),
        (GITHUB, SIGNED[:-1] + "8", 403),
        (GITHUB, "sha256=", 403),
        (GITHUB, "ü", 403),
        (Secret("s3cret", "X-Gitlab-Token", is_hmac=False), "s3cret", 202),
        (Secret("s3cret", "X-Gitlab-Token", is_hmac=False), "other", 403),
    ],
)
async def test_a_secret_must_be_proven_wherever_the_post_comes_from(
    secret: Secret, header: str, status: int
) -> None:
    queue = Queue()
    headers = {
        name.encode(): value.encode("latin-1")
        for name, value in {**TUNNEL, secret.header: header}.items()
    }
    async with door({"webhooks": Webhooks([Webhook("/a", WORK, secret)], queue)}) as http:
        response = await http.post(f"{URL}/a", content=b"Hello, World!", headers=headers)
        assert (await http.post(f"{URL}/a", content=b"Hello, World!")).status_code == 403

    assert response.status_code == status
    assert len(queue.taken) == (status == 202)


async def test_what_cannot_be_kept_is_not_acknowledged() -> None:
    async with door({"webhooks": Webhooks([Webhook("/a", WORK)], Queue(refusals=1))}) as http:
        assert (await http.post(f"{URL}/a")).status_code == 503
        assert (await http.post(f"{URL}/a")).status_code == 202
