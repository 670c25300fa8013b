"""Containers for functions that are images, processes for all others."""

from __future__ import annotations

from warmstart.service.environments.docker import DockerDriver
from warmstart.service.environments.driver import Driver, Enclosure
from warmstart.service.function import Function

__all__ = ["ByPackage"]


class ByPackage:
    """A driver that asks one of two."""

    def __init__(self, images: DockerDriver, others: Driver) -> None:
        self.images = images
        self.others = others

    def prepare(self, function: Function) -> Function:
        """See `DockerDriver.prepare`; what is no image is as it was."""
        return function if function.image is None else self.images.prepare(function)

    async def open(self, function: Function, environment_id: str) -> Enclosure:
        """Make an enclosure. Raises `OSError`."""
        driver = self.others if function.image is None else self.images
        return await driver.open(function, environment_id)
