"""How large a package is, what makes it so, and whether Lambda takes it.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["UNZIPPED_LIMIT", "ZIPPED_LIMIT", "Sizes"]

ZIPPED_LIMIT = 50 * 1024 * 1024
"""Bytes that can be uploaded with the call itself; what is larger goes through S3."""

UNZIPPED_LIMIT = 250 * 1024 * 1024
"""Bytes of a function's code and its layers, unpacked."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """In bytes; `packages` are the top-level names, the heaviest first."""

    zipped: int
    unzipped: int
    packages: list[tuple[str, int]]

    @classmethod
    def of(cls, archive: Path, entries: Mapping[str, Path], below: str = "") -> Sizes:
        """The sizes of an archive of `entries`, whose packages lie in the directory `below`."""
        packages: Counter[str] = Counter()
        for name, source in entries.items():
            packages[_package(name.removeprefix(below))] += source.stat().st_size
        return cls(archive.stat().st_size, packages.total(), packages.most_common())

    @property
    def excess(self) -> str | None:
        """What is to be done about a package that is too large; `None` for one that is not."""
        if self.unzipped > UNZIPPED_LIMIT:
            return (
                f"It unpacks to {self.unzipped:,} bytes and Lambda takes {UNZIPPED_LIMIT:,}, layers"
                " included: drop the heaviest packages, or build an image (up to 10 GB)"
            )
        if self.zipped > ZIPPED_LIMIT:
            return (
                f"It has {self.zipped:,} bytes and Lambda takes {ZIPPED_LIMIT:,} in the call"
                " itself: upload it to S3, and create the function from there"
            )
        return None


def _package(name: str) -> str:
    """The package that a file belongs to, or its own name where it lies beside packages."""
    first = name.partition("/")[0]
    return first.partition("-")[0] if first.endswith(".dist-info") else first
