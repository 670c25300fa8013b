"""Event patterns: which events a rule, a subscription or an event source mapping takes. Pure.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns-content-based-filtering.html
https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html

A pattern has the shape of the events that it matches. At its leaves are lists of
conditions, one of which must hold; all of its fields must match. `compile_pattern`
turns it into one predicate, so that a service can hold many events to it.

Where an event has a list, one of its elements must match: a value for a
condition, an object for a pattern of objects, which then must match as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from operator import eq, ge, gt, le, lt
from typing import Any

__all__ = ["InvalidPattern", "Matches", "compile_pattern"]

Matches = Callable[[Any], bool]
"""Whether an event, or a part of one (`MISSING` where there is none), is as wanted."""

MISSING = object()

_COMPARISONS: dict[Any, Callable[[float, float], bool]] = {
    "=": eq,
    ">": gt,
    ">=": ge,
    "<": lt,
    "<=": le,
}
_LIMIT = 5e9
"""https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html"""


class InvalidPattern(ValueError):
    """The pattern has no meaning. `where` is the path of the field that spoils it."""

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(f"{reason} (at {where})" if where else reason)
        self.reason = reason
        self.where = where


def compile_pattern(pattern: str | bytes | Mapping[str, Any]) -> Matches:
    """The predicate of a pattern, which is JSON or was.

    Raises:
        InvalidPattern: it is no pattern; the message says what is wrong with it and where.
    """
    if isinstance(pattern, str | bytes):
        try:
            pattern = json.loads(pattern)
        except (ValueError, RecursionError) as error:
            raise InvalidPattern(f"Filter is not valid JSON: {error}") from None
    if not isinstance(pattern, Mapping):
        raise InvalidPattern("Filter is not an object")
    try:
        return _object(pattern, "")
    except RecursionError:
        raise InvalidPattern("Filter is nested too deeply") from None


# Fields


def _object(pattern: Mapping[str, Any], where: str) -> Matches:
    if not pattern:
        raise InvalidPattern("Empty objects are not allowed", where)
    tests = [
        _either(value, f"{where}.$or".lstrip("."))
        if key == "$or" and _is_choice(value)
        else _field(key, value, f"{where}.{key}".lstrip("."))
        for key, value in pattern.items()
    ]

    def one(value: Any) -> bool:
        return all(test(value) for test in tests)

    def matches(value: Any) -> bool:
        if isinstance(value, list):
            # Of no elements, as of no field at all, some conditions hold: that it does not exist.
            return any(map(one, value)) if value else one(MISSING)
        return one(value)

    return matches


def _is_choice(value: Any) -> bool:
    """`$or` is a field's name like others unless it holds a list of at least two patterns."""
    return (
        isinstance(value, list)
        and len(value) > 1
        and all(isinstance(element, Mapping) and not _is_condition(element) for element in value)
    )


def _is_condition(element: Mapping[str, Any]) -> bool:
    return len(element) == 1 and next(iter(element)) in _CONDITIONS


def _either(patterns: list[Mapping[str, Any]], where: str) -> Matches:
    tests = [_object(pattern, where) for pattern in patterns]
    return lambda value: any(test(value) for test in tests)


def _field(key: str, pattern: Any, where: str) -> Matches:
    test = _leaf(pattern, where) if isinstance(pattern, list) else None
    if isinstance(pattern, Mapping):
        test = _object(pattern, where)
    if test is None:
        raise InvalidPattern("A field holds an object or an array of conditions", where)
    found = test

    def matches(value: Any) -> bool:
        return found(value.get(key, MISSING) if isinstance(value, Mapping) else MISSING)

    return matches


def _leaf(conditions: list[Any], where: str) -> Matches:
    if not conditions:
        raise InvalidPattern("Empty arrays are not allowed", where)
    tests = [_condition(condition, where) for condition in conditions]

    def matches(value: Any) -> bool:
        if isinstance(value, Mapping):
            value = MISSING  # Conditions are of leaves.
        values = (value or [MISSING]) if isinstance(value, list) else [value]
        return any(test(element) for test in tests for element in values)

    return matches


# Conditions


def _condition(condition: Any, where: str) -> Matches:
    if isinstance(condition, list):
        raise InvalidPattern("A condition is a value or an object, not an array", where)
    if not isinstance(condition, Mapping):
        return _equals(condition)
    if len(condition) != 1:
        raise InvalidPattern("A condition has exactly one operator", where)
    ((operator, operand),) = condition.items()
    build = _CONDITIONS.get(operator)
    if build is None:
        raise InvalidPattern(f"Unrecognized match type {operator}", where)
    return build(operand, f"{where}.{operator}")


def _equals(wanted: Any) -> Matches:
    # JSON knows `true` from `1`, Python does not; and 300 is not 300.0 to EventBridge.
    return lambda value: type(value) is type(wanted) and value == wanted


def _text(operand: Any, where: str) -> str:
    if not isinstance(operand, str):
        raise InvalidPattern("The operand must be a string", where)
    return operand


