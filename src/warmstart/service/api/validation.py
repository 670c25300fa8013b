"""What a model demands of an input's members, and AWS's words for what is wrong.

All faults of a request are told at once. Members are called by their path with
small first letters (`vpcConfig.subnetIds`). What a list or a map holds is judged as
part of the list or map, unless it is a structure; then the path goes on with the
item's place (`filterCriteria.filters.1.member.pattern`). A sensitive value is not
repeated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from warmstart.service.api.errors import ApiError
from warmstart.service.api.model import Shape
from warmstart.service.api.operations import Members

__all__ = ["validate"]


def validate(shape: Shape, members: Members, code: str = "ValidationException") -> None:
    """Hold an operation's input to its shape.

    Raises:
        ApiError: an error of that `code` that tells all that is wrong; of a new
            function's name and of a runtime, an `InvalidParameterValueException`.
    """
    name, runtime = members.get("FunctionName"), members.get("Runtime")
    # AWS judges these after all else, as Lambda's own business.
    new = name if shape.name == "CreateFunctionRequest" and name and ":" not in name else None
    later = {"FunctionName": new, "Runtime": runtime}
    left_out = [member for member, value in later.items() if value is not None]
    _refuse(code, _structure_faults(shape, members, "", left_out))
    if new is not None:
        _refuse("InvalidParameterValueException", _name_faults(shape.members["FunctionName"], new))
    if runtime is not None:
        _check_runtime(shape.members["Runtime"], runtime)


def _refuse(code: str, found: Iterable[str]) -> None:
    faults = list(found)
    if faults:
        plural = "s" if len(faults) > 1 else ""
        message = f"{len(faults)} validation error{plural} detected: {'; '.join(faults)}"
        raise ApiError(code, message)


def _name_faults(shape: Shape, name: str) -> Iterator[str]:
    """A plain name has a limit of its own; the model's is for ARNs.

    https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
    """
    for text, holds in (_pattern(shape.metadata["pattern"]), _most("length", len, 64)):
        if not holds(name):
            yield _fault(shape, name, "functionName", text)


def _check_runtime(shape: Shape, runtime: str) -> None:
    text, known = _enumerated(shape.metadata["enum"])
    if not known(runtime):
        raise ApiError(
            "InvalidParameterValueException",
            f"Value {runtime} at 'runtime' failed to satisfy constraint: {text} or be a valid ARN",
        )


def _structure_faults(
    shape: Shape, members: Members, path: str, left_out: Collection[str] = ()
) -> Iterator[str]:
    required = shape.metadata.get("required", ())
    for name, member in shape.members.items():
        if name in left_out:
            continue
        value = members.get(name)
        place = f"{path}{name[0].lower()}{name[1:]}"
        if value is not None:
            yield from _faults(member, value, place)
        elif name in required:
            yield _fault(member, None, place, _NOT_NULL)


def _faults(shape: Shape, value: Any, path: str) -> Iterator[str]:
    # By itself, a value's pattern is told before its limits.
    for text, holds in sorted(_constraints(shape), key=lambda each: _PATTERN not in each[0]):
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
_PATTERN = "Member must satisfy regular expression pattern"


@cache
def _constraints(shape: Shape) -> tuple[_Constraint, ...]:
    """What a shape demands of a value, in the order in which AWS tells it of items."""
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
    word, size = ("value", _itself) if number else ("length", len)
    show = float if kind in ("float", "double") else int
    if "max" in metadata:
        yield _most(word, size, show(metadata["max"]))
    if "min" in metadata:
        yield _least(word, size, show(metadata["min"]))


def _itself(value: float) -> float:
    return value


def _most(word: str, size: Callable[[Any], float], most: float) -> _Constraint:
    text = f"Member must have {word} less than or equal to {most}"
    return text, lambda value: size(value) <= most


def _least(word: str, size: Callable[[Any], float], least: float) -> _Constraint:
    text = f"Member must have {word} greater than or equal to {least}"
    return text, lambda value: size(value) >= least


def _pattern(pattern: str) -> _Constraint:
    text = f"{_PATTERN}: {pattern}"
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
