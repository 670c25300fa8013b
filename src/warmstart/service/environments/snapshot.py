"""Snapshots: a template that is through INIT, and the environments that are copies of it.

A copy shares the template's memory until one of them writes to it, and is ready in
milliseconds. In everything else it is an environment as any other, with a control
group, a /tmp (which has what INIT left in the template's), an output and an
endpoint of its own. The template outlives its copies.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import stat
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from warmstart.service.environments.copies import Copies
from warmstart.service.environments.drivers import ByPackage
from warmstart.service.environments.enclosure import ProcessDriver, ProcessEnclosure
from warmstart.service.environments.launch import external_extensions
from warmstart.service.environments.life import Settings
from warmstart.service.environments.process import Child, in_thread
from warmstart.service.environments.template import Template
from warmstart.service.errors import InitFailed
from warmstart.service.function import Function

__all__ = ["Snapshot", "take_snapshot"]

_COPIES = ".environments"
"""Where the copies' files are, in the template's /tmp."""


async def take_snapshot(function: Function, settings: Settings) -> Snapshot | None:
    """Run INIT and return what environments can be made of, or `None` if none can be so made.

    That takes warmstart's own runtime, on Linux, no external extensions, and an INIT that leaves
    no threads behind; the function's log says where it does.

    Raises:
        InitFailed: INIT failed.
    """
    driver = settings.driver
    if isinstance(driver, ByPackage):
        driver = driver.others
    if not (isinstance(driver, ProcessDriver) and _can_be_copied(function)):
        return None
    snapshot = Snapshot(Template(function, settings, driver), driver)
    copies = None
    try:
        copies = await snapshot.template.copies()
    finally:
        if copies is None:
            await snapshot.aclose()
    return None if copies is None else snapshot


def _can_be_copied(function: Function) -> bool:
    """Whether its environments are one process, which knows how to copy itself."""
    return (
        hasattr(os, "pidfd_open")
        and function.image is None
        and function.runtime.startswith("python")
        and not function.command
        and function.max_environment_concurrency == 1
        and not external_extensions(function.layers_directory)
    )


class Snapshot:
    """A driver that makes environments by copying a template."""

    def __init__(self, template: Template, driver: ProcessDriver) -> None:
        self.template = template
        self._driver = driver
        self._open = 0
        self._retired = False
        self._run = asyncio.get_running_loop().create_task(template.run())

    async def open(self, function: Function, environment_id: str) -> CopyEnclosure:
        """Make the place of a copy. Raises `OSError`."""
        parent = self.template.temporary / _COPIES
        parent.mkdir(mode=0o700, exist_ok=True)
        enclosure = self._driver.enclose(CopyEnclosure, function, environment_id, parent)
        enclosure.snapshot = self
        self._open += 1
        return enclosure

    def closed(self) -> None:
        """One of the copies is gone."""
        self._open -= 1
        self._close_if_unused()

    def retire(self) -> None:
        """There will be no more copies; the template ends with the last of them."""
        self._retired = True
        self._close_if_unused()

    def _close_if_unused(self) -> None:
        if self._retired and not self._open:
            self.template.close()

    def when_closed(self, call: Callable[[Snapshot], object]) -> None:
        """Have `call` called when the template is gone."""
        self._run.add_done_callback(lambda _: call(self))

    async def aclose(self) -> None:
        """Return when the template is gone. All copies must be about to end."""
        self.retire()
        await asyncio.shield(self._run)


class CopyEnclosure(ProcessEnclosure):
    """Where a copy lives."""

    snapshot: Snapshot
    _filled = False

    async def _start_child(
        self, arguments: Sequence[str], variables: Mapping[str, str], output: int
    ) -> Child:
        copies = await self._copies()
        groups = await in_thread(self._prepare)
        try:
            return await copies.make(variables, self._view(), (output, *groups))
        finally:
            for group in groups:
                os.close(group)

    async def _copies(self) -> Copies:
        try:
            copies = await self.snapshot.template.copies()
        except InitFailed as error:
            raise OSError(errno.ECHILD, f"INIT failed when it was run again: {error}") from error
        if copies is None:
            raise OSError(errno.ECHILD, "INIT, run again, has left what cannot be copied")
        return copies

    def _prepare(self) -> list[int]:
        """Make what has to be there for the copy; the files by which it enters its groups."""
        if not self._filled:
            self._filled = True
            source = self.snapshot.template.temporary
            shutil.copytree(
                source, self.temporary, symlinks=True, ignore=_ignore, dirs_exist_ok=True
            )
        self._make_cgroup()
        return [] if self._cgroup is None else self._cgroup.open()

    def _view(self) -> Mapping[str, Any] | None:
        if self._views is None:
            return None
        inside = f"{_COPIES}/{self.temporary.name}"
        return self._views.own_temporary(self._function, inside)

    async def close(self) -> None:
        """Remove what is left of it."""
        await super().close()
        self.snapshot.closed()


def _ignore(directory: str, names: list[str]) -> list[str]:
    """What of INIT's files a copy does not get: other copies' files, sockets and their like."""
    modes = {name: os.lstat(f"{directory}/{name}").st_mode for name in names}
    plain = (stat.S_ISREG, stat.S_ISDIR, stat.S_ISLNK)
    return [n for n in names if n == _COPIES or not any(is_a(modes[n]) for is_a in plain)]
