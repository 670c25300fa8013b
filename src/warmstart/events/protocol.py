"""HTTP versions, which events write as `HTTP/1.1` and ASGI as `1.1`."""

from __future__ import annotations

__all__ = ["http_version", "protocol"]

_VERSIONS = {"HTTP/1.0": "1.0", "HTTP/1.1": "1.1", "HTTP/2.0": "2", "HTTP/2": "2"}
_PROTOCOLS = {"1.0": "HTTP/1.0", "1.1": "HTTP/1.1", "2": "HTTP/2.0"}


def http_version(protocol: str) -> str:
    """ASGI's name for an event's `protocol`; 1.1 if it names none that ASGI knows."""
    return _VERSIONS.get(protocol, "1.1")


def protocol(version: str) -> str:
    """The event's name for ASGI's HTTP `version`."""
    return _PROTOCOLS.get(version, "HTTP/1.1")
