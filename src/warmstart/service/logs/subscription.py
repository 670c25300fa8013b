"""What an extension wants to hear of telemetry, and in what portions. Pure.

https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api-reference.html
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-logs-api.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from warmstart.service.environments.environment import Refusal

__all__ = ["API", "LOGS", "TELEMETRY", "Subscription", "parse"]

RESERVED_PORT = 9001
"""AWS's own Runtime API listens there."""

_HOSTS = ("sandbox.localdomain", "sandbox", "localhost", "127.0.0.1")
_TYPES = ("platform", "function", "extension")


@dataclass(frozen=True, slots=True)
class API:
    """One of the two APIs. `record` is the platform's record of a subscription to it."""

    name: str
    error_prefix: str
    versions: tuple[str, ...]
    record: str
    required: tuple[str, ...]


TELEMETRY = API(
    "Telemetry",
    "",
    ("2022-07-01", "2022-12-13", "2025-01-29"),
    "platform.telemetrySubscription",
    ("schemaVersion", "types", "destination"),
)
LOGS = API(
    "Logs",
    "Logs.",
    ("2020-08-15", "2021-03-18"),
    "platform.logsSubscription",
    ("types", "destination"),
)

_LIMITS = {
    "maxItems": (1000, 10_000, 10_000),
    "maxBytes": (262_144, 1_048_576, 262_144),
    "timeoutMs": (25, 30_000, 1000),
}
"""The least, the most, and what counts if nothing is said."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A valid one. `path` is `None` for a TCP destination; `timeout` is in seconds."""

    api: API
    version: str
    types: tuple[str, ...]
    max_items: int
    max_bytes: int
    timeout: float
    port: int
    method: str
    path: str | None


def parse(api: API, body: bytes) -> Subscription:
    """The subscription that a body describes. Raises `Refusal`, which names all faults."""
    try:
        request = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _invalid(api, [f"the body is no JSON: {error}"]) from None
    if not isinstance(request, dict):
        raise _invalid(api, ["the body must be a JSON object"])
    faults = [f"missing field `{name}`" for name in api.required if name not in request]
    version = request.get("schemaVersion", api.versions[0])
    if version not in api.versions:
        known = ", ".join(api.versions)
        faults.append(f"{api.name}API only supports the following SchemaVersion: {known}")
    types = _types(request.get("types", ["platform"]), faults)
    buffering = _buffering(request.get("buffering", {}), faults)
    destination = request.get("destination", {})
    port, method, path = _destination(destination, faults) if "destination" in request else _NOWHERE
    if faults:
        raise _invalid(api, faults)
    return Subscription(
        api,
        version,
        types,
        buffering["maxItems"],
        buffering["maxBytes"],
        buffering["timeoutMs"] / 1000,
        port,
        method,
        path,
    )


_NOWHERE = (0, "POST", None)


def _invalid(api: API, faults: list[str]) -> Refusal:
    return Refusal(400, f"{api.error_prefix}ValidationError", "; ".join(faults))


def _types(types: Any, faults: list[str]) -> tuple[str, ...]:
    if not isinstance(types, list):
        faults.append("types must be a list")
        return ()
    if not types:
        faults.append("types should not be empty")
    for each in types:
        if each not in _TYPES:
            faults.append(f"unknown type {each!r}, expected one of {', '.join(_TYPES)}")
    known = tuple(each for each in _TYPES if each in types)
    if not faults and len(known) < len(types):
        faults.append("types should be unique")
    return known


def _buffering(buffering: Any, faults: list[str]) -> dict[str, int]:
    if not isinstance(buffering, Mapping):
        faults.append("buffering must be an object")
        return {}
    found = {}
    for name, (least, most, default) in _LIMITS.items():
        value = buffering.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            faults.append(f"{name} should be between {least} and {most}")
        found[name] = value
    return found


def _destination(destination: Any, faults: list[str]) -> tuple[int, str, str | None]:
    if not isinstance(destination, Mapping):
        faults.append("destination must be an object")
        return _NOWHERE
    match destination.get("protocol"):
        case "HTTP":
            return _http(destination, faults)
        case "TCP":
            port = destination.get("port")
            if not isinstance(port, int) or not 1 <= port <= 65535:
                faults.append("port should be between 1 and 65535")
            return _checked(port, faults), "POST", None
    faults.append("protocol should be HTTP or TCP")
    return _NOWHERE


def _http(destination: Mapping[str, Any], faults: list[str]) -> tuple[int, str, str | None]:
    method = destination.get("method", "POST")
    if method not in ("POST", "PUT"):
        faults.append("method should be POST or PUT")
    encoding = destination.get("encoding", "JSON")
    if encoding != "JSON":
        faults.append("encoding should be JSON")
    uri = destination.get("URI")
    if not isinstance(uri, str):
        faults.append("URI is not provided")
        return _NOWHERE
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        faults.append("URI is invalid")
        return _NOWHERE
    _check_uri(parts, port, faults)
    path = parts.path or "/"
    return _checked(port, faults), str(method), f"{path}?{parts.query}" if parts.query else path


def _check_uri(parts: SplitResult, port: int | None, faults: list[str]) -> None:
    if parts.scheme != "http":
        faults.append("URI scheme should be http")
    if parts.hostname not in _HOSTS:
        faults.append("URI host should be sandbox.localdomain")
    if port is None:
        faults.append("URI port is not provided")
    if not parts.geturl().isascii() or any(each.isspace() for each in parts.geturl()):
        faults.append("URI is invalid")


def _checked(port: Any, faults: list[str]) -> int:
    if port == RESERVED_PORT:
        faults.append(f"port {RESERVED_PORT} is reserved")
    return port if isinstance(port, int) else 0
