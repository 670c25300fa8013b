"""Where a function's qualifier leads: versions, and aliases with their weights.

https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["LATEST", "Aliases"]

LATEST = "$LATEST"
"""The version that can be changed, and what is run where no qualifier says otherwise."""


class Aliases:
    """One function's aliases, each with the versions it leads to and their weights."""

    def __init__(self) -> None:
        self._weights: dict[str, dict[str, float]] = {}

    def set(self, alias: str, versions: Mapping[str, float]) -> None:
        """Create or change an alias. The weights must add up to one.

        Raises:
            ValueError: they do not.
        """
        if not versions or abs(sum(versions.values()) - 1) > 1e-6 or min(versions.values()) < 0:
            raise ValueError(f"alias {alias}: the weights {dict(versions)} do not add up to 1")
        self._weights[alias] = dict(versions)

    def delete(self, alias: str) -> None:
        """Forget an alias, if there is such a one."""
        self._weights.pop(alias, None)

    def versions(self, qualifier: str) -> Mapping[str, float]:
        """What the qualifier leads to, with weights; a version leads to itself."""
        return self._weights.get(qualifier) or {qualifier: 1.0}

    def version(self, qualifier: str, chance: float) -> str:
        """The version that an invocation gets whose `chance` is from 0 up to, not including, 1."""
        for version, weight in self.versions(qualifier).items():
            if chance < weight:
                return version
            chance -= weight
        return version  # the weights add up to a hair less than one
