"""Who gets in at the door, and what senders are told."""

from __future__ import annotations

import pytest

from tests.triggers.push.pushing import door
from warmstart.invoke import RequestTooLarge, ServiceFault
from warmstart.triggers.push.door import MAX_BODY
from warmstart.triggers.push.push import Push

PATH = "/_warmstart/push/things/a%20b/c"


class Things:
    """Takes what is trusted, or fails."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.taken: list[Push] = []
        self._failure = failure

    async def receive(self, push: Push) -> int:
        push.must_be_trusted()
        if self._failure is not None:
            raise self._failure
        self.taken.append(push)
        return 202


async def test_a_push_reaches_the_receiver_of_its_kind() -> None:
    things = Things()
    async with door({"things": things}) as http:
        response = await http.post(PATH, content=b"body", headers={"X-Name": "value"})

    assert response.status_code == 202
    (push,) = things.taken
    assert (push.request.path, push.request.raw_path) == ("/a b/c", b"/a%20b/c")
    assert (push.request.body, push.header("x-name")) == (b"body", "value")


async def test_all_else_goes_past_the_door() -> None:
    async with door({"things": Things()}) as http:
        assert (await http.post("/things")).status_code == 418


async def test_what_is_no_push_is_refused() -> None:
    async with door({"things": Things()}) as http:
        assert (await http.get(PATH)).status_code == 405
        assert (await http.post("/_warmstart/push/others/a")).status_code == 404
        assert (await http.post(PATH, content=b"x" * (MAX_BODY + 1))).status_code == 413


async def test_a_web_page_may_not_push_even_with_the_token() -> None:
    headers = {"Origin": "https://example.com", "Authorization": "Bearer open"}
    async with door({"things": Things()}, "open") as http:
        assert (await http.post(PATH, headers=headers)).status_code == 403


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
async def test_who_asks_for_another_is_not_of_this_machine(header: str) -> None:
    async with door({"things": Things()}) as http:
        assert (await http.post(PATH, headers={header: "127.0.0.1"})).status_code == 403


async def test_with_a_token_everybody_must_have_it() -> None:
    async with door({"things": Things()}, "öpen") as http:
        assert (await http.post(PATH)).status_code == 403
        assert (await http.post(PATH, params={"token": "other"})).status_code == 403
        assert (await http.post(PATH, params={"token": "öpen"})).status_code == 202
    async with door({"things": Things()}, "open") as http:
        for value in ("Bearer open", "open"):
            response = await http.post(PATH, headers={"Authorization": value})
            assert response.status_code == 202


@pytest.mark.parametrize(
    ("failure", "status"),
    [(ServiceFault("no room"), 503), (RequestTooLarge("too long"), 413), (OSError("broken"), 500)],
)
async def test_what_is_not_kept_is_not_acknowledged(failure: Exception, status: int) -> None:
    async with door({"things": Things(failure)}) as http:
        assert (await http.post(PATH)).status_code == status
