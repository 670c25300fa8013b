"""Lambda itself: functions, their execution environments, and the Runtime API they talk to."""

from warmstart.service.errors import InitFailed
from warmstart.service.function import Function
from warmstart.service.service import Service

__all__ = ["Function", "InitFailed", "Service"]
