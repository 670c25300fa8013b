"""JSON in and out, with AWS's rules where they are right.

CPython's C halves of `json` are used as they are: the package around them
compiles regular expressions when it is imported, which takes 8 ms of every cold
start. It is imported only to say what is wrong with an event or a result.

What the C encoder writes by itself goes straight to it. Other results are first
made plain, see `plain.py`. The text of a long body is left to `orjson` where that
is installed: 1 MB takes it 0.3 ms instead of 10. It is used for texts alone, for
these it writes in the same way; whole values it would not (numbers of more than
64 bits, NaN), nor read.
"""

from __future__ import annotations

from _json import encode_basestring, make_encoder, make_scanner

from warmstart.runtime.faults import MarshalError, UnmarshalError
from warmstart.runtime.plain import is_plain, restore_numbers, simplify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Protocol

    class Marshaller(Protocol):
        """What turns an event's bytes into the handler's argument and its result into bytes.

        The method names are those of AWS's client, so a class written for one
        serves the other.
        """

        def unmarshal_request(self, request: bytes | bytearray, content_type: str | None) -> Any:
            """Make the event of `request`. What it raises is the invocation's error."""

        def marshal_response(self, response: Any) -> tuple[bytes | str, str]:
            """Return the body to post and its content type. What it raises is the error."""


__all__ = ["JSONMarshaller", "decode", "encode", "marshaller", "use_marshaller"]


class JSONMarshaller:
    """The default: JSON events, JSON results; `bytes` results go as they are.

    Args:
        allow_nan: Write NaN and the infinities as JavaScript would, which is
            not JSON, instead of failing the invocation.
    """

    def __init__(self, *, allow_nan: bool = False) -> None:
        self._allow_nan = allow_nan

    def unmarshal_request(self, request: bytes | bytearray, content_type: str | None) -> Any:
        """Decode a JSON event; an event of another type is passed on as bytes.

        Raises:
            UnmarshalError: the event is not JSON.
        """
        if content_type != "application/json":
            return bytes(request)
        try:
            return decode(request)
        except Exception as error:  # noqa: BLE001 - decoders raise what they like
            raise UnmarshalError(f"Unable to unmarshal input: {error}") from None

    def marshal_response(self, response: Any) -> tuple[bytes, str]:
        """Encode a result, which may hold whatever `plain.py` knows.

        Raises:
            MarshalError: part of the result has no JSON.
        """
        if isinstance(response, bytes):
            return response, "application/unknown"
        try:
            return encode(response, allow_nan=self._allow_nan), "application/json"
        except Exception as error:  # noqa: BLE001 - so do the values' own methods
            raise MarshalError(f"Unable to marshal response: {error}") from None


def use_marshaller(other: Marshaller) -> None:
    """Let `other` read events and write results from the next invocation on."""
    global _marshaller  # noqa: PLW0603 - a process is one environment, with one marshaller
    _marshaller = other


def marshaller() -> Marshaller:
    """The marshaller in use."""
    return _marshaller


def decode(data: bytes | bytearray) -> Any:
    """The value of a JSON text in UTF-8, which may begin with a byte order mark.

    Raises:
        ValueError: it is not JSON, NaN and the infinities included.
    """
    text = str(data, "utf-8")
    try:
        value, end = _scan(text, 0)
    except (StopIteration, SystemError):
        # Before Python 3.13 the scanner looks for its error's class in `json.decoder` without
        # importing it, and has no exception to raise (a SystemError) while nobody else did.
        return _decode_slowly(text)
    return value if end == len(text) else _decode_slowly(text)


def encode(value: Any, *, allow_nan: bool = False) -> bytes:
    """The JSON text of `value`, in UTF-8.

    Raises:
        TypeError, ValueError: a part of it has no JSON.
    """
    try:
        if is_plain(value):
            text = _dump(value, allow_nan)
        else:
            mark = _decimal_mark()
            plain = simplify(value, mark, allow_nan=allow_nan)
            text = restore_numbers(_dump(plain, allow_nan), mark)
    except RecursionError:
        _look_for_circle(value)
        raise
    # A lone surrogate has no UTF-8, but an escape, which is how a JSON text may carry it.
    return text.encode("utf-8", "backslashreplace")


def _decode_slowly(text: str) -> Any:
    import json

    return json.loads(text.removeprefix("\ufeff"), parse_constant=_refuse_constant)


def _look_for_circle(value: Any) -> None:
    import json

    json.dumps(value, default=id)  # which raises ValueError where this module only gets lost


def _decimal_mark() -> str:
    """A prefix that no text of a result can have."""
    from os import urandom

    return urandom(16).hex()


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


class _ScannerOptions:
    """What `json.JSONDecoder` tells the scanner."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = staticmethod(_refuse_constant)


def _encoder(
    allow_nan: bool, encode_text: Callable[[str], str] = encode_basestring
) -> Callable[[Any, int], Iterable[str]]:
    # Circles, default, string encoder, indent, separators, sorted keys, skipped keys, NaN.
    # There is no default, because what gets here is plain.
    return make_encoder(
        None,
        None,  # type: ignore[arg-type]
        encode_text,
        None,
        ": ",
        ", ",
        False,
        False,
        allow_nan,
    )


def _dump(value: Any, allow_nan: bool) -> str:
    if _is_long(value):
        encoder = _encoder(allow_nan, _encode_text)
    else:
        encoder = _encode_loosely if allow_nan else _encode_strictly
    return "".join(encoder(value, 0))


def _is_long(value: Any) -> bool:
    """Whether `value` is a long text, or the response of an HTTP function that has one."""
    text = value.get("body") if type(value) is dict else value
    return type(text) is str and len(text) >= _LONG


def _encode_text(text: str) -> str:
    if len(text) >= _LONG:
        try:
            from orjson import dumps

            return dumps(text).decode()
        except (ImportError, TypeError):  # it is not installed; half of a surrogate pair
            pass
    return encode_basestring(text)


_LONG = 64 * 1024  # characters
_scan = make_scanner(_ScannerOptions)  # type: ignore[arg-type]
_encode_strictly = _encoder(False)
_encode_loosely = _encoder(True)
_marshaller: Marshaller = JSONMarshaller()
