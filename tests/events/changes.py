"""Requests and responses that differ from others in a few parts."""

from __future__ import annotations

from typing import Any, TypeVar

from warmstart.events.http import HTTPRequest, HTTPResponse

__all__ = ["replace"]

M = TypeVar("M", HTTPRequest, HTTPResponse)


def replace(message: M, **changes: Any) -> M:
    """`message` with these parts instead of its own."""
    parts = {name: getattr(message, name) for name in message.__slots__}
    return type(message)(**parts | changes)
