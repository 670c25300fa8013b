"""How the methods that perform an API's operations are marked and found.

An operation's method takes the request's parameters under AWS's own member
names, validated and parsed by the model (blobs are bytes, timestamps are aware
datetimes), and returns the members of the output; both sides leave out what is
absent. It raises `ApiError` to refuse.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

__all__ = ["Members", "Operation", "given", "operation", "operations_of"]

Members = dict[str, Any]
"""The members of an input or output structure, by AWS's names."""

Operation = Callable[[Members], Members | Awaitable[Members]]

_Method = TypeVar("_Method", bound=Callable[..., Any])


def given(parameters: Members, members: Iterable[str]) -> Members:
    """Those of the members that a request has."""
    return {member: parameters[member] for member in members if member in parameters}


def operation(name: str) -> Callable[[_Method], _Method]:
    """Mark the method that performs the API's operation of that name."""

    def mark(method: _Method) -> _Method:
        method.__dict__["operation"] = name
        return method

    return mark


def operations_of(*groups: object) -> dict[str, Operation]:
    """All operations that the groups' methods are marked with, by name.

    Raises:
        ValueError: two methods claim the same operation.
    """
    found: dict[str, Operation] = {}
    for group in groups:
        for attribute in dir(type(group)):
            name = getattr(getattr(type(group), attribute), "operation", None)
            if isinstance(name, str):
                if name in found:
                    raise ValueError(f"{name} is performed by two methods")
                found[name] = getattr(group, attribute)
    return found
