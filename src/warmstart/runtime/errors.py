"""From an exception to what is posted and logged of it. Imported only when something failed.

The document has the members that AWS's client posts, and beyond them the parts
of an exception that it loses: notes, causes, and the members of groups. Sizes
are bounded, because the service refuses or drops a large error.
"""

from __future__ import annotations

import os
import traceback

from warmstart.runtime.faults import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["ErrorReport", "describe"]

_MAX_TEXT = 32 * 1024
_MAX_FRAMES = 120
_MAX_RELATIVES = 5
_MAX_XRAY = 60 * 1024  # X-Ray keeps 64 KB of it
_HERE = os.path.dirname(__file__) + os.sep


class ErrorReport:
    """One failure: `document` to post, `lines` for a text log, `xray_cause` as JSON."""

    def __init__(self, error: BaseException, request_id: str) -> None:
        self.error_type = _type_name(error)
        self.document = _document(error, request_id)
        self._error = error

    @property
    def header(self) -> str:
        """The error's type as a header may carry it."""
        return self.error_type.encode("ascii", "replace").decode()

    @property
    def lines(self) -> list[str]:
        """The error as a text log shows it, line by line, ends left off."""
        return list(_lines(self.document, "[ERROR] "))

    @property
    def xray_cause(self) -> str:
        """The error for X-Ray, or nothing if it would be cut off half way."""
        import json

        exceptions = [_xray_exception(error) for error in _chain(self._error)]
        paths = {frame["path"] for entry in exceptions for frame in entry["stack"]}
        cause = {
            "working_directory": _working_directory(),
            "exceptions": exceptions,
            "paths": sorted(paths),
        }
        text = json.dumps(cause).replace("\x7f", "\\u007f")  # which no header may hold
        return text if len(text) <= _MAX_XRAY else ""


def describe(error: BaseException, request_id: str = "") -> ErrorReport:
    """What there is to say of `error`."""
    return ErrorReport(error, request_id)


def _type_name(error: BaseException) -> str:
    return error.error_type if isinstance(error, Fault) else type(error).__name__


def _message(error: BaseException) -> str:
    try:
        return _crop(str(error))
    except Exception:  # noqa: BLE001 - it is the function's own __str__
        return "<exception str() failed>"


def _crop(text: str) -> str:
    if len(text) <= _MAX_TEXT:
        return text
    return f"{text[:_MAX_TEXT]}... ({len(text) - _MAX_TEXT} more characters)"


def _document(error: BaseException, request_id: str) -> dict[str, Any]:
    head = {"errorMessage": _message(error), "errorType": _type_name(error)}
    return {**head, "requestId": request_id, "stackTrace": _stack(error)} | _beyond(error, [error])


def _beyond(error: BaseException, known: list[BaseException]) -> dict[str, Any]:
    """What else there is: notes, the members of a group, what came before."""
    parts: dict[str, Any] = {}
    notes = getattr(error, "__notes__", None)
    if isinstance(notes, list) and notes:
        parts["notes"] = [_crop(str(note)) for note in notes[:_MAX_RELATIVES]]
    if isinstance(error, BaseExceptionGroup):
        parts["exceptions"] = [
            _relative(member, known) for member in error.exceptions[:_MAX_RELATIVES]
        ]
    name, earlier = _earlier(error)
    if earlier is not None and earlier not in known and len(known) <= _MAX_RELATIVES:
        parts[name] = _relative(earlier, known)
    return parts


def _relative(error: BaseException, known: list[BaseException]) -> dict[str, Any]:
    document = {"errorMessage": _message(error), "errorType": _type_name(error)}
    return {**document, "stackTrace": _stack(error)} | _beyond(error, [*known, error])


def _earlier(error: BaseException) -> tuple[str, BaseException | None]:
    if isinstance(error, Fault):
        # Its text tells what was wrong. Frames of the function, if any, tell where.
        cause = error.__cause__
        return "cause", cause if cause is not None and _frames(cause) else None
    if error.__cause__ is not None:
        return "cause", error.__cause__
    return "context", None if error.__suppress_context__ else error.__context__


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in seen and len(seen) < _MAX_RELATIVES:
        yield following
        seen.append(following)
        following = _earlier(following)[1]


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The error's frames from the function's first on: ours and importlib's say nothing."""
    frames = list(traceback.extract_tb(error.__traceback__))
    for index, frame in enumerate(frames):
        if not (frame.filename.startswith(_HERE) or "importlib" in frame.filename):
            return frames[index:]
    return []


def _stack(error: BaseException) -> list[str]:
    if isinstance(error, Fault):
        return error.trace
    frames = _frames(error)
    if not frames and isinstance(error, Exception):
        frames = list(traceback.extract_tb(error.__traceback__))
    half = _MAX_FRAMES // 2
    # Four values make a frame without the carets that mark the place in its line.
    texts = traceback.format_list((f.filename, f.lineno or 0, f.name, f.line) for f in frames)
    if len(texts) > _MAX_FRAMES:
        left_out = f"  ... {len(texts) - _MAX_FRAMES} frames left out ...\n"
        texts[half:-half] = [left_out]
    return texts


def _lines(document: dict[str, Any], prefix: str) -> Iterator[str]:
    message = document["errorMessage"]
    yield from f"{prefix}{document['errorType']}{': ' if message else ''}{message}".splitlines()
    for note in document.get("notes", ()):
        yield from note.splitlines()
    yield "Traceback (most recent call last):"
    for entry in document["stackTrace"]:
        yield from entry.splitlines()
    members = document.get("exceptions", ())
    for number, member in enumerate(members, 1):
        yield from _lines(member, f"Exception {number} of {len(members)}: ")
    for name, words in (("cause", "Caused by "), ("context", "Raised while handling ")):
        if name in document:
            yield from _lines(document[name], words)


def _xray_exception(error: BaseException) -> dict[str, Any]:
    if isinstance(error, Fault):
        return {"message": _message(error)[:1024], "type": "LambdaValidationError", "stack": []}
    stack = [
        {"label": frame.name, "path": frame.filename, "line": frame.lineno}
        for frame in _frames(error)[-_MAX_FRAMES:]
    ]
    return {"message": _message(error)[:1024], "type": type(error).__name__, "stack": stack}


def _working_directory() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return ""
