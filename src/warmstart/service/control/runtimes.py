"""Which program serves which `Runtime`.

Pythons are served by warmstart's own runtime client under an interpreter of that
version, which must be on this machine. Custom runtimes bring their `bootstrap`.
AWS's other runtimes are not here: such a function must bring its runtime client.
What cannot be served is said when the function is deployed, never replaced by
something similar.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from warmstart.service.api.errors import ApiError

__all__ = [
    "ImagePythons",
    "Interpreters",
    "Program",
    "RuntimeUnavailable",
    "check_creatable",
    "program",
    "supports_snap_start",
]

_logger = logging.getLogger(__name__)

# Those that AWS lets nobody create or update any more:
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html#runtimes-deprecated
_BLOCKED = frozenset(
    {
        *("nodejs", "nodejs4.3", "nodejs4.3-edge", "nodejs6.10", "nodejs8.10"),
        *("nodejs10.x", "nodejs12.x", "nodejs14.x", "python2.7", "python3.6", "python3.7"),
        *("dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1"),
        *("ruby2.5", "ruby2.7", "java8", "go1.x", "provided"),
    }
)

# https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html#snapstart-runtimes
_SNAP_START = {"java": (11,), "python": (3, 12), "dotnet": (8,)}

_PACKAGE = Path(__file__).resolve().parents[2]

_SDK = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")

_OLDEST_PYTHON = (3, 11)  # what warmstart runs on


class RuntimeUnavailable(Exception):
    """This machine cannot run functions of that runtime; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Program:
    """How to start a function's runtime: `command`, or else what an environment starts by itself.

    That is a `bootstrap`, or for Python functions warmstart's own runtime under `python`.

    `python_path` is where such an interpreter finds warmstart, if it does not by itself, and
    `sdk_path` is where it finds boto3.
    """

    python: str = sys.executable
    python_path: str | None = None
    sdk_path: str | None = None
    command: tuple[str, ...] = ()


def check_creatable(runtime: str) -> None:
    """Refuse a runtime as AWS does. Raises `ApiError`."""
    if runtime in _BLOCKED:
        raise ApiError(
            "InvalidParameterValueException",
            f"The runtime parameter of {runtime} is no longer supported for creating or updating"
            " AWS Lambda functions. We recommend you use a supported runtime while creating or"
            " updating functions.",
        )


def supports_snap_start(runtime: str) -> bool:
    """Whether AWS's SnapStart is there for a runtime."""
    language = runtime.rstrip("0123456789.")
    oldest = _SNAP_START.get(language)
    return oldest is not None and _numbers(runtime.removeprefix(language)) >= oldest


def program(
    runtime: str, handler: str, code: Path, layers: Path | None, interpreters: Interpreters
) -> Program:
    """The program for a function with its code and merged layers in these directories.

    Raises:
        RuntimeUnavailable: there is none here.
    """
    if runtime.startswith("python"):
        return interpreters.program(runtime.removeprefix("python"))
    # Whether a custom runtime has its bootstrap AWS, too, finds out only when it starts it.
    if runtime.startswith("provided") or any(_bootstraps(code, layers)):
        return Program()
    if runtime.startswith("nodejs"):
        return _node(runtime, handler, code, layers)
    raise RuntimeUnavailable(
        f"{runtime} is not on this machine: put a runtime client into the function's package or"
        " one of its layers, as an executable named bootstrap"
    )


def _bootstraps(code: Path, layers: Path | None) -> Iterator[Path]:
    for directory in (code, layers):
        if directory is not None and os.access(directory / "bootstrap", os.X_OK):
            yield directory / "bootstrap"


def _node(runtime: str, handler: str, code: Path, layers: Path | None) -> Program:
    """AWS's own client for Node, where the package or a layer brings it, under this machine's."""
    client = Path("node_modules/aws-lambda-ric/bin/index.mjs")
    places = [code / client] + ([] if layers is None else [layers / "nodejs" / client])
    found = next((place for place in places if place.is_file()), None)
    node = shutil.which("node")
    if found is None or node is None:
        missing = "node is not on this machine's PATH" if found else "no runtime client for it"
        raise RuntimeUnavailable(
            f"{runtime} cannot be run here ({missing}): have Node installed and put"
            " aws-lambda-ric into the package's node_modules, or bring an executable named"
            " bootstrap in the package or a layer"
        )
    return Program(command=(node, str(found), handler))


