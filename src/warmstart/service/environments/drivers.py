"""Containers for functions that are images, processes for all others."""

from __future__ import annotations

from warmstart.service.environments.driver import Driver, Enclosure
from warmstart.service.function import Function

__all__ = ["ByPackage"]


class ByPackage:
    """A driver that asks one of two."""

    def __init__(self, images: Driver, others: Driver) -> None:
        self.images = images
        self.others = others

    async def open(self, function: Function, environment_id: str) -> Enclosure:
        """Make an enclosure. Raises `OSError`."""
        driver = self.others if function.image is None else self.images
        return await driver.open(function, environment_id)