def _equals_ignore_case(operand: Any, where: str) -> Matches:
    wanted = _text(operand, where).lower()
    return lambda value: isinstance(value, str) and value.lower() == wanted


def _edge(test: Callable[[str, str], bool]) -> Callable[[Any, str], Matches]:
    """`prefix` or `suffix`, of a text or of `{"equals-ignore-case": text}`."""

    def build(operand: Any, where: str) -> Matches:
        if isinstance(operand, Mapping):
            if list(operand) != ["equals-ignore-case"]:
                raise InvalidPattern("Only equals-ignore-case may stand here", where)
            wanted = _text(operand["equals-ignore-case"], where).lower()
            return lambda value: isinstance(value, str) and test(value.lower(), wanted)
        wanted = _text(operand, where)
        return lambda value: isinstance(value, str) and test(value, wanted)

    return build


def _wildcard(operand: Any, where: str) -> Matches:
    """`*` is any text; a backslash takes its meaning, and its own, from the next character."""
    parts = _wildcard_parts(_text(operand, where), where)
    first, *middle = parts
    if not middle:
        return _equals(first)
    last = middle.pop()

    def matches(value: Any) -> bool:
        if not isinstance(value, str) or len(value) < len(first) + len(last):
            return False
        if not (value.startswith(first) and value.endswith(last)):
            return False
        place, end = len(first), len(value) - len(last)
        for part in middle:
            place = value.find(part, place, end)
            if place < 0:
                return False
            place += len(part)
        return True

    return matches


def _wildcard_parts(text: str, where: str) -> list[str]:
    parts = [""]
    characters = iter(text)
    star = False
    for character in characters:
        if character == "*":
            if star:
                raise InvalidPattern("Consecutive wildcard characters are not allowed", where)
            parts.append("")
        elif character == "\\":
            escaped = next(characters, "")
            if escaped not in ("*", "\\"):
                raise InvalidPattern("Only * and \\ can be escaped by \\", where)
            parts[-1] += escaped
        else:
            parts[-1] += character
        star = character == "*"
    return parts


def _numeric(operand: Any, where: str) -> Matches:
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        raise InvalidPattern("numeric takes an operator and a number, or two of them", where)
    bounds = [_bound(operand[i], operand[i + 1], where) for i in range(0, len(operand), 2)]
    if len(bounds) == 2 and {operand[0][0], operand[2][0]} != {"<", ">"}:
        raise InvalidPattern("A range has a lower and an upper bound", where)
    return lambda value: (
        _is_number(value) and all(compare(value, number) for compare, number in bounds)
    )


def _bound(operator: Any, number: Any, where: str) -> tuple[Callable[[float, float], bool], float]:
    compare = _COMPARISONS.get(operator) if isinstance(operator, str) else None
    if compare is None:
        raise InvalidPattern(f"Unrecognized numeric range operator: {operator}", where)
    if not _is_number(number):
        raise InvalidPattern("Value of numeric must be a number", where)
    if abs(number) > _LIMIT:
        raise InvalidPattern("Numbers lie between -5.0e9 and 5.0e9", where)
    return compare, number


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _exists(operand: Any, where: str) -> Matches:
    if not isinstance(operand, bool):
        raise InvalidPattern("exists takes true or false", where)
    return lambda value: (value is not MISSING) is operand


def _cidr(operand: Any, where: str) -> Matches:
    try:
        network: IPv4Network | IPv6Network = ip_network(_text(operand, where), strict=False)
    except ValueError:
        raise InvalidPattern(f"Malformed CIDR: {operand}", where) from None

    def matches(value: Any) -> bool:
        try:
            return isinstance(value, str) and ip_address(value) in network
        except ValueError:
            return False

    return matches


def _anything_but(operand: Any, where: str) -> Matches:
    """Of a field that is there, and whose value meets none of the conditions."""
    unwanted = _unwanted(operand, where)
    return lambda value: value is not MISSING and not any(test(value) for test in unwanted)


def _unwanted(operand: Any, where: str) -> list[Matches]:
    if not isinstance(operand, Mapping):
        values = operand if isinstance(operand, list) else [operand]
        if not values or any(isinstance(value, list | Mapping) for value in values):
            raise InvalidPattern("anything-but takes a value or a list of values", where)
        return [_equals(value) for value in values]
    if len(operand) != 1 or next(iter(operand)) not in _NEGATED:
        raise InvalidPattern(f"anything-but takes one of {', '.join(_NEGATED)}", where)
    ((operator, operands),) = operand.items()
    build = _CONDITIONS[operator]
    listed: Iterable[Any] = operands if isinstance(operands, list) else [operands]
    return [build(element, f"{where}.{operator}") for element in listed]


_CONDITIONS: dict[str, Callable[[Any, str], Matches]] = {
    "prefix": _edge(str.startswith),
    "suffix": _edge(str.endswith),
    "equals-ignore-case": _equals_ignore_case,
    "wildcard": _wildcard,
    "anything-but": _anything_but,
    "numeric": _numeric,
    "exists": _exists,
    "cidr": _cidr,
}
_NEGATED = ("prefix", "suffix", "equals-ignore-case", "wildcard")
