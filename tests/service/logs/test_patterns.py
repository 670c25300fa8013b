"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html"""

from __future__ import annotations

import json

import pytest

from warmstart.service.logs.patterns import InvalidPattern, matcher

TEXTS = [
    "[ERROR 400] BAD REQUEST",
    "[ERROR 401] UNAUTHORIZED REQUEST",
    "[ERROR 419] MISSING ARGUMENTS",
    "[ERROR 420] INVALID ARGUMENTS",
    "[SUCCESS 200] AUTHORIZED REQUEST",
]

EVENT = {
    "eventType": "UpdateTrail",
    "sourceIPAddress": "111.111.111.111",
    "arrayKey": ["value", "another value"],
    "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
    "SomeObject": None,
    "ThisFlag": True,
    "cluster.name": "c",
    "took": 12.5,
}


@pytest.mark.parametrize(
    ("pattern", "numbers"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("ERROR", [0, 1, 2, 3]),
        ("error", []),
        ("ERROR ARGUMENTS", [2, 3]),
        ("?SUCCESS ?MISSING", [2, 4]),
        ('"BAD REQUEST"', [0]),
        ('"INVALID ARGUMENTS" ERROR', [3]),
        ("ERROR -ARGUMENTS", [0, 1]),
        ('REQUEST -"BAD REQUEST"', [1, 4]),
        ("?ERROR ARGUMENTS", [2, 3]),
        ("%AUTHORIZED%", [1, 4]),
        ("%4[12][09]%", [2, 3]),
    ],
)
def test_terms_match_as_documented(pattern: str, numbers: list[int]) -> None:
    matches = matcher(pattern)
    assert [number for number, text in enumerate(TEXTS) if matches(text)] == numbers


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('{ $.eventType = "UpdateTrail" }', True),
        ('{ $.eventType = "updateTrail" }', False),
        ("{ $.eventType = UpdateTrail }", True),
        ('{ $.eventType = "Update*" }', True),
        ('{ $.sourceIPAddress != "123.123.*" }', True),
        ('{ $.sourceIPAddress != "111.111.*" }', False),
        ("{ $.eventType = %^Update% }", True),
        ('{ $.arrayKey[0] = "value" }', True),
        ('{ $.arrayKey[1] = "value" }', False),
        ('{ $.arrayKey[7] = "value" }', False),
        ("{ $.objectList[1].id = 2 }", True),
        ('{ $.["cluster.name"] = "c" }', True),
        ('{ $["cluster.name"] = "c" }', True),
        ("{ $.SomeObject IS NULL }", True),
        ("{ $.ThisFlag IS TRUE }", True),
        ("{ $.ThisFlag IS FALSE }", False),
        ("{ $.SomeOtherObject NOT EXISTS }", True),
        ("{ $.SomeObject NOT EXISTS }", False),
        ("{ $.took > 12 }", True),
        ("{ $.took >= 12.5 && $.took <= 1.25e1 }", True),
        ("{ $.took < 12 }", False),
        ("{ $.nowhere != 3 }", False),
        ('{ ($.took > 1 || $.a = 1) && $.eventType = "UpdateTrail" }', True),
        ('{ $.took > 99 || $.eventType = "x" && $.took = 12.5 }', False),
    ],
)
def test_properties_match_as_documented(pattern: str, expected: bool) -> None:
    assert matcher(pattern)(json.dumps(EVENT)) is expected


def test_a_property_is_of_no_message_that_is_not_an_object() -> None:
    matches = matcher("{ $.a NOT EXISTS }")
    assert not matches("plain")
    assert not matches("[1]")
    assert not matches('{"b": ' + 100_000 * "[")


@pytest.mark.parametrize(
    "pattern",
    [
        "{ $.a = 1",
        "{ }",
        "{ a = 1 }",
        "{ $.a }",
        "{ $.a = }",
        "{ $.a > text }",
        "{ $.a = 1 && }",
        "{ ($.a = 1 }",
        "{ $.a = 1 ) }",
        "{ $.a IS EXISTS }",
        "{ $.a = %[% }",
        "[a, b]",
        '"not closed',
        "%[%",
        pytest.param("{" + 500 * "(" + "$.a = 1" + 500 * ")" + "}", id="nested"),
    ],
)
def test_a_pattern_without_a_meaning_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidPattern):
        matcher(pattern)
