"""Which file of `warmstart.events` speaks the format of an HTTP source.

A function hears from one front door, as a rule, so a format's file is imported
when its first event comes.
"""

from __future__ import annotations

from importlib import import_module

from warmstart.events.source import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from warmstart.events.http import HTTPRequest, HTTPResponse

    class HTTPFormat(Protocol):
        """What the adapter needs of a format's file."""

        STREAMS: bool

        def decode_event(self, event: Any) -> HTTPRequest: ...

        def build_response(self, response: HTTPResponse, event: Any, **options: Any) -> Any: ...


__all__ = ["HTTP_SOURCES", "http_format"]

_FILES = {
    Source.HTTP_V2: "http_v2",
    Source.FUNCTION_URL: "http_v2",
    Source.REST: "rest",
    Source.HTTP_V1: "rest",
    Source.ALB: "alb",
    Source.EDGE: "edge",
    Source.LATTICE_V1: "lattice_v1",
    Source.LATTICE_V2: "lattice_v2",
}
HTTP_SOURCES = frozenset(_FILES)
_loaded: dict[Source, HTTPFormat] = {}


def http_format(source: Source) -> HTTPFormat | None:
    """The format of an HTTP source; None for a source of another kind."""
    wire = _loaded.get(source)
    if wire is None and (file := _FILES.get(source)) is not None:
        module: Any = import_module(f"warmstart.events.{file}")
        wire = _loaded[source] = module
    return wire
