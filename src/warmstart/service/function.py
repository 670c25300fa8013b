"""What a function is: code, the settings AWS gives it, and how to run it here."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

__all__ = ["IDLE_TIMEOUT", "Function", "Image"]

IDLE_TIMEOUT = 300.0
"""Seconds after which an unused environment is shut down; AWS says no number."""

_NAME = re.compile(r"[a-zA-Z0-9-_]{1,140}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A container image, and what is to be other than it says (AWS's `ImageConfig`)."""

    uri: str
    entry_point: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    working_directory: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function, as configured. Times are in seconds, memory in MB.

    `task_root` is the directory that holds the code, and the working directory
    of its environments. `environment` is what the user passes; nothing of the
    host's own variables is added. `command` is the program that speaks the
    Runtime API (a custom runtime's `bootstrap`, another runtime client); left
    empty it is warmstart's own runtime under `python`, which finds warmstart in the
    directory `python_path` if that is given; `sdk_path` is where Python code finds boto3,
    after the layers, if the interpreter has none of its own.

    With `image` all that is in there, the runtime too, and what is said above of code and
    programs means nothing.

    `layers_directory` holds its layers, merged: what is /opt on AWS. `ephemeral_storage`
    is what fits into its temporary directory, in MB. With `snap_start` its environments
    are made from a snapshot of an initialized one.

    `init_timeout` left out is AWS's: 10 s on demand, else at least 130 s. If INIT fails
    on demand it is run again within the invocation, as on AWS, unless `suppressed_init`
    is false. With `freeze` nothing in an environment runs between its invocations.
    After `max_age` an environment is replaced, even one in use. With `isolated` it finds
    the code at /var/task, the layers at /opt and a /tmp of its own, where the system can do
    that; else they are where they are, as the environment variables tell.

    `max_environment_concurrency` is how many invocations one environment serves at the
    same time. With `tenant_isolation_mode` each tenant has environments of its own.

    `log_group` is where its logs go, by default AWS's own place for them. The log
    levels (TRACE to FATAL; DEBUG, INFO or WARN for the system's) filter JSON logs only.

    Raises:
        ValueError: a setting is out of its bounds; the message names it.
    """

    name: str
    handler: str
    task_root: str
    timeout: float = 3.0
    memory_size: int = 128
    environment: Mapping[str, str] = field(default_factory=dict)
    idle_timeout: float = IDLE_TIMEOUT
    init_timeout: float | None = None
    max_age: float = 4 * 3600.0
    python: str = sys.executable
    python_path: str | None = None
    sdk_path: str | None = None
    command: tuple[str, ...] = ()
    image: Image | None = None
    isolated: bool = False
    suppressed_init: bool = True
    freeze: bool = True
    runtime: str = f"python{sys.version_info.major}.{sys.version_info.minor}"
    version: str = "$LATEST"
    architecture: Literal["x86_64", "arm64"] = "x86_64"
    layers_directory: str | None = None
    ephemeral_storage: int = 512
    snap_start: bool = False
    max_environment_concurrency: int = 1
    tenant_isolation_mode: Literal["PER_TENANT"] | None = None
    log_format: Literal["Text", "JSON"] = "Text"
    log_group: str = ""
    application_log_level: str = "INFO"
    system_log_level: str = "INFO"

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name {self.name!r}: use up to 140 letters, digits, - and _")
        for setting in ("timeout", "idle_timeout", "init_timeout", "max_age", "memory_size"):
            value = getattr(self, setting)
            if value is not None and not value > 0:
                raise ValueError(f"{setting} must be above zero, not {value!r}")
        if self.max_environment_concurrency < 1:
            raise ValueError(
                "max_environment_concurrency must be at least 1,"
                f" not {self.max_environment_concurrency}"
            )
        for name, text in self.environment.items():
            if not name or "=" in name or "\0" in name or "\0" in text:
                raise ValueError(f"environment: {name!r} cannot be an environment variable")
        object.__setattr__(self, "log_group", self.log_group or f"/aws/lambda/{self.name}")
        object.__setattr__(self, "environment", MappingProxyType(dict(self.environment)))
