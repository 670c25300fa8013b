"""Making a result plain: what JSON's encoder would refuse, or would write otherwise than AWS.

AWS's client writes a named tuple as an object and a Decimal digit by digit,
and bytes as text. Dataclasses, dates, UUIDs, sets and enums have no form there;
here they get the usual one. Nothing is imported to find out what a value is: a
type whose module was never imported has no instances.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

__all__ = ["is_plain", "restore_numbers", "simplify"]

_SCALARS = frozenset((str, int, float, bool, type(None)))


def is_plain(value: Any) -> bool:
    """Whether the encoder by itself writes `value` as it should be written."""
    kind = type(value)
    if kind is dict:
        if not _SCALARS.issuperset(map(type, value)):
            return False
        members = value.values()
    elif kind is list or kind is tuple:
        members = value
    else:
        return kind in _SCALARS
    for member in members:  # a loop, because `all` and what feeds it take half as long again
        if type(member) not in _SCALARS and not is_plain(member):
            return False
    return True


def simplify(value: Any, mark: str, *, allow_nan: bool = False) -> Any:
    """`value` in the encoder's own types.

    A Decimal becomes a string of `mark` and its digits; `restore_numbers` makes
    it a number again in the encoded text.

    Raises:
        TypeError: there is no JSON for a part of it.
        ValueError: a Decimal is not finite, and `allow_nan` does not allow that.
    """

    def walk(value: Any) -> Any:
        if value is None or isinstance(value, (str, int, float)):
            return value
        if _is(value, "decimal", "Decimal"):
            return mark + _digits(value, allow_nan)
        members = _members(value)
        if members is None:
            return walk(_atom(value))
        if isinstance(members, dict):
            return {key_of(key): walk(member) for key, member in members.items()}
        return [walk(member) for member in members]

    def key_of(key: Any) -> Any:
        plain = key if type(key) in _SCALARS else walk(key)
        if isinstance(plain, (dict, list)):
            kind = type(key).__name__
            raise TypeError(f"keys must be str, int, float, bool or None, not {kind}")
        return plain.removeprefix(mark) if isinstance(plain, str) else plain

    return walk(value)


def restore_numbers(text: str, mark: str) -> str:
    """Take the quotes and the mark off the Decimals in the encoded `text`."""
    first, *rest = text.split(f'"{mark}')
    return first + "".join(part.replace('"', "", 1) for part in rest)


def _members(value: Any) -> dict[Any, Any] | Collection[Any] | None:
    """What a container holds, by key or in order; None for what is no container."""
    if isinstance(value, (dict, list)):
        return value
    if isinstance(value, type):
        return None  # a class has its instances' marks, and none of their values
    if hasattr(value, "_asdict"):  # a named tuple
        return dict(value._asdict())
    if isinstance(value, (tuple, set, frozenset)):
        return value
    if hasattr(value, "__dataclass_fields__"):
        return {name: getattr(value, name) for name in value.__dataclass_fields__}
    return None


def _atom(value: Any) -> Any:
    """What stands for a value that is neither JSON's nor a container."""
    if isinstance(value, bytes):
        return str(value, "utf-8")
    if _is(value, "datetime", "date") or _is(value, "datetime", "time"):
        return value.isoformat()  # a datetime is a date
    if _is(value, "uuid", "UUID"):
        return str(value)
    if _is(value, "enum", "Enum"):
        return value.value
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _is(value: Any, module: str, name: str) -> bool:
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(value, getattr(loaded, name))


def _digits(number: Any, allow_nan: bool) -> str:
    if number.is_finite() or allow_nan:
        return "NaN" if number.is_nan() else str(number)
    raise ValueError(f"Out of range Decimal values are not JSON compliant: {number!r}")
