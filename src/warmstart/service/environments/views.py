"""Starting programs in a private view of the file system, the way this system allows."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from warmstart.service.environments import isolation
from warmstart.service.environments.driver import Places
from warmstart.service.environments.isolation import LAYERS, TASK_ROOT, TEMPORARY, enter
from warmstart.service.environments.process import spawn
from warmstart.service.function import Function

__all__ = ["Views"]

_PACKAGE_ROOT = Path(__file__).resolve().parents[3]
_COVERED = (TASK_ROOT, LAYERS, TEMPORARY)


class Views:
    """Makes views; `as_user` with a user namespace, which takes a program of its own."""

    def __init__(self, *, as_user: bool) -> None:
        self._as_user = as_user

    @classmethod
    def find(cls) -> Views | None:
        """The cheapest way that works here; `None` if there is none."""
        for as_user in (False, True):
            views = cls(as_user=as_user)
            if views.work():
                return views
        return None

    def work(self) -> bool:
        """Whether the system lets us: a program is started to find out."""
        with tempfile.TemporaryDirectory() as empty:
            works: list[bool] = []
            thread = threading.Thread(target=lambda: works.append(self._probe(empty)))
            thread.start()
            thread.join()
            return works == [True]

    def _probe(self, empty: str) -> bool:
        function = Function(name="probe", handler="", task_root=empty)
        arguments = (sys.executable, "-I", "-S", "-c", "")
        with open(os.devnull, "wb") as output:
            try:
                child = self.spawn(function, empty, arguments, {}, output.fileno())
            except OSError:
                return False
            return child.wait() == 0

    @staticmethod
    def places(function: Function) -> Places:
        """Where programs find things in a view."""
        layers = None if function.layers_directory is None else LAYERS
        return Places(TASK_ROOT, layers, TEMPORARY, private=True)

    def own_temporary(self, function: Function, inside: str) -> dict[str, Any]:
        """What a copy of a program in a view does for a /tmp of its own: `inside` the other's."""
        kept = [path for path in sorted(_kept(function)) if path.startswith(f"{TEMPORARY}/")]
        source = f"{TEMPORARY}/{inside}"
        return {"source": source, "target": TEMPORARY, "kept": kept, "as_user": self._as_user}

    def spawn(
        self,
        function: Function,
        temporary: str,
        arguments: Sequence[str],
        variables: Mapping[str, str],
        output: int,
        descriptors: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        """Start a program in a view. The calling thread may be of no other use any more.

        Raises:
            OSError: it could not be started.
        """
        layers = function.layers_directory or ""
        kept = sorted(_kept(function))
        if not self._as_user:
            enter(function.task_root, layers, temporary, kept)
            return spawn(arguments, TASK_ROOT, variables, output, descriptors)
        read, write = os.pipe()
        try:
            launcher = (sys.executable, "-I", "-S", isolation.__file__)
            own = (function.task_root, layers, temporary, str(write), *kept, "--")
            passed = (write, *descriptors)
            child = spawn((*launcher, *own, *arguments), "/", variables, output, passed)
        except BaseException:
            os.close(read)
            raise
        finally:
            os.close(write)
        with open(read, "rb") as failures:
            failure = failures.read().decode()
        if failure:
            child.wait()
            number, _, path = failure.partition(" ")
            raise OSError(int(number), os.strerror(int(number)), path)
        return child


def _kept(function: Function) -> Iterable[str]:
    """What the runtime needs to start, as far as a view would hide it."""
    wanted = {sys.prefix, sys.base_prefix, str(_PACKAGE_ROOT)}
    wanted |= {path for path in (function.python_path, function.sdk_path) if path is not None}
    own = (function.task_root, function.layers_directory or function.task_root)
    programs = {function.python, os.path.realpath(function.python), *function.command}
    for program in programs:
        if not program.startswith(tuple(f"{root}/" for root in own)):
            directory = os.path.dirname(program)
            is_bin = os.path.basename(directory) == "bin"
            wanted.add(os.path.dirname(directory) if is_bin else directory)
    hidden = {
        path
        for path in wanted
        if path.startswith(tuple(f"{covered}/" for covered in _COVERED)) and os.path.isdir(path)
    }
    return {path for path in hidden if not any(path.startswith(f"{each}/") for each in hidden)}
