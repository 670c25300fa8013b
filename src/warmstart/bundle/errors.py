"""Why something cannot be built."""

from __future__ import annotations

__all__ = ["BuildError"]


class BuildError(Exception):
    """It cannot be built as it is; the message says what is wrong and what to do."""
