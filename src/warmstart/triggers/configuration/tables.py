"""The tables of a document, read by the types that their values must have."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

__all__ = ["InvalidTriggers", "Table"]

_KINDS = {str: "a text", int: "a number", bool: "true or false", list: "a list", dict: "a table"}
_Value = TypeVar("_Value")


class InvalidTriggers(ValueError):
    """The configuration makes no sense; the message says where and why."""


class Table:
    """A table, and where in the file it is. All that reads it raises `InvalidTriggers`."""

    def __init__(self, values: Mapping[str, Any], where: str = "") -> None:
        self.values = values
        self._path = where

    @property
    def where(self) -> str:
        """Its place, for messages."""
        return self._path or "the file"

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def only(self, *known: str) -> None:
        """Refuse names that are none of these."""
        for name in self.values:
            if name not in known:
                listed = ", ".join(sorted(known))
                raise InvalidTriggers(f"{self.where} has no '{name}'; it has {listed}")

    def text(self, name: str) -> str:
        """A text that must be there."""
        if name not in self.values:
            raise self.wrong(f"{name} is missing")
        return self.given(name, "")

    def secret(self, name: str) -> str:
        """A text, or the variable of this process's environment that `{ Env = "NAME" }` names."""
        if not isinstance(self.values.get(name), Mapping):
            value = self.text(name)
        else:
            source = self.table(name)
            source.only("Env")
            value = os.environ.get(source.text("Env"), "")
            if not value:
                raise source.wrong(f"the environment has no {source.text('Env')}")
        if not value:
            raise self.wrong(f"{name} is empty")
        return value

    def optional_text(self, name: str) -> str | None:
        """A text, if it is there."""
        return self.text(name) if name in self.values else None

    def table(self, name: str) -> Table:
        """A table in this one; empty if there is none."""
        return Table(self.given(name, dict[str, Any]()), f"{self._path}.{name}".lstrip("."))

    def one_of(self, name: str, first: str, *others: str) -> str:
        """One of the texts; the first, if it is not there."""
        value = self.values.get(name, first)
        if value not in (first, *others):
            choice = f"{', '.join((first, *others[:-1]))} or {others[-1]}"
            raise self.wrong(f"{name} is {choice}, and not {value!r}")
        return str(value)

    def given(self, name: str, default: _Value) -> _Value:
        """A value that is of the default's kind; the default, if it is not there."""
        value = self.values.get(name, default)
        if type(value) is not type(default):
            raise self.wrong(f"{name} is {_KINDS[type(default)]}, and not {value!r}")
        return value

    def wrong(self, reason: str) -> InvalidTriggers:
        """The error that says what is wrong with this table."""
        return InvalidTriggers(f"{self.where}: {reason}")
