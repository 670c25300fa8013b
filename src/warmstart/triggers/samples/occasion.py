"""What differs from one sample event to the next."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from warmstart.triggers.enqueuer import Account

__all__ = ["Occasion", "Sample", "encoded"]


@dataclass(frozen=True, slots=True)
class Occasion:
    """When and where an event comes to be; `id` is a UUID of its own."""

    time: datetime
    id: str
    account: Account = field(default_factory=Account)

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of this account and region."""
        return f"arn:aws:{service}:{self.account.region}:{self.account.id}:{resource}"

    @property
    def milliseconds(self) -> int:
        """The time in milliseconds since the epoch."""
        return int(self.time.timestamp() * 1000)

    @property
    def seconds(self) -> int:
        """The time in seconds since the epoch."""
        return int(self.time.timestamp())


Sample: TypeAlias = Callable[[Occasion], dict[str, Any]]


def encoded(text: str) -> str:
    """Base64 of a text."""
    return b64encode(text.encode()).decode()
