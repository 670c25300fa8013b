"""How a function is invoked asynchronously."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["AsyncConfig", "Configuration"]


@dataclass(frozen=True, slots=True)
class AsyncConfig:
    """The settings of one function and qualifier, under AWS's names; the defaults are AWS's.

    `on_success`, `on_failure` and `dead_letter` are ARNs; the last one is the
    `TargetArn` of the function's `DeadLetterConfig`. `reserved_concurrency` is the
    function's, if it has one: with 0 no event is tried.
    """

    maximum_retry_attempts: int = 2
    maximum_event_age_in_seconds: float = 21_600
    on_success: str | None = None
    on_failure: str | None = None
    dead_letter: str | None = None
    reserved_concurrency: int | None = None


class Configuration(Protocol):
    """Knows the settings of functions. It is asked anew for every attempt."""

    def async_config(self, function: str, qualifier: str) -> AsyncConfig:
        """The settings; the defaults for a function that it does not know.

        `qualifier` is `$LATEST`, a version or an alias.
        """
        ...