class Interpreters:
    """Finds this machine's Pythons by version; each is looked for once, unless it is missing.

    Looking starts programs and may take a moment: call it in a thread. Other Pythons than
    our own find warmstart in a directory with a link to it and nothing else, as what is
    installed beside it may not be for them. boto3, which AWS's Pythons have too, they find
    in the same way, if our own has it: it and all it needs is for any Python.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # many functions are deployed at once when a service starts
        self._found: dict[str, str] = {}
        self._directory: str | None = None

    def program(self, version: str) -> Program:
        """Warmstart's runtime on the interpreter of a version, like `3.12`.

        Raises:
            RuntimeUnavailable: there is no such interpreter, or warmstart cannot run on it.
        """
        if version == f"{sys.version_info.major}.{sys.version_info.minor}":
            return Program()
        if _numbers(version) < _OLDEST_PYTHON:
            raise RuntimeUnavailable(
                f"python{version} cannot be run here: warmstart's runtime client needs Python"
                f" {'.'.join(map(str, _OLDEST_PYTHON))} or newer, so choose a newer Runtime"
            )
        with self._lock:
            if version not in self._found:
                self._found[version] = self._look_for(version)
            warmstart, sdk = self._links()
        return Program(python=self._found[version], python_path=warmstart, sdk_path=sdk)

    def close(self) -> None:
        """Remove the directory."""
        if self._directory is not None:
            shutil.rmtree(self._directory)
            self._directory = None

    def _links(self) -> tuple[str, str | None]:
        """The directory with warmstart, and that with boto3 if there is one."""
        if self._directory is None:
            self._directory = tempfile.mkdtemp(prefix="warmstart-python-")
            _link([_PACKAGE], os.path.join(self._directory, "runtime"))
            _link(_sdk(), os.path.join(self._directory, "sdk"))
        sdk = os.path.join(self._directory, "sdk")
        return os.path.join(self._directory, "runtime"), sdk if os.listdir(sdk) else None

    def _look_for(self, version: str) -> str:
        for candidate in _candidates(version):
            if _is_python(candidate, version):
                return candidate
        raise RuntimeUnavailable(
            f"python{version} is not on this machine: install it so that python{version} is on"
            " PATH (or with pyenv), or choose the Runtime"
            f" python{sys.version_info.major}.{sys.version_info.minor}, which is here"
        )


class ImagePythons(Interpreters):
    """Those of container images, where functions without an image of their own run in one."""

    def program(self, version: str) -> Program:
        """Warmstart's runtime on the image's interpreter; the image is named by the version."""
        return Program()


def _sdk() -> list[Path]:
    """What boto3 is made of, if this Python has it all."""
    specs = [importlib.util.find_spec(name) for name in _SDK]
    origins = [Path(spec.origin) for spec in specs if spec is not None and spec.origin is not None]
    if len(origins) < len(_SDK):
        return []
    return [origin.parent if origin.stem == "__init__" else origin for origin in origins]


def _link(targets: list[Path], directory: str) -> None:
    os.mkdir(directory)
    for target in targets:
        os.symlink(target, os.path.join(directory, target.name))


def _candidates(version: str) -> Iterator[str]:
    on_path = shutil.which(f"python{version}")
    if on_path is not None:
        yield on_path
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for directory in sorted(pyenv.glob(f"versions/{version}.*"), reverse=True):
        yield str(directory / "bin" / "python")


def _is_python(candidate: str, version: str) -> bool:
    """Ask it: a version manager's stand-in is on PATH even for what is not installed."""
    script = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        result = subprocess.run(
            [candidate, "-I", "-c", script],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        _logger.info("%s is not used: %s", candidate, error)
        return False
    return result.returncode == 0 and result.stdout.strip() == version


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
