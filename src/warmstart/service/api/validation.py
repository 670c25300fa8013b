"""What a model demands of an input's members, and AWS's words for what is wrong.

All faults of a request are told at once. Members are called by their path with
small first letters (`vpcConfig.subnetIds`). What a list or a map holds is judged as
part of the list or map, unless it is a structure; then the path goes on with the
item's place (`filterCriteria.filters.1.member.pattern`). A sensitive value is not
repeated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from warmstart.service.api.errors import ApiError
from warmstart.service.api.model import Shape
from warmstart.service.api.operations import Members

__all__ = ["validate"]


def validate(shape: Shape, members: Members, code: str = "ValidationException") -> None:
    """Hold an operation's input to its shape.

    Raises:
        ApiError: an error of that `code` that tells all that is wrong; of a function's
            runtime, an `InvalidParameterValueException`.
    """
    faults = list(_structure_faults(shape, members, ""))
    if faults:
        plural = "s" if len(faults) > 1 else ""
        told = "; ".join(faults)
        message = f"{len(faults)} validation error{plural} detected: {told}"
        raise ApiError(code, message)
    _check_runtime(shape, members.get("Runtime"))


def _check_runtime(shape: Shape, runtime: str | None) -> None:
    """AWS judges the runtime by itself, after all else, and has words of its own for it."""
    if runtime is None:
        return
    text, known = _enumerated(shape.members["Runtime"].metadata["enum"])
    if not known(runtime):
        raise ApiError(
            "InvalidParameterValueException",
            f"Value {runtime} at 'runtime' failed to satisfy constraint: {text} or be a valid ARN",
        )


def _structure_faults(shape: Shape, members: Members, path: str) -> Iterator[str]:
    required = shape.metadata.get("required", ())
    for name, member in shape.members.items():
        value = members.get(name)
        place = f"{path}{name[0].lower()}{name[1:]}"
        if value is not None and place != "runtime":
            yield from _faults(member, value, place)
        elif name in required:
            yield _fault(member, None, place, _NOT_NULL)


def _faults(shape: Shape, value: Any, path: str) -> Iterator[str]:
    for text, holds in _constraints(shape):
        if not holds(value):
            yield _fault(shape, value, path, text)
    for place, inner, item in _structures(shape, value, path):
        if item is None:
            yield _fault(inner, None, place, _NOT_NULL)
        else:
            yield from _structure_faults(inner, item, f"{place}.")


def _structures(shape: Shape, value: Any, path: str) -> Iterator[tuple[str, Shape, Any]]:
    """The structures that a value is or holds, with their paths."""
    if shape.type_name == "structure":
        yield path, shape, value
    elif shape.type_name == "list" and shape.member.type_name == "structure":
        for place, item in enumerate(value, 1):
            yield f"{path}.{place}.member", shape.member, item


_Constraint = tuple[str, Callable[[Any], bool]]
_NOT_NULL = "Member must not be null"


@cache
def _constraints(shape: Shape) -> tuple[_Constraint, ...]:
    """What a shape demands of a value, in the order in which AWS tells it."""
    metadata = shape.metadata
    kind = shape.type_name
    found: list[_Constraint] = []
    if "enum" in metadata:
        found.append(_enumerated(metadata["enum"]))
    if "max" in metadata or "min" in metadata:
        found += _limits(kind, metadata)
    if "pattern" in metadata:
        found.append(_pattern(metadata["pattern"]))
    if kind == "list" and shape.member.type_name != "structure":
        found.append(_each("Member", shape.member, lambda value: value))
    elif kind == "map":
        found.append(_each("Map keys", shape.key, lambda value: value))
        found.append(_each("Map value", shape.value, lambda value: value.values()))
    return tuple(found)


def _enumerated(values: list[str]) -> _Constraint:
    text = f"Member must satisfy enum value set: [{', '.join(values)}]"
    return text, frozenset(values).__contains__


def _limits(kind: str, metadata: Mapping[str, Any]) -> Iterator[_Constraint]:
    number = kind in ("integer", "long", "float", "double")
    word = "value" if number else "length"
    size: Callable[[Any], Any] = (lambda value: value) if number else len
    show = float if kind in ("float", "double") else int
    if "max" in metadata:
        most = show(metadata["max"])
        text = f"Member must have {word} less than or equal to {most}"
        yield text, lambda value: size(value) <= most
    if "min" in metadata:
        least = show(metadata["min"])
        text = f"Member must have {word} greater than or equal to {least}"
        yield text, lambda value: size(value) >= least


def _pattern(pattern: str) -> _Constraint:
    text = f"Member must satisfy regular expression pattern: {pattern}"
    matches = _compiled(pattern).fullmatch
    return text, lambda value: matches(value) is not None


# The patterns are Java's. In these models `\p{L}`, `\p{N}` and `_` only come together,
# which is what `\w` means for text that is not bytes; `\p{Z}` are the separators.
_JAVA = {
    r"\p{L}": r"\w",
    r"\p{N}": "",
    r"\p{Z}": "\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
    r"\w-_": r"\w\-_",
}


def _compiled(pattern: str) -> re.Pattern[str]:
    flags = re.NOFLAG if r"\p" in pattern else re.ASCII
    for java, python in _JAVA.items():
        pattern = pattern.replace(java, python)
    return re.compile(pattern, flags)


def _each(what: str, shape: Shape, items: Callable[[Any], Any]) -> _Constraint:
    """All that a list's or a map's parts must be, told as one constraint."""
    constraints = _constraints(shape)
    texts = [text for text, _ in constraints]
    text = f"{what} must satisfy constraint: [{', '.join([*texts, _NOT_NULL])}]"

    def holds(value: Any) -> bool:
        return all(
            item is not None and all(met(item) for _, met in constraints) for item in items(value)
        )

    return text, holds


def _fault(shape: Shape, value: Any, path: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{_shown(value)}'"
    secret = shape.metadata.get("sensitive") or shape.type_name == "blob"
    subject = "Value" if secret else f"Value {shown}"
    return f"{subject} at '{path}' failed to satisfy constraint: {constraint}"


def _shown(value: Any) -> str:
    """A value as Java writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}={_shown(item)}' for key, item in value.items())}}}"
    return "null" if value is None else str(value)
