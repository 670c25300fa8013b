"""warmstart's own wheel for functions: the rooms that run there, as they are here.

So a function gets the very code that builds it, whatever a package index has,
and none of the platform's rooms.
"""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import warmstart

__all__ = ["write_own_wheel"]

_ROOT = Path(warmstart.__file__).parent
_SHIPPED = ("adapter", "compat", "events", "runtime")


def write_own_wheel(directory: Path) -> Path:
    """Write the wheel into a directory."""
    version = warmstart.__version__
    information = f"warmstart-{version}.dist-info"
    contents = {f"warmstart/{name}": (_ROOT / name).read_bytes() for name in _shipped()}
    contents[f"{information}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: warmstart\nVersion: {version}\n".encode()
    )
    contents[f"{information}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: warmstart\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    record = f"{information}/RECORD"
    lines = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in contents.items()]
    contents[record] = "\n".join([*lines, f"{record},,\n"]).encode()
    path = directory / f"warmstart-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, data in contents.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o755 if name.endswith("exec-wrapper") else 0o644) << 16
            wheel.writestr(entry, data)
    return path


def _shipped() -> Iterator[str]:
    yield "__init__.py"
    if (_ROOT / "py.typed").exists():
        yield "py.typed"
    for room in _SHIPPED:
        for path in sorted((_ROOT / room).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                yield path.relative_to(_ROOT).as_posix()


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
