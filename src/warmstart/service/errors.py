"""The errors that the service itself reports in a handler's place, in AWS's words."""

from __future__ import annotations

import json
import re
import signal
from dataclasses import dataclass
from typing import Protocol

from warmstart.invoke import MAX_PAYLOAD

__all__ = [
    "Failure",
    "Fault",
    "InitFailed",
    "PostedError",
    "exited",
    "extension_exited",
    "init_timed_out",
    "no_bootstrap",
    "out_of_memory",
    "response_too_large",
    "restore_timed_out",
    "sandbox_failure",
    "timed_out",
    "too_many_extensions",
    "truncated",
    "unlaunchable",
    "unstartable",
    "valid_error_type",
]

_ERROR_TYPE = re.compile(r"(Runtime|Function)\.[A-Z][a-zA-Z]+")


class InitFailed(Exception):
    """An environment did not get through INIT. `payload` is the error's JSON."""

    def __init__(self, error_type: str, payload: bytes) -> None:
        super().__init__(payload.decode(errors="replace"))
        self.error_type = error_type
        self.payload = payload


class Failure(Protocol):
    """Why an INIT or an invocation failed. `status` is the Telemetry API's: error or timeout."""

    @property
    def error_type(self) -> str: ...

    @property
    def status(self) -> str: ...

    def payload(self, request_id: str | None) -> bytes:
        """The error's JSON, as the caller of that request gets it."""
        ...


@dataclass(frozen=True, slots=True)
class PostedError:
    """An error that the runtime itself reported."""

    error_type: str
    body: bytes
    status: str = "error"

    def payload(self, request_id: str | None) -> bytes:
        return self.body


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure that the service found."""

    error_type: str
    message: str
    status: str = "error"

    def payload(self, request_id: str | None) -> bytes:
        message = (
            self.message if request_id is None else f"RequestId: {request_id} Error: {self.message}"
        )
        return json.dumps({"errorType": self.error_type, "errorMessage": message}).encode()


def exited(returncode: int) -> Fault:
    """The runtime's process ended; a negative code is the signal that ended it."""
    if returncode == 0:
        return Fault("Runtime.ExitError", "Runtime exited without providing a reason")
    return Fault("Runtime.ExitError", f"Runtime exited with error: {_termination(returncode)}")


def extension_exited(returncode: int) -> Fault:
    """An external extension's process ended, which none may do before the environment does."""
    reason = "exit code 0" if returncode == 0 else _termination(returncode)
    return Fault("Extension.Crash", reason)


def _termination(returncode: int) -> str:
    """How a process ended, in Go's words, which AWS passes on."""
    if returncode > 0:
        return f"exit status {returncode}"
    # Its words for a signal are strsignal's in lower case.
    name = signal.strsignal(-returncode) or f"signal {-returncode}"
    return f"signal: {name.lower()}"


def timed_out(seconds: float) -> Fault:
    """The invocation took longer than the function's timeout."""
    return Fault("Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds", "timeout")


def init_timed_out(seconds: float) -> Fault:
    """INIT took longer than its limit."""
    return Fault("Sandbox.Timedout", f"Init timed out after {seconds:.2f} seconds", "timeout")


def restore_timed_out(seconds: float) -> Fault:
    """An environment was not made from its snapshot in time."""
    return Fault("Sandbox.Timedout", f"Restore timed out after {seconds:.2f} seconds", "timeout")


def truncated() -> Fault:
    """The runtime's connection ended in the middle of a response."""
    return Fault("Runtime.TruncatedResponse", "HTTP request detected as truncated")


def unstartable(command: str, directory: str, error: OSError) -> Fault:
    """The runtime could not be started at all; in Go's words, which AWS passes on."""
    reason = (error.strerror or str(error)).lower()
    if error.filename is not None and str(error.filename) == directory:
        return Fault("Runtime.InvalidWorkingDir", f"chdir {directory}: {reason}")
    return Fault("Runtime.InvalidEntrypoint", f"fork/exec {command}: {reason}")


def unlaunchable(program: str, error: OSError) -> Fault:
    """An external extension could not be started."""
    reason = (error.strerror or str(error)).lower()
    return Fault("Extension.LaunchError", f"fork/exec {program}: {reason}")


def too_many_extensions(limit: int) -> Fault:
    """The layers hold more extensions than an environment may have."""
    return Fault("Extension.LaunchError", f"Extension limit ({limit}) reached")


def no_bootstrap() -> Fault:
    """A custom runtime brings no program that could be started."""
    return Fault(
        "Runtime.InvalidEntrypoint",
        "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
    )


def out_of_memory() -> Fault:
    """The environment had more memory than it may have."""
    return Fault("Runtime.OutOfMemory", "Runtime exited with error: signal: killed")


def sandbox_failure() -> Fault:
    """The service itself failed to run the environment."""
    return Fault("Sandbox.Failure", "The execution environment could not be started")


def response_too_large() -> Fault:
    """A buffered response was longer than `MAX_PAYLOAD`."""
    return Fault(
        "Function.ResponseSizeTooLarge",
        f"Response payload size exceeded maximum allowed payload size ({MAX_PAYLOAD} bytes).",
    )


def valid_error_type(header: str) -> str:
    """The error type as AWS reports it: unknown spellings become `Runtime.Unknown` or its like."""
    if _ERROR_TYPE.search(header):
        return header
    return "Function.Unknown" if header.startswith("Function.") else "Runtime.Unknown"
