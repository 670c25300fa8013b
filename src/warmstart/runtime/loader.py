"""From a handler's name to the object it names."""

from __future__ import annotations

import sys
from importlib import import_module

from warmstart.runtime.faults import (
    BuiltInModuleConflict,
    HandlerNotFound,
    ImportModuleError,
    MalformedHandlerName,
    UserCodeSyntaxError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

__all__ = ["code_of", "is_asgi_app", "load", "split"]

_CALL = "__call__"


def load(name: str) -> Any:
    """Import what `module.attr`, `a/b.attr` or `module:attr.attr` names.

    Raises:
        Fault: it cannot be had, in one of AWS's five ways.
        Exception: whatever the module raised while it was imported.
    """
    module_name, path = split(name)
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise BuiltInModuleConflict(f"Cannot use built-in module {module_name} as a handler module")
    try:
        found: Any = import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise ImportModuleError(f"Unable to import module '{module_name}': {error}") from error
    except SyntaxError as error:
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        message = f"Syntax error in module '{module_name}': {error}"
        raise UserCodeSyntaxError(message, trace) from None
    for attribute in path.split(".") if ":" in name else [path]:
        try:
            found = getattr(found, attribute)
        except AttributeError:
            raise HandlerNotFound(f"Handler '{path}' missing on module '{module_name}'") from None
    return found


def split(name: str) -> tuple[str, str]:
    """The module and the attribute that a handler's name consists of."""
    module_name, colon, path = name.partition(":")
    if colon:
        return module_name, path
    module_name, dot, path = name.rpartition(".")
    if not dot:
        raise MalformedHandlerName(
            f"Bad handler '{name}': not enough values to unpack (expected 2, got 1)"
        )
    return module_name, path


def is_asgi_app(handler: Any) -> bool:
    """Whether `handler` takes just what an ASGI app takes: scope, receive, send.

    A Lambda handler takes two arguments, so it can never be one with three that
    have no default.
    """
    return _required_arguments(handler) == 3


def code_of(handler: Any) -> CodeType | None:
    """The code that a call of `handler` runs; None if it is not one of Python's functions."""
    code = getattr(handler, "__code__", None)
    if code is None and not isinstance(handler, type):
        code = getattr(getattr(type(handler), _CALL, None), "__code__", None)
    return code


def _required_arguments(handler: Any) -> int | None:
    code = code_of(handler)
    if code is None or hasattr(handler, "__wrapped__"):
        return _signature_length(handler)
    function = handler if hasattr(handler, "__code__") else getattr(type(handler), _CALL)
    bound = function is not handler or getattr(handler, "__self__", None) is not None
    return code.co_argcount - len(function.__defaults__ or ()) - bound


def _signature_length(handler: Any) -> int | None:
    """The same for what has no code object of Python's: partials, wrappers, compiled functions."""
    from inspect import Parameter, signature

    try:
        parameters = signature(handler).parameters.values()
    except (TypeError, ValueError):
        return None
    positional = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    required = [p for p in parameters if p.kind in positional and p.default is Parameter.empty]
    return len(required)
