"""Where a request came from and where it went, as the front door's headers tell it.

Each hop appends what it saw to the `X-Forwarded-*` headers, so the last entry
is the one that the front door itself added; whatever stands before it was sent
by the client and can say anything.
"""

from __future__ import annotations

from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from warmstart.events.http import Headers, HTTPRequest

    Address: TypeAlias = tuple[str, int]

__all__ = ["forwarded_client", "forwarded_headers", "origin", "origin_of"]

_FORWARDED_FOR = b"x-forwarded-for"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HIGHEST_PORT = 65535


@lru_cache(maxsize=64)  # a function hears from a few hosts
def origin(proto: str, port: str, host: str) -> tuple[str, Address | None]:
    """The scheme and the server of a request.

    Args:
        proto: `X-Forwarded-Proto`. All front doors are HTTPS unless it says otherwise.
        port: `X-Forwarded-Port`; what is no port is passed over.
        host: `Host`, with or without a port. If empty there is no server.
    """
    scheme = "http" if _last(proto).lower() == "http" else "https"
    name, own_port = _split_port(host)
    if not name:
        return scheme, None
    return scheme, (name, _port(_last(port)) or own_port or _DEFAULT_PORTS[scheme])


def origin_of(headers: Headers, host: str = "") -> tuple[str, Address | None]:
    """The scheme and the server that `headers` tell; `host` is used where they have none."""
    found = dict(headers).get
    return _origin_of_bytes(
        found(b"x-forwarded-proto", b""),
        found(b"x-forwarded-port", b""),
        found(b"host", b""),
        host,
    )


@lru_cache(maxsize=64)
def _origin_of_bytes(
    proto: bytes, port: bytes, host: bytes, known_host: str
) -> tuple[str, Address | None]:
    return origin(
        proto.decode("latin-1"), port.decode("latin-1"), host.decode("latin-1") or known_host
    )


def forwarded_client(headers: Headers) -> Address | None:
    """The client's address by `X-Forwarded-For`, for events that tell it nowhere else.

    It is the last entry: the address that the load balancer saw, with the port
    where the load balancer was asked to add it. The entries before it came from
    the client.
    """
    address = _last(dict(headers).get(_FORWARDED_FOR, b"").decode("latin-1"))
    name, port = _split_port(address)
    return (name, port) if name else None


def forwarded_headers(request: HTTPRequest) -> dict[str, str]:
    """What a front door adds of `request`: who sent it, how, and to which port.

    An `X-Forwarded-For` of the client's own is kept in front of its address.
    """
    client = request.client[0] if request.client else ""
    hops = [value.decode("latin-1") for name, value in request.headers if name == _FORWARDED_FOR]
    port = request.server[1] if request.server else _DEFAULT_PORTS.get(request.scheme, 443)
    added = {"x-forwarded-proto": request.scheme, "x-forwarded-port": str(port)}
    if client:
        added["x-forwarded-for"] = ", ".join([*hops, client])
    return added


def _last(entries: str) -> str:
    return entries.rpartition(",")[2].strip()


def _split_port(address: str) -> Address:
    """Host and port of `host:port`, `[ipv6]:port`, `host` or a bare IPv6 address; 0 is no port."""
    address = address.strip()
    if address.startswith("["):
        name, bracket, rest = address[1:].partition("]")
        return (name, _port(rest.removeprefix(":"))) if bracket else ("", 0)
    if address.count(":") != 1:
        return address, 0
    name, _, port = address.partition(":")
    return name, _port(port)


def _port(text: str) -> int:
    """A port number, or 0 if `text` is none."""
    if len(text) <= len(str(_HIGHEST_PORT)) and text.isascii() and text.isdigit():
        port = int(text)
        return port if port <= _HIGHEST_PORT else 0
    return 0
