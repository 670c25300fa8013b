"""CloudWatch Logs' filter patterns: which messages match. Pure.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html

Terms (`ERROR "a phrase" ?either ?or -not %regular expression%`) and JSON
properties (`{ $.level = "ERROR" && $.took > 100 }`). Space-delimited patterns
(`[ip, user, ...]`) are refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["InvalidPattern", "Matcher", "matcher"]

Matcher = Callable[[str], bool]
_Test = Callable[[Any], bool]

_TERM = re.compile(r'\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|%([^%]+)%|([^\s"%]+))(?=\s|$)')
_TOKEN = re.compile(
    r"""\s*(?:(?P<selector>\$(?:\.[\w-]+|\.?\[(?:\d+|"[^"]*"|'[^']*')\])+)"""
    r"""|(?P<operator><=|>=|!=|=|<|>)|(?P<joint>&&|\|\||\(|\))"""
    r"""|(?P<word>(?:IS|NOT|EXISTS|NULL|TRUE|FALSE)\b)"""
    r"""|"(?P<text>(?:[^"\\]|\\.)*)"|%(?P<regex>[^%]+)%|(?P<bare>[^\s()&|=<>!"%]+))"""
)
_STEP = re.compile(r"""\.([\w-]+)|\.?\[(\d+)\]|\.?\["([^"]*)"\]|\.?\['([^']*)'\]""")
_CONSTANTS = {"NULL": None, "TRUE": True, "FALSE": False}
_MISSING = object()


class InvalidPattern(Exception):
    """The pattern has no meaning; the message says where it loses it."""


def matcher(pattern: str) -> Matcher:
    """A predicate of messages.

    Raises:
        InvalidPattern: it is none that is understood.
    """
    pattern = pattern.strip()
    if pattern.startswith("{"):
        if not pattern.endswith("}"):
            raise InvalidPattern("A pattern that begins with { must end with }")
        try:
            return _json_matcher(_Parser(pattern[1:-1]).parse())
        except RecursionError:
            raise InvalidPattern("Its parentheses are nested too deeply") from None
    if pattern.startswith("["):
        raise InvalidPattern("Space-delimited patterns, as [a, b, ...], are not supported here")
    return _terms(pattern)


# Terms


def _terms(pattern: str) -> Matcher:
    needed: list[Matcher] = []
    optional: list[Matcher] = []
    unwanted: list[Matcher] = []
    place = 0
    while place < len(pattern):
        match = _TERM.match(pattern, place)
        if match is None:
            raise InvalidPattern(
                f"Invalid character(s) in term '{pattern[place:]}': put terms that are not"
                " alphanumeric into double quotes"
            )
        sign, phrase, regex, word = match.groups()
        test = _contains(phrase, regex, word)
        {"": needed, "?": optional, "-": unwanted}[sign].append(test)
        place = match.end()
    # As AWS has it: beside a term that must be there, optional terms mean nothing.
    choice = optional if optional and not needed else [_anything]

    def matches(text: str) -> bool:
        return (
            all(test(text) for test in needed)
            and any(test(text) for test in choice)
            and not any(test(text) for test in unwanted)
        )

    return matches


def _anything(text: str) -> bool:
    return True


def _contains(phrase: str | None, regex: str | None, word: str | None) -> Matcher:
    if regex is not None:
        found = _compiled(regex)
        return lambda text: found.search(text) is not None
    needle = _unescaped(phrase) if phrase is not None else word or ""
    return lambda text: needle in text


def _compiled(regex: str) -> re.Pattern[str]:
    try:
        return re.compile(regex)
    except re.error as error:
        raise InvalidPattern(f"Invalid regular expression '{regex}': {error}") from None


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


# JSON properties


def _json_matcher(test: _Test) -> Matcher:
    def matches(text: str) -> bool:
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            return False
        return isinstance(document, dict) and test(document)

    return matches


class _Parser:
    """`||` binds weaker than `&&`, which binds weaker than parentheses."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._next = 0

    def parse(self) -> _Test:
        test = self._either()
        if self._peek() is not None:
            raise InvalidPattern(f"Did not expect '{self._tokens[self._next][1]}' there")
        return test

    def _either(self) -> _Test:
        tests = [self._both()]
        while self._take("joint", "||"):
            tests.append(self._both())
        return lambda document: any(test(document) for test in tests)

    def _both(self) -> _Test:
        tests = [self._one()]
        while self._take("joint", "&&"):
            tests.append(self._one())
        return lambda document: all(test(document) for test in tests)

    def _one(self) -> _Test:
        if self._take("joint", "("):
            test = self._either()
            self._must("joint", ")")
            return test
        steps = list(_STEP.finditer(self._must("selector")))
        compare = self._comparison()
        return lambda document: compare(_select(document, steps))

    def _comparison(self) -> _Test:
        if self._take("word", "NOT"):
            self._must("word", "EXISTS")
            return lambda value: value is _MISSING
        if self._take("word", "IS"):
            constant = {"NULL": None, "TRUE": True, "FALSE": False}.get(
                self._must("word"), _MISSING
            )
            if constant is _MISSING:
                raise InvalidPattern("IS is followed by NULL, TRUE or FALSE")
            return lambda value: value is constant
        operator = self._must("operator")
        kind, operand = self._operand()
        return _comparison(operator, kind, operand)

    def _operand(self) -> tuple[str, str]:
        if self._peek() not in ("text", "regex", "bare", "word"):
            raise InvalidPattern("An operator is followed by a text, a number or a %regex%")
        self._next += 1
        return self._tokens[self._next - 1]

    def _peek(self) -> str | None:
        return self._tokens[self._next][0] if self._next < len(self._tokens) else None

    def _take(self, kind: str, text: str) -> bool:
        if self._next < len(self._tokens) and self._tokens[self._next] == (kind, text):
            self._next += 1
            return True
        return False

    def _must(self, kind: str, text: str | None = None) -> str:
        if self._peek() != kind or (text is not None and self._tokens[self._next][1] != text):
            found = self._tokens[self._next][1] if self._peek() else "the end"
            raise InvalidPattern(f"Expected {text or 'a ' + kind}, and found {found}")
        self._next += 1
        return self._tokens[self._next - 1][1]


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place = 0
    text = text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise InvalidPattern(f"Cannot read '{text[place:].strip()}'")
        yield match.lastgroup, match[match.lastgroup]
        place = match.end()


def _select(document: Any, steps: list[re.Match[str]]) -> Any:
    for step in steps:
        name, index, *quoted = step.groups()
        key = name if name is not None else next((q for q in quoted if q is not None), None)
        if key is not None and isinstance(document, dict) and key in document:
            document = document[key]
        elif index is not None and isinstance(document, list) and int(index) < len(document):
            document = document[int(index)]
        else:
            return _MISSING
    return document


def _comparison(operator: str, kind: str, operand: str) -> _Test:
    number = _number(operand) if kind == "bare" else None
    if operator not in ("=", "!="):
        if number is None:
            raise InvalidPattern(f"{operator} compares with a number, not with '{operand}'")
        return _numeric(operator, number)
    equal = _equal(kind, operand, number)
    if operator == "=":
        return equal
    return lambda value: value is not _MISSING and not equal(value)


def _equal(kind: str, operand: str, number: float | None) -> _Test:
    if number is not None:
        return _numeric("=", number)
    # `*` is the only character of a text that means more than itself.
    regex = operand if kind == "regex" else _anchored(_unescaped(operand))
    found = _compiled(regex)
    return lambda value: isinstance(value, str) and found.search(value) is not None


def _anchored(text: str) -> str:
    return r"(?s)\A" + ".*".join(map(re.escape, text.split("*"))) + r"\Z"


def _numeric(operator: str, number: float) -> _Test:
    compare: dict[str, Callable[[float], bool]] = {
        "=": lambda value: value == number,
        "<": lambda value: value < number,
        ">": lambda value: value > number,
        "<=": lambda value: value <= number,
        ">=": lambda value: value >= number,
    }
    chosen = compare[operator]
    return lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and chosen(value)
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
