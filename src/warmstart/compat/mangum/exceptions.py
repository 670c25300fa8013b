"""What `Mangum` raises."""

from __future__ import annotations

__all__ = ["ConfigurationError", "LifespanFailure", "LifespanUnsupported", "UnexpectedMessage"]


class LifespanFailure(Exception):
    """The app reported that its startup or its shutdown failed."""


class LifespanUnsupported(Exception):
    """Raised into an app that sends in its lifespan before it has received."""


class UnexpectedMessage(Exception):
    """Raised into an app that sends a message out of turn."""


class ConfigurationError(Exception):
    """`Mangum` was given an argument that it does not know."""
