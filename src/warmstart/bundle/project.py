"""The project that an app is in: its files, and where it says what it depends on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from warmstart.bundle.errors import BuildError

__all__ = ["Project", "shipped_files"]

_APP = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*[:.][A-Za-z_]\w*", re.ASCII)

_REQUIREMENTS = ("uv.lock", "requirements.txt", "pyproject.toml")
"""Where dependencies are looked for: what pins them first."""


@dataclass(frozen=True, slots=True)
class Project:
    """An app, `module:attribute`, below a directory from which its module can be imported."""

    app: str
    root: Path
    code: Path

    @classmethod
    def find(cls, app: str, root: Path) -> Project:
        """The project of `app` in the directory `root`, whose code may lie in `src`.

        Raises:
            BuildError: there is no such module.
        """
        if not _APP.fullmatch(app):
            raise BuildError(f"'{app}' does not name an app: write module:attribute, as main:app")
        module = re.split(r"[:.]", app)[0]
        for code in (root, root / "src"):
            if (code / f"{module}.py").is_file() or (code / module).is_dir():
                return cls(app, root, code)
        raise BuildError(
            f"There is no {module}.py and no package {module} in {root}, nor in its src:"
            " run the command in the project's directory"
        )

    @property
    def handler(self) -> str:
        """The handler's name, as Lambda writes it."""
        module, _, attribute = self.app.replace(":", ".").rpartition(".")
        return f"{module}.{attribute}"

    def requirements(self) -> Path | None:
        """The file that says what the app depends on; `None` if there is none."""
        for name in _REQUIREMENTS:
            if (self.root / name).is_file():
                return self.root / name
        return None

    def files(self) -> list[Path]:
        """The code's files, relative to `code` and sorted."""
        return shipped_files(self.code)


def shipped_files(directory: Path) -> list[Path]:
    """The files of a directory that are shipped, relative to it and sorted.

    What git ignores is left out where git knows, and always: what is hidden,
    bytecode, virtual environments and what a build of a package leaves behind.
    """
    known = _known_to_git(directory)
    names = _walk(directory) if known is None else known
    return sorted(path for path in names if _is_shipped(path))


def _known_to_git(directory: Path) -> list[Path] | None:
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=directory, capture_output=True, check=False)
    if listed.returncode:
        return None
    names = (Path(os.fsdecode(name)) for name in listed.stdout.split(b"\0") if name)
    # A file that was deleted is still listed.
    return [
        name for name in names if (directory / name).is_file() and not _in_venv(directory, name)
    ]


def _in_venv(directory: Path, name: Path) -> bool:
    return any((directory / parent / "pyvenv.cfg").exists() for parent in name.parents)


def _walk(directory: Path) -> Iterator[Path]:
    for parent, directories, names in os.walk(directory):
        if "pyvenv.cfg" in names:
            directories.clear()
            continue
        directories[:] = [name for name in directories if _is_shipped(Path(name))]
        for name in names:
            yield (Path(parent) / name).relative_to(directory)


def _is_shipped(path: Path) -> bool:
    return not any(
        part.startswith(".")
        or part in ("__pycache__", "node_modules")
        or part.endswith(".egg-info")
        for part in path.parts
    ) and path.suffix not in (".pyc", ".pyo")
