"""`logging`, written to Lambda's log. Imported only when the function imports `logging`."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from warmstart.runtime.logs import LogOutput, frame_level

__all__ = ["LambdaLoggerHandler", "install"]

_TEXT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({})))
_OURS = {"aws_request_id", "tenant_id", "asctime", "message", "taskName"}


def install(output: LogOutput, level: str) -> None:
    """Give the root logger a handler that writes to `output`, and the level if it is one.

    AWS's client does the same, and so makes the function's `basicConfig` do
    nothing; here it does what it says.
    """
    handler = LambdaLoggerHandler(output, level)
    root = logging.getLogger()
    root.addHandler(handler)
    if level in logging.getLevelNamesMapping():
        root.setLevel(level)
    _serve_basic_config(handler)


class LambdaLoggerHandler(logging.Handler):
    """Writes each record to Lambda's log, with the request id of the invocation it belongs to."""

    def __init__(self, output: LogOutput, level: str = "") -> None:
        super().__init__()
        self.output = output
        # The service filters by level only where it was told one; else frames carry none.
        self._tells_level = output.is_json or bool(level)
        self.setFormatter(JSONFormatter() if output.is_json else TextFormatter())
        self.addFilter(self._add_scope)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
            if not text.endswith("\n"):
                text += "\n"  # whatever formatter the function has put here
            level = frame_level(record.levelno) if self._tells_level else "NOTSET"
            self.output.write(text, level, is_json=self.output.is_json)
        except Exception:  # noqa: BLE001 - logging's own way with a record that cannot be formatted
            self.handleError(record)

    def _add_scope(self, record: logging.LogRecord) -> bool:
        record.aws_request_id, record.tenant_id = self.output.scope
        return True


class TextFormatter(logging.Formatter):
    """AWS's text form."""

    converter: Callable[[float | None], time.struct_time] = time.gmtime

    def __init__(self) -> None:
        super().__init__(_TEXT, "%Y-%m-%dT%H:%M:%S")


class JSONFormatter(logging.Formatter):
    """AWS's JSON form: its keys in its order, then the record's extra attributes."""

    converter: Callable[[float | None], time.struct_time] = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        structured = isinstance(record.msg, dict) and not record.args
        entry: dict[str, Any] = {
            "timestamp": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
            "level": frame_level(record.levelno),
            "message": record.msg if structured else record.getMessage(),
            "logger": record.name,
            **_failure(record),
            "requestId": getattr(record, "aws_request_id", None),
            "tenantId": getattr(record, "tenant_id", None),
        }
        for name, value in vars(record).items():
            if name not in _ATTRIBUTES and name not in _OURS and name not in entry:
                entry[name] = value
        present = {name: value for name, value in entry.items() if value is not None}
        return _encode(present)


def _failure(record: logging.LogRecord) -> dict[str, Any]:
    if not record.exc_info or record.exc_info[1] is None:
        return {}
    from warmstart.runtime.errors import describe

    failure = describe(record.exc_info[1]).document
    del failure["requestId"]
    return {**failure, "location": f"{record.pathname}:{record.funcName}:{record.lineno}"}


def _encode(entry: dict[str, Any]) -> str:
    import json

    return json.dumps(entry, ensure_ascii=False, default=str)


def _serve_basic_config(handler: LambdaLoggerHandler) -> None:
    """Let `basicConfig` configure our handler, or replace it where it names another place."""
    original = logging.basicConfig

    def basic_config(**settings: Any) -> None:
        root = logging.getLogger()
        if root.handlers != [handler] or settings.get("force"):
            original(**settings)
            return
        if settings.keys() & {"handlers", "stream", "filename"}:
            root.removeHandler(handler)
            original(**settings)
            return
        if settings.keys() & {"format", "datefmt", "style"} and not handler.output.is_json:
            style = settings.get("style", "%")
            text = settings.get("format") or _DEFAULT_FORMATS[style]
            handler.setFormatter(logging.Formatter(text, settings.get("datefmt"), style))
        if settings.get("level") is not None:
            root.setLevel(settings["level"])

    logging.basicConfig = basic_config


_DEFAULT_FORMATS = {style: text for style, (_, text) in logging._STYLES.items()}
