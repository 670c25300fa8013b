"""Patterns and events as AWS documents them.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmstart.events.patterns import InvalidPattern, compile_pattern

EC2 = {
    "version": "0",
    "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "account": "111122223333",
    "time": "2017-12-22T18:43:48Z",
    "region": "us-west-1",
    "resources": ["arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0"],
    "detail": {"instance-id": "i-1234567890abcdef0", "state": "terminated"},
}


@pytest.mark.parametrize(
    ("pattern", "event", "expected"),
    [
        ({"source": ["aws.ec2"]}, EC2, True),
        ({"source": ["aws.ec2", "aws.fargate"]}, EC2, True),
        ({"source": ["aws.s3"]}, EC2, False),
        ({"source": ["aws.ec2"], "detail": {"state": ["running"]}}, EC2, False),
        ({"resources": [{"prefix": "arn:aws:ec2:us-west-1:"}]}, EC2, True),
        ({"detail": {"state": [{"anything-but": "running"}]}}, EC2, True),
        ({"time": [{"prefix": "2017-12-22"}]}, EC2, True),
        ({"source": [{"prefix": {"equals-ignore-case": "AWS."}}]}, EC2, True),
        ({"FileName": [{"suffix": ".png"}]}, {"FileName": "a.png"}, True),
        ({"FileName": [{"suffix": {"equals-ignore-case": ".png"}}]}, {"FileName": "a.PNG"}, True),
        ({"FileName": [{"suffix": ".png"}]}, {"FileName": "a.PNG"}, False),
        ({"FileName": [{"suffix": ".png"}]}, {"FileName": 7}, False),
        ({"state": [{"anything-but": ["a", "b"]}]}, {"state": "c"}, True),
        ({"state": [{"anything-but": ["a", "b"]}]}, {"state": "b"}, False),
        ({"state": [{"anything-but": [100, 200]}]}, {"state": 300}, True),
        ({"state": [{"anything-but": [100, 200]}]}, {"state": 200}, False),
        ({"state": [{"anything-but": {"prefix": "init"}}]}, {"state": "initial"}, False),
        ({"state": [{"anything-but": {"prefix": ["init", "err"]}}]}, {"state": "error"}, False),
        ({"f": [{"anything-but": {"suffix": ".txt"}}]}, {"f": "a.csv"}, True),
        ({"f": [{"anything-but": {"equals-ignore-case": ["A", "b"]}}]}, {"f": "B"}, False),
        ({"f": [{"anything-but": {"wildcard": "*/lib/*"}}]}, {"f": "a/lib/b"}, False),
        ({"state": [{"anything-but": "a"}]}, {}, False),
        ({"n": [{"numeric": [">", 0, "<=", 5]}]}, {"n": 5}, True),
        ({"n": [{"numeric": [">", 0, "<=", 5]}]}, {"n": 0}, False),
        ({"n": [{"numeric": ["<", 10]}]}, {"n": 9.5}, True),
        ({"n": [{"numeric": ["=", 3.018e2]}]}, {"n": 301.8}, True),
        ({"n": [{"numeric": [">", 0]}]}, {"n": "1"}, False),
        ({"n": [{"numeric": [">=", 0]}]}, {"n": True}, False),
        ({"ip": [{"cidr": "10.0.0.0/24"}]}, {"ip": "10.0.0.255"}, True),
        ({"ip": [{"cidr": "10.0.0.0/24"}]}, {"ip": "10.0.1.0"}, False),
        ({"ip": [{"cidr": "2001:db8::/32"}]}, {"ip": "2001:db8:1::1"}, True),
        ({"ip": [{"cidr": "10.0.0.0/24"}]}, {"ip": "host"}, False),
        ({"c": {"d": [{"exists": True}]}}, {"c": {"d": 1}}, True),
        ({"c": {"d": [{"exists": True}]}}, {"c": {"d": None}}, True),
        ({"c": {"d": [{"exists": False}]}}, {"c": {}}, True),
        ({"c": {"d": [{"exists": False}]}}, {}, True),
        ({"c": {"d": [{"exists": False}]}}, {"c": {"d": ""}}, False),
        ({"c": [{"exists": True}]}, {"c": {"d": 1}}, False),
        ({"a": [{"equals-ignore-case": "ALICE"}]}, {"a": "alice"}, True),
        ({"a": [""]}, {"a": ""}, True),
        ({"a": [None]}, {"a": None}, True),
        ({"a": [None]}, {}, False),
        ({"a": [True]}, {"a": 1}, False),
        ({"a": [300]}, {"a": 300.0}, False),
        ({"f": [{"wildcard": "dir/*.png"}]}, {"f": "dir/a.png"}, True),
        ({"f": [{"wildcard": "dir/*.png"}]}, {"f": "dir/.png"}, True),
        ({"f": [{"wildcard": "dir/*.png"}]}, {"f": "dir/png"}, False),
        ({"f": [{"wildcard": "dir/*.png"}]}, {"f": "my-dir/a.png"}, False),
        ({"f": [{"wildcard": "*a*b*"}]}, {"f": "xxaxxbxx"}, True),
        ({"f": [{"wildcard": "*a*b*"}]}, {"f": "xxbxxaxx"}, False),
        ({"f": [{"wildcard": r"a\*b"}]}, {"f": "a*b"}, True),
        ({"f": [{"wildcard": r"a\*b"}]}, {"f": "axb"}, False),
        ({"f": [{"wildcard": r"a\\*b"}]}, {"f": "a\\xxb"}, True),
        ({"f": [{"wildcard": "aba*aba"}]}, {"f": "ababa"}, False),
        ({"Location": ["Seattle"], "Day": ["Monday"]}, {"Location": "Seattle"}, False),
        (
            {"$or": [{"Location": ["New York"]}, {"Day": ["Monday"]}]},
            {"Location": "Seattle", "Day": "Monday"},
            True,
        ),
        (
            {"a": [1], "$or": [{"b": [1]}, {"c": [1]}]},
            {"a": 1, "b": 2, "c": 2},
            False,
        ),
        ({"$or": ["a"]}, {"$or": "a"}, True),
        ({"$or": [{"prefix": "a"}, {"suffix": "b"}]}, {"$or": "xb"}, True),
        ({"tags": ["b"]}, {"tags": ["a", "b"]}, True),
        ({"tags": ["c"]}, {"tags": ["a", "b"]}, False),
        ({"tags": [{"exists": False}]}, {"tags": []}, True),
        ({"users": {"name": ["a"], "id": [1]}}, {"users": [{"name": "a", "id": 1}]}, True),
        (
            {"users": {"name": ["a"], "id": [1]}},
            {"users": [{"name": "a", "id": 2}, {"name": "b", "id": 1}]},
            False,
        ),
        ({"body": {"a": [1]}}, {"body": "text"}, False),
        ({"a": [1]}, "text", False),
    ],
)
def test_a_pattern_takes_the_events_it_is_documented_to_take(
    pattern: dict[str, Any], event: Any, expected: bool
) -> None:
    assert compile_pattern(json.dumps(pattern))(event) is expected


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("{", "Filter is not valid JSON"),
        ("[]", "Filter is not an object"),
        ('{"a": "b"}', "A field holds an object or an array of conditions (at a)"),
        ('{"a": {"b": 1}}', "A field holds an object or an array of conditions (at a.b)"),
        ('{"a": []}', "Empty arrays are not allowed (at a)"),
        ('{"a": {}}', "Empty objects are not allowed (at a)"),
        ('{"a": [["b"]]}', "A condition is a value or an object, not an array (at a)"),
        ('{"a": [{"unheard-of": 1}]}', "Unrecognized match type unheard-of (at a)"),
        ('{"a": [{"prefix": "a", "suffix": "b"}]}', "A condition has exactly one operator (at a)"),
        ('{"a": [{"prefix": 1}]}', "The operand must be a string (at a.prefix)"),
        ('{"a": [{"prefix": {"x": "y"}}]}', "Only equals-ignore-case may stand here (at a.prefix)"),
        ('{"a": [{"numeric": [">"]}]}', "numeric takes an operator and a number"),
        ('{"a": [{"numeric": ["~", 1]}]}', "Unrecognized numeric range operator: ~"),
        ('{"a": [{"numeric": [">", "1"]}]}', "Value of numeric must be a number"),
        ('{"a": [{"numeric": [">", 1, ">", 2]}]}', "A range has a lower and an upper bound"),
        ('{"a": [{"numeric": [">", 6e9]}]}', "Numbers lie between -5.0e9 and 5.0e9"),
        ('{"a": [{"exists": "yes"}]}', "exists takes true or false (at a.exists)"),
        ('{"a": [{"cidr": "10.0.0.0/99"}]}', "Malformed CIDR: 10.0.0.0/99"),
        ('{"a": [{"wildcard": "a**b"}]}', "Consecutive wildcard characters are not allowed"),
        ('{"a": [{"wildcard": "a\\\\b"}]}', "Only * and \\ can be escaped by \\"),
        ('{"a": [{"anything-but": []}]}', "anything-but takes a value or a list of values"),
        ('{"a": [{"anything-but": {"cidr": "::/0"}}]}', "anything-but takes one of prefix"),
        pytest.param(700 * '{"a":' + "[1]" + 700 * "}", "Filter is nested too deeply", id="nested"),
        pytest.param(100_000 * "[", "Filter is not valid JSON", id="nested JSON"),
    ],
)
def test_what_is_no_pattern_is_refused_with_the_place(pattern: str, reason: str) -> None:
    with pytest.raises(InvalidPattern) as refused:
        compile_pattern(pattern)
    assert reason in str(refused.value)


SCALARS = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=5)
EVENTS = st.recursive(
    st.dictionaries(st.text(max_size=3), SCALARS, min_size=1, max_size=4),
    lambda inner: st.dictionaries(st.text(max_size=3), SCALARS | inner, min_size=1, max_size=4),
    max_leaves=12,
)


def pattern_of(event: dict[str, Any]) -> dict[str, Any]:
    return {
        key: pattern_of(value) if isinstance(value, dict) else [value]
        for key, value in event.items()
    }


@given(EVENTS)
def test_an_event_is_taken_by_the_pattern_that_is_made_of_it(event: dict[str, Any]) -> None:
    assert compile_pattern(pattern_of(event))(event)


@given(EVENTS, st.recursive(SCALARS, lambda inner: st.lists(inner) | EVENTS))
def test_no_event_of_whatever_shape_is_an_error(event: dict[str, Any], other: Any) -> None:
    assert compile_pattern(pattern_of(event))(other) in (True, False)
