from __future__ import annotations

from typing import Any

import pytest

from warmstart.triggers.samples import InvalidChange, changed

EVENT: dict[str, Any] = {
    "Records": [{"body": "text", "size": 3}],
    "CodePipeline.job": {"id": "1"},
    "none": None,
}


@pytest.mark.parametrize(
    ("change", "path", "value"),
    [
        ("Records[0].body=new", ("Records", 0, "body"), "new"),
        ("Records.0.body=12", ("Records", 0, "body"), "12"),
        ("Records[0].body=a=b", ("Records", 0, "body"), "a=b"),
        ("Records[0].size=12", ("Records", 0, "size"), 12),
        ("Records[0].size=large", ("Records", 0, "size"), "large"),
        ('Records[0].more={"a": [1]}', ("Records", 0, "more"), {"a": [1]}),
        ('"CodePipeline.job".id=2', ("CodePipeline.job", "id"), "2"),
        ("none=null", ("none",), None),
        ("Records[0]=[]", ("Records", 0), []),
    ],
)
def test_a_value_is_changed(change: str, path: tuple[Any, ...], value: object) -> None:
    before = repr(EVENT)
    found = changed(EVENT, [change])
    for step in path:
        found = found[step]

    assert found == value
    assert repr(EVENT) == before


def test_changes_are_made_in_their_order() -> None:
    assert changed({}, ["a={}", "a.b=1", "a.b=2"]) == {"a": {"b": 2}}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("Records", "is not path=value"),
        ("=1", "is no path"),
        ("Records[x]=1", "is no path"),
        ("Records[1].body=1", "There is no 1 in Records: it is a list of 1"),
        ("Records[1]=1", "There is no 1 in Records"),
        ("records[0].body=1", "There is no records in the event: it has Records, CodePipeline.job"),
        ("Records[0].body.x=1", 'There is no x in Records.0.body: it is "text"'),
    ],
)
def test_what_is_not_there_is_told(change: str, reason: str) -> None:
    with pytest.raises(InvalidChange) as raised:
        changed(EVENT, [change])

    assert reason in str(raised.value)
