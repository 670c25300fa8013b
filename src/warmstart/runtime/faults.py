"""What can be wrong with a function before or after its own code runs, by AWS's names.

They are raised on the way and reported as `errorType`; the texts are those of
AWS's own client, because people search for them and alarms match them.
"""

from __future__ import annotations

__all__ = [
    "BuiltInModuleConflict",
    "Fault",
    "HandlerNotFound",
    "ImportModuleError",
    "LambdaContextUnmarshalError",
    "MalformedHandlerName",
    "MarshalError",
    "UnmarshalError",
    "UserCodeSyntaxError",
]


class Fault(Exception):
    """A fault that has a name of AWS's. `trace` is what `stackTrace` shows, if anything."""

    error_type = "Runtime.Unknown"

    def __init__(self, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.trace = trace or []


class MalformedHandlerName(Fault):
    """The handler's name has no dot."""

    error_type = "Runtime.MalformedHandlerName"


class BuiltInModuleConflict(Fault):
    """The handler's module is one of the interpreter's own."""

    error_type = "Runtime.BuiltInModuleConflict"


class ImportModuleError(Fault):
    """The handler's module, or one that it imports, cannot be imported."""

    error_type = "Runtime.ImportModuleError"


class UserCodeSyntaxError(Fault):
    """The handler's module, or one that it imports, is not Python."""

    error_type = "Runtime.UserCodeSyntaxError"


class HandlerNotFound(Fault):
    """The module has no such attribute, or it is nothing that can handle an event."""

    error_type = "Runtime.HandlerNotFound"


class UnmarshalError(Fault):
    """The event is not JSON."""

    error_type = "Runtime.UnmarshalError"


class MarshalError(Fault):
    """The result has no JSON."""

    error_type = "Runtime.MarshalError"


class LambdaContextUnmarshalError(Fault):
    """The client context or the Cognito identity is not JSON."""

    error_type = "Runtime.LambdaContextUnmarshalError"
