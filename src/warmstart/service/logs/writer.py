"""What environments report, written to their log streams: as text, or as JSON.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
"""

from __future__ import annotations

import json

from warmstart.service.logs.files import LogFiles
from warmstart.service.logs.levels import application_level, level_of, passes
from warmstart.service.logs.lines import log_line
from warmstart.service.logs.records import record
from warmstart.service.telemetry import Event, ExtensionOutput, Output

__all__ = ["LogWriter", "message"]


class LogWriter:
    """An observer of the service that keeps what it hears in `files`."""

    def __init__(self, files: LogFiles) -> None:
        self._files = files

    def on_event(self, event: Event) -> None:
        """Take an event of an environment."""
        text = message(event)
        if text is not None:
            time = int(event.time * 1000)
            source = event.source
            self._files.write(source.function.log_group, source.log_stream, [(time, text)], time)


def message(event: Event) -> str | None:
    """What the event leaves in its function's log, in that one's format and levels."""
    function = event.source.function
    if function.log_format == "Text":
        return log_line(event)
    if isinstance(event, Output):
        level = application_level(event.line)
        kept = level is None or passes(level, function.application_log_level)
        return event.line if kept else None
    if isinstance(event, ExtensionOutput):
        return event.line
    platform = record(event)
    if platform is None or not passes(level_of(platform), function.system_log_level):
        return None
    return json.dumps(platform, separators=(",", ":"))
