"""What a build is for: a version of Python on one of Lambda's architectures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from warmstart.bundle.errors import BuildError

__all__ = ["Architecture", "Target"]

Architecture = Literal["x86_64", "arm64"]

_AMAZON_LINUX_2023 = (3, 12)
"""The first Python whose runtime is based on it: glibc 2.34, where Amazon Linux 2 has 2.26.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
"""


@dataclass(frozen=True, slots=True)
class Target:
    """`python` is `3.13`, `architecture` the word of Lambda's API.

    Raises:
        BuildError: that is no version that warmstart runs on.
    """

    python: str
    architecture: Architecture

    def __post_init__(self) -> None:
        match = re.fullmatch(r"3\.(\d+)", self.python)
        if match is None or int(match[1]) < 11:
            raise BuildError(
                f"Python '{self.python}' is none to build for: name 3.11 or a newer one, as 3.13"
            )

    @property
    def runtime(self) -> str:
        """Lambda's name for the runtime."""
        return f"python{self.python}"

    @property
    def wheels(self) -> str:
        """The platform, as uv names it, whose wheels run there."""
        machine = {"x86_64": "x86_64", "arm64": "aarch64"}[self.architecture]
        minor = int(self.python.partition(".")[2])
        glibc = "manylinux_2_34" if (3, minor) >= _AMAZON_LINUX_2023 else "manylinux2014"
        return f"{machine}-{glibc}"

    @property
    def docker_platform(self) -> str:
        """Docker's name for the platform."""
        return {"x86_64": "linux/amd64", "arm64": "linux/arm64"}[self.architecture]
