"""Installs an app's dependencies for the target, with uv.

uv resolves and unpacks wheels for a platform that is not this one, which pip does
only in part.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from warmstart.bundle.errors import BuildError
from warmstart.bundle.own_wheel import write_own_wheel
from warmstart.bundle.target import Target

__all__ = ["install", "uv"]


def install(
    requirements: Path | None,
    target: Target,
    directory: Path,
    scratch: Path,
    also: Sequence[str] = (),
) -> None:
    """Install what a requirements file, `pyproject.toml` or `uv.lock` asks for, and warmstart.

    `also` is what is wanted besides, in the version that the requirements say, if any.

    Raises:
        BuildError: uv is missing, or cannot install it; the message has uv's own words.
    """
    wheel = write_own_wheel(scratch)
    command = [
        *(uv(), "pip", "install", "--quiet", "--target", str(directory)),
        *("--python-version", target.python, "--python-platform", target.wheels),
        *("--only-binary", ":all:", "--link-mode", "copy"),
    ]
    wanted = list(also)
    if requirements is not None:
        listed = requirements
        if requirements.name == "uv.lock":
            listed = _exported(requirements, scratch)
        wanted += ["--requirements", str(listed)]
    if wanted:
        _run([*command, *wanted], requirements, _with_links(scratch))
    _run([*command, "--no-deps", "--reinstall", str(wheel)], requirements)


def uv() -> str:
    """The path of the uv program.

    Raises:
        BuildError: there is none.
    """
    beside = shutil.which("uv", path=str(Path(sys.executable).parent))
    found = beside or shutil.which("uv")
    if found is None:
        raise BuildError(
            "uv is needed to install dependencies for Lambda's platform, and is not on the PATH:"
            ' pip install "warmstart[build]" brings it'
        )
    return found


def _exported(lock: Path, scratch: Path) -> Path:
    """A lock file's pins as a requirements file."""
    listed = scratch / "requirements.txt"
    options = ["--frozen", "--quiet", "--no-dev", "--no-emit-project"]
    command = [uv(), "export", *options, "--output-file", str(listed)]
    _run([*command, "--project", str(lock.parent)], lock)
    return listed


def _with_links(directory: Path) -> dict[str, str]:
    """Variables by which uv also finds the wheels in a directory, beside where it looks anyway.

    The requirements may name warmstart, and this very version is there.
    """
    links = [link for link in (os.environ.get("UV_FIND_LINKS"), str(directory)) if link]
    return {**os.environ, "UV_FIND_LINKS": ",".join(links)}


def _run(
    command: list[str], requirements: Path | None, environment: Mapping[str, str] = os.environ
) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        source = "warmstart" if requirements is None else requirements.name
        raise BuildError(
            f"The dependencies in {source} cannot be installed:\n{done.stderr.strip()}"
        )
