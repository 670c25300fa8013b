"""What is said of an exception, where it is out of the ordinary."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from warmstart.runtime.calls import Calls, Invocation
from warmstart.runtime.connection import Response
from warmstart.runtime.context import FunctionFacts, LambdaContext
from warmstart.runtime.errors import describe
from warmstart.runtime.faults import LambdaContextUnmarshalError


def test_a_working_directory_that_is_gone_is_no_reason_to_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    try:
        cause = json.loads(describe(ValueError("x")).xray_cause)
    finally:
        os.chdir(tmp_path)
    assert cause["working_directory"] == ""


def test_a_circle_of_causes_ends() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    document = describe(first).document
    assert document["cause"]["errorMessage"] == "second"
    assert "cause" not in document["cause"]


def test_a_long_chain_is_cut() -> None:
    error = ValueError("0")
    for number in range(1, 20):
        following = ValueError(str(number))
        following.__cause__ = error
        error = following
    document, depth = describe(error).document, 0
    while "cause" in document:
        document, depth = document["cause"], depth + 1
    assert depth == 5
    assert len(json.loads(describe(error).xray_cause)["exceptions"]) == 5


def test_notes_that_are_none_are_left_out() -> None:
    error = ValueError("x")
    error.__notes__ = "not a list"  # type: ignore[assignment]
    assert "notes" not in describe(error).document


def test_a_cause_too_long_for_a_header_is_not_sent() -> None:
    source = "def fail(n):\n if n: fail(n - 1)\n raise ValueError\nfail(100)"
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        exec(compile(source, "p" * 1000, "exec"), {})
    report = describe(caught.value)
    assert report.xray_cause == ""
    call = Calls("h:1").error(Invocation(Response(200, {})), b"{}", report.header, "")
    assert b"XRay" not in call


def test_a_delete_character_never_gets_into_a_header() -> None:
    assert "\x7f" not in describe(ValueError("\x7f")).xray_cause


@pytest.mark.parametrize("text", ["[]", "3", "null"])
def test_a_client_context_must_be_an_object(text: str) -> None:
    response = Response(200, {"lambda-runtime-client-context": text})
    with pytest.raises(LambdaContextUnmarshalError, match="not an object"):
        LambdaContext(Invocation(response), FunctionFacts(), print)
