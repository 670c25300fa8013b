"""What the images hold besides the code: wheels for their Python, downloaded once.

They are kept in the user's cache. Where they cannot be had, tests are skipped with the
reason, except in CI, where they fail. Nothing is fetched while an image is built.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.engine import PYTHON

__all__ = ["offline", "wheels"]

_REQUIREMENTS = Path(__file__).parents[2] / "requirements"


@cache
def wheels(name: str = "images.txt") -> Path:
    """A directory with the wheels of all that is pinned in a file of `requirements/`."""
    pins = _REQUIREMENTS / name
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()[:12]
    folder = cache_home / "warmstart-tests" / f"wheels-{digest}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other processes may be at it, too
        if not folder.exists():
            _download(pins, folder)
    return folder


def offline(folder: Path) -> dict[str, str]:
    """Variables by which uv takes those wheels, and nothing from anywhere else."""
    return {
        "UV_NO_INDEX": "1",
        "UV_OFFLINE": "1",
        "UV_FIND_LINKS": str(wheels()),
        "UV_CACHE_DIR": str(folder / "uv-cache"),
    }


def _download(pins: Path, folder: Path) -> None:
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    platforms = [f"{each}_x86_64" for each in ("manylinux2014", "manylinux_2_28")]
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"),
        *("--requirement", str(pins), "--python-version", PYTHON, "--only-binary", ":all:"),
        *(argument for platform in platforms for argument in ("--platform", platform)),
        *("--dest", str(partial)),
    ]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    except (subprocess.CalledProcessError, OSError) as error:
        said = getattr(error, "stderr", "")
        reason = f"the wheels of {pins.name} cannot be downloaded: {error} {said}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    partial.rename(folder)
