"""Control groups: an environment's share of the machine, and the list of its processes.

Linux has two kinds. Version 1 has a tree of groups for each controller, version 2
one for all; a host may have both, each with some of the controllers.

The groups of one service are the children of a group of its own: together they
may have as much of the CPU as any other program on the host, and each as much of
that as its memory size says. Where nobody else wants it all may have it all. That
parent is made below the group that this process is in, or beside it if it may not
have groups below it, as version 2 has it for all groups with processes.

https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
https://docs.kernel.org/admin-guide/cgroup-v2.html
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from errno import ENOENT
from pathlib import Path

from warmstart.service.environments.ending import end_all

__all__ = ["Cgroup", "Cgroups", "of_process"]

FULL_VCPU = 1769
"""MB of memory that come with a whole vCPU.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
"""

_ROUNDS = 50


class Cgroup:
    """One environment's group: a directory for each tree that it is in."""

    def __init__(self, directories: list[Path]) -> None:
        self._directories = directories
        self._memory = directories[0]

    def add(self, pid: int) -> None:
        """Put a process in; what it starts from then on is in, too. One that is gone is not."""
        for directory in self._directories:
            with suppress(ProcessLookupError):
                _write(directory / "cgroup.procs", str(pid))

    def open(self) -> list[int]:
        """Descriptors of files; who writes a zero to each of them is in."""
        return [os.open(each / "cgroup.procs", os.O_WRONLY) for each in self._directories]

    def processes(self) -> list[int]:
        """The processes that are in it now."""
        try:
            return [int(pid) for pid in _read(self._memory / "cgroup.procs").split()]
        except OSError as error:
            # Another service sweeps, too, and has removed it: before it was opened, or after.
            if error.errno in (errno.ENOENT, errno.ENODEV):
                return []
            raise

    def kill(self) -> None:
        """End all processes in it."""
        end_all(self.processes)

    def remove(self) -> None:
        """End all processes in it, and it; and its parent if it was the last one there."""
        for directory in self._directories:
            for _ in range(_ROUNDS):
                self.kill()
                try:
                    directory.rmdir()
                except FileNotFoundError:
                    pass
                except OSError:
                    # The last process has ended and is about to leave, of which nobody is told.
                    threading.Event().wait(0.002)
                    continue
                break
            with suppress(OSError):
                directory.parent.rmdir()

    def freeze(self) -> None:
        """Let nothing in it run until `thaw`. For groups that were found by `of_process`."""
        raise NotImplementedError

    def thaw(self) -> None:
        """Let everything in it run."""
        raise NotImplementedError

    def out_of_memory_kills(self) -> int:
        """How many processes were killed because the group had no more memory."""
        raise NotImplementedError

    def peak_memory(self) -> int:
        """The most memory that the group has had, in bytes, files that were cached left out.

        What was cached at the time of the peak is not known; what is now is close to it.
        """
        raise NotImplementedError


