"""Paths: encoded and decoded, and where in them the function is mounted."""

from __future__ import annotations

from warmstart.events.fields import utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from warmstart.events.http import HTTPRequest

__all__ = [
    "decode_path",
    "encode_path",
    "mount",
    "stage_root",
    "target_text",
]

# What RFC 3986, section 3.3, lets stand in a path: unreserved, sub-delims, ":", "@" and "/".
_SAFE_IN_PATH = "/-._~!$&'()*+,;=:@"
_PLAIN = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" + _SAFE_IN_PATH.encode()


def decode_path(raw: str, field: str) -> tuple[str, bytes]:
    """The decoded and the raw path of a path that an event carries percent-encoded.

    Bytes that are not UTF-8 become U+FFFD, as in every ASGI server.
    """
    raw_path = utf8(raw, field)
    if "%" not in raw:
        return raw, raw_path
    from urllib.parse import unquote

    return unquote(raw), raw_path


def encode_path(path: str, field: str) -> bytes:
    """The nearest raw path of a path that an event carries decoded."""
    raw_path = utf8(path, field)
    if not raw_path.rstrip(_PLAIN):
        return raw_path
    from urllib.parse import quote_from_bytes

    return quote_from_bytes(raw_path, safe=_SAFE_IN_PATH).encode("ascii")


def target_text(target: bytes) -> str:
    """A raw path or query as the string of an event; what is not ASCII is percent-encoded.

    A request target is ASCII (RFC 9112, section 3.2); AWS's front doors take no other.
    """
    if target.isascii():
        return target.decode("ascii")
    return "".join(chr(byte) if byte < 128 else f"%{byte:02X}" for byte in target)


def stage_root(path: str, stage: str) -> str:
    """`/{stage}` if `path` begins with that segment, else nothing."""
    if stage in ("", "$default"):  # the stage that is in no path
        return ""
    root = f"/{stage}"
    return root if path == root or path.startswith(f"{root}/") else ""


def mount(request: HTTPRequest, base_path: str) -> None:
    """Add `base_path` to the request's `root_path`, if its path goes on with these segments.

    The base path is the one under which a custom domain maps to the function, so
    it follows the stage where both are in the path. If the front door has taken it
    off, it is put back. A request that came another way, without it, is left as
    it is.
    """
    base = [segment for segment in base_path.split("/") if segment]
    if not base:
        return
    # The raw path decides, segment by segment: in the decoded one a `%2F`, which
    # is part of a segment, looks like a boundary.
    mounted = [*request.root_path.split("/"), *base]
    sent = request.raw_path.split(b"/")[: len(mounted)]
    if [_decode_segment(segment) for segment in sent] == mounted:
        request.root_path = "/".join(mounted)
    elif request.base_path_hidden and request.path.startswith("/"):
        root = request.root_path = "/".join(mounted)
        request.path = root + request.path
        request.raw_path = encode_path(root, "base_path") + request.raw_path


def _decode_segment(raw: bytes) -> str:
    if b"%" not in raw:
        return raw.decode("utf-8", "replace")
    from urllib.parse import unquote

    return unquote(raw)
