"""What the function writes, and where it goes.

Lambda takes the log from standard output, or in frames from a descriptor of its
own, so that records keep their bounds and levels. Everything here works without
`logging`; when the function imports that, `records.py` puts its handler there.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Any

__all__ = ["LogOutput", "arrange_logging", "frame_level", "unbuffer"]

# By name, the low byte of a frame's type; text has the lowest bit set.
_LEVELS = {
    "NOTSET": 0x02,
    "DEBUG": 0x0A,
    "INFO": 0x0E,
    "WARNING": 0x12,
    "ERROR": 0x16,
    "CRITICAL": 0x1A,
}


class LogOutput:
    """Standard output, or the telemetry descriptor that `_LAMBDA_TELEMETRY_LOG_FD` names.

    `is_json` is what `AWS_LAMBDA_LOG_FORMAT` says. `scope` are the request id
    and the tenant id that go with each record.
    """

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        self.is_json = environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
        # The descriptor is ours; a child of the function must not write frames to it.
        descriptor = environ.pop("_LAMBDA_TELEMETRY_LOG_FD", None)
        self._descriptor = None if descriptor is None else int(descriptor)
        self.scope: tuple[str, str | None] = ("", None)

    def write(self, text: str, level: str = "NOTSET", *, is_json: bool = False) -> None:
        """Write `text` as one record, as it is."""
        if self._descriptor is None:
            sys.stdout.write(text)
            return
        data = text.encode("utf-8", "backslashreplace")
        kind = 0xA55A0000 | _LEVELS[level] | (not is_json)
        microseconds = time.time_ns() // 1000
        head = kind.to_bytes(4, "big") + len(data).to_bytes(4, "big")
        _write_all(self._descriptor, head + microseconds.to_bytes(8, "big") + data)

    def error(self, document: dict[str, Any], lines: list[str]) -> None:
        """Log an error: `document` where the log is JSON, else `lines`, as one record."""
        if self.is_json:
            from warmstart.runtime.marshaller import encode

            record = {"timestamp": _timestamp(time.time()), "level": "ERROR", **document}
            text = encode(record).decode()
        else:
            # Lambda ends a record at a line feed, so those inside are carriage returns,
            # and its console shows indentation only if the spaces do not break.
            text = ("\r" if self._descriptor is None else "\n").join(map(_keep_indent, lines))
        self.write(text if self._descriptor else f"{text}\n", "ERROR", is_json=self.is_json)

    def notice(self, level: str, message: str) -> None:
        """Log a message of the runtime's own in the form that records of `logging` have."""
        request_id, tenant_id = self.scope
        if self.is_json:
            from warmstart.runtime.marshaller import encode

            record = {
                "timestamp": _timestamp(time.time()),
                "level": level,
                "message": message,
                "logger": "warmstart",
                "requestId": request_id,
            }
            if tenant_id is not None:
                record["tenantId"] = tenant_id
            self.write(f"{encode(record).decode()}\n", level, is_json=True)
        else:
            now = time.time()
            stamp = f"{_timestamp(now)[:-1]}.{int(now * 1000) % 1000:03d}Z"
            self.write(f"[{level}]\t{stamp}\t{request_id}\t{message}\n", level)


def arrange_logging(output: LogOutput) -> None:
    """Let `logging` write to `output` as soon as the function imports it."""
    from warmstart.runtime.imports import when_imported

    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    level = "DEBUG" if level == "TRACE" else level  # which `logging` does not know

    def install() -> None:
        from warmstart.runtime import records

        records.install(output, level)

    when_imported("logging", install)


def unbuffer() -> None:
    """Let each line go out when it is whole: what is buffered when the process freezes is late.

    AWS's client flushes every write, which makes two of each `print`. Text that
    has no UTF-8 is written with escapes rather than failing the function.
    """
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            # Not written through, though PYTHONUNBUFFERED may say so: a line is one write.
            reconfigure(line_buffering=True, write_through=False, errors="backslashreplace")


def frame_level(levelno: int) -> str:
    """The name of the level that `levelno`, one of `logging`'s or between them, counts as."""
    return list(_LEVELS)[min(50, max(0, levelno)) // 10]


def _timestamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _keep_indent(line: str) -> str:
    stripped = line.lstrip(" ")
    return "\u00a0" * (len(line) - len(stripped)) + stripped


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