class _Version1(Cgroup):
    @staticmethod
    def prepare(parent: Path) -> None:
        """Give the parent of all groups its share."""
        with suppress(FileNotFoundError):  # not the tree of the CPU
            _write(parent / "cpu.shares", str(1024 * (os.cpu_count() or 1)))

    def limit(self, memory_size: int) -> None:
        size = str(memory_size * 2**20)
        _write(self._memory / "memory.limit_in_bytes", size)
        with suppress(OSError):  # where swap is not accounted for
            _write(self._memory / "memory.memsw.limit_in_bytes", size)
        for directory in self._directories[1:]:
            _write(directory / "cpu.shares", str(max(2, 1024 * memory_size // FULL_VCPU)))

    def freeze(self) -> None:
        _write(self._directories[-1] / "freezer.state", "FROZEN")

    def thaw(self) -> None:
        _write(self._directories[-1] / "freezer.state", "THAWED")

    def out_of_memory_kills(self) -> int:
        return _number(self._memory / "memory.oom_control", "oom_kill")

    def peak_memory(self) -> int:
        peak = int(_read(self._memory / "memory.max_usage_in_bytes"))
        return max(0, peak - _number(self._memory / "memory.stat", "total_cache"))


class _Version2(Cgroup):
    @staticmethod
    def prepare(parent: Path) -> None:
        """Give the parent of all groups its share, and let it share that out."""
        for controller in ("+memory", "+cpu"):
            with suppress(OSError):  # the limits tell what there is
                _write(parent / "cgroup.subtree_control", controller)
        with suppress(OSError):
            _write(parent / "cpu.weight", str(min(10000, 100 * (os.cpu_count() or 1))))

    def limit(self, memory_size: int) -> None:
        _write(self._memory / "memory.max", str(memory_size * 2**20))
        _write(self._memory / "memory.oom.group", "1")
        with suppress(OSError):  # where there is no swap
            _write(self._memory / "memory.swap.max", "0")
        with suppress(OSError):  # where only the memory is ours to give
            weight = min(10000, max(1, 100 * memory_size // FULL_VCPU))
            _write(self._memory / "cpu.weight", str(weight))

    def freeze(self) -> None:
        _write(self._directories[-1] / "cgroup.freeze", "1")

    def thaw(self) -> None:
        _write(self._directories[-1] / "cgroup.freeze", "0")

    def out_of_memory_kills(self) -> int:
        return _number(self._memory / "memory.events", "oom_kill")

    def peak_memory(self) -> int:
        peak = int(_read(self._memory / "memory.peak"))
        return max(0, peak - _number(self._memory / "memory.stat", "file"))


class Cgroups:
    """Where this process may make groups. `places` has a directory in each tree for their parent.

    The parents' names begin with `prefix`, and end in the process's id.
    """

    prefix = "warmstart-"

    def __init__(self, kind: type[_Version1] | type[_Version2], places: list[Path]) -> None:
        self._kind = kind
        self.places = places

    @classmethod
    def find(cls, mounts: str = "/proc/self/mountinfo") -> Cgroups | None:
        """The place for groups with a limit of memory; `None` if there is none."""
        trees = _trees(mounts)
        if "memory" in trees:
            places = [trees[name] for name in ("memory", "cpu") if name in trees]
            found = cls(_Version1, places)
            return found if found._is_usable() else None
        if "" in trees:
            for place in (trees[""], trees[""].parent):
                found = cls(_Version2, [place])
                with suppress(OSError):
                    _write(place / "cgroup.subtree_control", "+memory")
                    with suppress(OSError):
                        _write(place / "cgroup.subtree_control", "+cpu")
                    if found._is_usable():
                        return found
        return None

    def create(self, name: str, memory_size: int) -> Cgroup:
        """Make a group that may have `memory_size` MB and a share of the CPU according to it.

        Raises:
            OSError: the system does not let us.
        """
        parent = f"{self.prefix}{os.getpid()}"
        group = self._kind([place / parent / name for place in self.places])
        try:
            for place in self.places:
                self._make(place / parent, name)
            group.limit(memory_size)
        except OSError:
            group.remove()
            raise
        return group

    def _make(self, parent: Path, name: str) -> None:
        while True:
            try:
                parent.mkdir()
                self._kind.prepare(parent)
            except FileExistsError:
                pass
            try:
                (parent / name).mkdir()
            except FileNotFoundError:  # the last group went meanwhile, and its parent with it
                continue
            return

    def sweep(self, is_gone: Callable[[int], bool]) -> None:
        """Remove all groups of services whose process is gone."""
        for place in self.places:
            for parent in place.glob(f"{self.prefix}*"):
                owner = parent.name.removeprefix(self.prefix)
                if owner.isdecimal() and is_gone(int(owner)):
                    for processes in parent.glob("*/cgroup.procs"):
                        self._kind([processes.parent]).remove()
                    with suppress(OSError):  # gone with the last of them
                        parent.rmdir()

    def _is_usable(self) -> bool:
        """Whether a group can be made; a system may promise it and not let us."""
        try:
            self.create("probe", FULL_VCPU).remove()
        except OSError:
            return False
        return True


def of_process(pid: int) -> Cgroup:
    """The group that somebody else has made for a process, with its memory and its freezer.

    Raises:
        OSError: the process is gone, or its groups cannot be seen from here.
    """
    trees = _trees("/proc/self/mountinfo", str(pid))
    if "memory" in trees and "freezer" in trees:
        found: Cgroup = _Version1([trees["memory"], trees["freezer"]])
    elif "" in trees:
        found = _Version2([trees[""]])
    else:
        raise FileNotFoundError(ENOENT, f"There is no control group of process {pid} to be seen")
    return found


def _trees(mounts: str, process: str = "self") -> Mapping[str, Path]:
    """The directories of a process's groups, by controller; "" is version 2's."""
    own = {}
    try:
        for line in _read(Path("/proc", process, "cgroup")).splitlines():
            _, controllers, path = line.split(":", 2)
            own.update(dict.fromkeys(controllers.split(","), path))
        lines = _read(Path(mounts)).splitlines()
    except OSError:  # not Linux
        return {}
    found = {}
    for line in lines:
        first, _, second = line.partition(" - ")
        root, mount = first.split()[3:5]
        kind, _, options = second.split()[:3]
        names = [""] if kind == "cgroup2" else options.split(",") if kind == "cgroup" else []
        for name in names:
            if name in own:
                # In a container the mount may show a part of the tree only.
                path = own[name].removeprefix(root.rstrip("/"))
                found[name] = Path(mount, path.lstrip("/"))
    return found


def _read(path: Path) -> str:
    return path.read_text()


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _number(path: Path, name: str) -> int:
    for line in _read(path).splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0
