"""Triggers as a `warmstart.toml` writes them down: a reader for each of SAM's event types."""

from __future__ import annotations

from warmstart.triggers.configuration.file import read_triggers
from warmstart.triggers.configuration.tables import InvalidTriggers
from warmstart.triggers.configuration.triggers import Triggers

__all__ = ["InvalidTriggers", "Triggers", "read_triggers"]
