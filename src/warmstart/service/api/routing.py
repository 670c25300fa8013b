"""Which operation a method, a path and a query ask for.

Routes are a tree of path segments; a label such as `{FunctionName}` is the branch
that any segment may take. Some operations share method and path with another and
are told by a constant in the query (`?List=ALL`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

__all__ = ["Match", "Router"]


@dataclass(frozen=True, slots=True)
class Match:
    """An operation (`botocore.model.OperationModel`) and the values of its path's labels."""

    operation: Any
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Route:
    operation: Any
    labels: tuple[str, ...]
    constants: frozenset[tuple[str, str]]


@dataclass(slots=True)
class _Node:
    constant: dict[str, _Node] = field(default_factory=dict)
    label: _Node | None = None
    routes: dict[str, list[_Route]] = field(default_factory=dict)


class Router:
    """The routes of a service's operations (`botocore.model.OperationModel`)."""

    def __init__(self, operations: Iterable[Any]) -> None:
        self._root = _Node()
        for operation in operations:
            self._add(operation)

    def _add(self, operation: Any) -> None:
        path, _, query = operation.http["requestUri"].partition("?")
        node = self._root
        labels = []
        for segment in path.strip("/").split("/"):
            if segment.startswith("{"):
                labels.append(segment[1:-1])
                node.label = node.label or _Node()
                node = node.label
            else:
                node = node.constant.setdefault(segment, _Node())
        route = _Route(operation, tuple(labels), frozenset(parse_qsl(query)))
        routes = node.routes.setdefault(operation.http["method"], [])
        routes.append(route)
        routes.sort(key=lambda route: -len(route.constants))

    def match(self, method: str, path: str, query: Iterable[tuple[str, str]]) -> Match | None:
        """The operation and its labels' values, or `None` if there is none.

        `path` is still percent-encoded, as a label's value may hold a slash. A slash
        at its end is left out: seven of the URIs once ended in one.
        """
        segments = path.removesuffix("/").split("/")[1:]
        given = frozenset(query)
        for node, values in _walk(self._root, segments):
            for route in node.routes.get(method, ()):
                if route.constants <= given:
                    labels = zip(route.labels, map(unquote, values), strict=True)
                    return Match(route.operation, dict(labels))
        return None


def _walk(
    node: _Node, segments: list[str], values: tuple[str, ...] = ()
) -> Iterator[tuple[_Node, tuple[str, ...]]]:
    """The nodes that the segments may lead to, constant ones first."""
    if not segments:
        yield node, values
        return
    first, *rest = segments
    if first in node.constant:
        yield from _walk(node.constant[first], rest, values)
    if node.label is not None and first:
        yield from _walk(node.label, rest, (*values, first))
