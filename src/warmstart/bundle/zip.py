"""A Lambda zip or layer: dependencies for the target, the project's code, bytecode.

`build_zip` installs into a scratch directory, lays the code over it, compiles the
whole and archives it. The same inputs give the same bytes, on every machine.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from warmstart.bundle.archive import write_archive
from warmstart.bundle.bytecode import compile_tree, interpreter
from warmstart.bundle.dependencies import install
from warmstart.bundle.errors import BuildError
from warmstart.bundle.project import Project
from warmstart.bundle.pruning import is_needed
from warmstart.bundle.sizes import Sizes
from warmstart.bundle.target import Target

__all__ = ["Built", "build_layer", "build_zip"]

LAYER = "python/"
"""Where the Python runtimes look for packages in a layer."""

Say = Callable[[str], None]
"""Takes a line about what is being done."""


@dataclass(frozen=True, slots=True)
class Built:
    """An archive that was written. `compiled` tells whether there is bytecode in it."""

    path: Path
    sizes: Sizes
    compiled: bool


def build_zip(
    project: Project, target: Target, output: Path, requirements: Path | None, say: Say
) -> Built:
    """Write a function's zip: the project's code and all that it depends on.

    Raises:
        BuildError: it cannot be built.
    """
    with tempfile.TemporaryDirectory(prefix="warmstart-build-") as scratch:
        tree = Path(scratch) / "tree"
        _install(requirements, target, tree, Path(scratch), say)
        archive = output.resolve()  # an earlier one may lie in the project
        files = [name for name in project.files() if (project.code / name).resolve() != archive]
        say(f"Adding {len(files)} files of {project.code}")
        for name in files:
            destination = tree / name
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(project.code / name, destination)
        return _archive(tree, target, output, "", say)


def build_layer(target: Target, output: Path, requirements: Path | None, say: Say) -> Built:
    """Write a layer: the dependencies alone, where Lambda's Python looks for them.

    Raises:
        BuildError: it cannot be built.
    """
    with tempfile.TemporaryDirectory(prefix="warmstart-build-") as scratch:
        tree = Path(scratch) / "tree"
        _install(requirements, target, tree, Path(scratch), say)
        return _archive(tree, target, output, LAYER, say)


def _install(
    requirements: Path | None, target: Target, tree: Path, scratch: Path, say: Say
) -> None:
    source = "warmstart alone" if requirements is None else requirements.name
    say(f"Installing {source} for {target.runtime} on {target.architecture}")
    tree.mkdir()
    install(requirements, target, tree, scratch)
    for path in sorted(tree.rglob("*")):
        if path.is_file() and not is_needed(PurePosixPath(path.relative_to(tree))):
            path.unlink()


def _archive(tree: Path, target: Target, output: Path, below: str, say: Say) -> Built:
    python = interpreter(target)
    if python is None:
        say(f"No bytecode: there is no Python {target.python} here to compile with")
    else:
        say(f"Compiling with {python}")
        compile_tree(tree, python, f"/opt/{below}" if below else "/var/task")
    entries = {
        below + path.relative_to(tree).as_posix(): path
        for path in tree.rglob("*")
        if path.is_file()
    }
    say(f"Writing {output}")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        write_archive(output, entries)
    except OSError as error:
        raise BuildError(f"{output} cannot be written: {error.strerror}") from error
    return Built(output, Sizes.of(output, entries, below), python is not None)
