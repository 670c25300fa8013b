"""SnapStart, with AWS's own hooks, beside AWS's client."""

from __future__ import annotations

import json
import sys

import pytest

from tests.runtime.clients import AWSLAMBDARIC, WARMSTART, Client
from tests.runtime.conftest import Start
from tests.runtime.fake_api import FakeRuntimeAPI, answer
from warmstart.runtime.snapstart import _be_different

BOTH = pytest.mark.parametrize("client", [WARMSTART, AWSLAMBDARIC], ids=str)
SNAPSTART = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
ERROR_TYPE = "lambda-runtime-function-error-type"

pytest.importorskip("snapshot_restore_py")


@BOTH
def test_hooks_run_around_the_snapshot(api: FakeRuntimeAPI, start: Start, client: Client) -> None:
    api.replies["restore/next"] = answer(200, b"")
    start("snapped.handler", client, **SNAPSTART)
    assert api.wait_post().call == "restore/next"
    assert json.loads(api.invoke().body)["ran"] == ["before 2", "before 1", "after 1", "after 2"]


@BOTH
@pytest.mark.parametrize(
    ("fail", "call", "error_type", "code"),
    [
        ("before", "init/error", "Runtime.BeforeSnapshotError", 64),
        ("after", "restore/error", "Runtime.AfterRestoreError", 65),
    ],
)
def test_a_hook_that_fails_is_reported(
    api: FakeRuntimeAPI,
    start: Start,
    client: Client,
    fail: str,
    call: str,
    error_type: str,
    code: int,
) -> None:
    api.replies["restore/next"] = answer(200, b"")
    running = start("snapped.handler", client, FAIL=fail, **SNAPSTART)
    posts = [api.wait_post()]
    if fail == "after":
        posts.append(api.wait_post())
    assert running.wait() == code
    assert posts[-1].call == call
    assert posts[-1].headers[ERROR_TYPE] == error_type
    body = json.loads(posts[-1].body)
    assert (body["errorType"], body["errorMessage"]) == ("ValueError", f"{fail} failed")


@BOTH
def test_a_service_without_snapshots_ends_it_with_64(
    api: FakeRuntimeAPI, start: Start, client: Client
) -> None:
    api.replies["restore/next"] = answer(404)
    running = start("snapped.handler", client, **SNAPSTART)
    assert running.wait() == 64
    assert [request.call for request in api.requests] == ["restore/next", "init/error"]


def test_a_function_without_hooks_is_snapshotted_all_the_same(
    api: FakeRuntimeAPI, start: Start
) -> None:
    api.replies["restore/next"] = answer(200, b"")
    start("behaviours.handler", **SNAPSTART)
    assert api.wait_post().call == "restore/next"
    assert api.invoke(b'{"do": "echo"}').call == "response"


def test_a_function_without_random_numbers_needs_no_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "random")
    _be_different()
    assert "random" not in sys.modules


def test_copies_do_not_share_their_random_numbers(api: FakeRuntimeAPI, start: Start) -> None:
    """The function seeds `random` with a constant, as good as a snapshot does."""
    api.replies["restore/next"] = answer(200, b"")
    numbers = set()
    for _ in range(2):
        running = start("snapped.handler", **SNAPSTART)
        api.wait_post()
        numbers.add(json.loads(api.invoke().body)["random"])
        running.process.kill()
        running.wait()
        api.forget()
    assert len(numbers) == 2
