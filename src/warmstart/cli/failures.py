"""An app that does not start, in one sentence, with the app's own traceback and no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import warmstart
from warmstart.service.errors import InitFailed

__all__ = ["describe_init_failure"]

# Files whose frames say how the app was imported, not what is wrong with it.
_MACHINERY = ("<frozen importlib", "<frozen runpy", str(Path(warmstart.__file__).parent))


def describe_init_failure(app: str, failure: InitFailed) -> tuple[str, list[str]]:
    """The sentence, and the lines of the app's own traceback (none if the app was not found)."""
    error = _read(failure.payload)
    message = str(error.get("errorMessage", "")).strip()
    trace = _own_frames(error.get("stackTrace"))
    kind = str(error.get("errorType", failure.error_type))
    if kind == "Runtime.ExitError":
        return f"{app} ended its own process while it was being imported: {message}", []
    if kind == "Sandbox.Timedout":
        return f"{app} did not start: {message}.", []
    if kind.startswith("Runtime."):
        return f"{app} cannot be loaded: {message}", trace
    return f"{app} raised while it was being imported: {kind}: {message}", trace


def _read(payload: bytes) -> dict[str, Any]:
    try:
        error = json.loads(payload)
    except ValueError:
        error = None
    return error if isinstance(error, dict) else {"errorMessage": payload.decode(errors="replace")}


def _own_frames(trace: object) -> list[str]:
    if not isinstance(trace, list):
        return []
    frames = [str(frame) for frame in trace]
    own = [f for f in frames if not any(name in f for name in _MACHINERY)]
    if not own:
        return []
    return ["Traceback (most recent call last):", *(frame.rstrip("\n") for frame in own)]
