"""What docs/migrating-from-mangum.md shows is run here, from top to bottom."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mangum
import pytest

from tests.adapter import samples
from tests.compat.beside import CONTEXT, current_loop
from warmstart import ASGIHandler
from warmstart.compat.mangum import Mangum

PAGE = Path(__file__).parents[2] / "docs" / "migrating-from-mangum.md"
SNIPPETS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def steps() -> Iterator[list[dict[str, Any]]]:
    """The names that there are after each snippet."""
    names: dict[str, Any] = {}
    steps = []
    with current_loop():
        for snippet in SNIPPETS:
            exec(compile(snippet, PAGE.name, "exec"), names)
            steps.append(dict(names))
        yield steps
    for handler in {step["handler"] for step in steps[1:]}:
        handler.stop_environment()


def handlers(steps: list[dict[str, Any]]) -> list[Any]:
    return [step["handler"] for step in steps]


def test_both_handlers_serve_the_app(steps: list[dict[str, Any]]) -> None:
    first, second, *_ = handlers(steps)
    assert (type(first), type(second)) == (Mangum, ASGIHandler)

    for handler in (first, second):
        answer = handler(samples.http("/v1/hello"), CONTEXT)
        assert json.loads(answer["body"]) == {"hello": "world"}


def test_the_base_path_becomes_the_root_path(steps: list[dict[str, Any]]) -> None:
    first, second, *_ = handlers(steps)

    locations = [
        handler(samples.http("/v1/hello/"), CONTEXT)["headers"]["location"]
        for handler in (first, second)
    ]

    host = "abc.execute-api.us-east-1.amazonaws.com"
    # Behind the first, the redirect has lost the base path.
    assert locations == [f"https://{host}/hello", f"https://{host}/v1/hello"]


def test_the_text_rule_and_the_functions_are_those_of_the_last_handler(
    steps: list[dict[str, Any]],
) -> None:
    from warmstart.events.http import HTTPResponse

    last = steps[-1]
    handler = last["handler"]

    assert handler(samples.SCHEDULE, CONTEXT) == "done"
    assert handler({"job": "report"}, CONTEXT) == "REPORT"
    is_text = last["subtitles_too"]
    assert is_text(HTTPResponse(200, [(b"content-type", b"application/x-subrip")]))
    assert is_text(HTTPResponse(200, [(b"content-type", b"application/problem+json")]))
    assert not is_text(HTTPResponse(200, [(b"content-type", b"image/png")]))


def test_every_parameter_of_mangums_is_ours_and_has_a_row() -> None:
    theirs = inspect.signature(mangum.Mangum)
    parameters = list(theirs.parameters)
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)", PAGE.read_text(), re.MULTILINE)

    assert list(inspect.signature(Mangum).parameters) == parameters
    assert [parameter.default for parameter in inspect.signature(Mangum).parameters.values()] == [
        parameter.default for parameter in theirs.parameters.values()
    ]
    assert [row[0] for row in rows if row[0] != "Mangum"] == parameters
    known = {*inspect.signature(ASGIHandler).parameters, "handler"}
    assert {row[1] for row in rows if row[0] != "Mangum"} <= known
