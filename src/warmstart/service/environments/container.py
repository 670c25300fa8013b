"""What a container is made of, by the function and by its image. Pure.

https://docs.aws.amazon.com/lambda/latest/dg/images-create.html
https://docs.aws.amazon.com/lambda/latest/dg/images-parms.html
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from warmstart.service.environments.cgroups import FULL_VCPU
from warmstart.service.environments.driver import ImagePlaces, Places
from warmstart.service.function import Function, Image

__all__ = ["GATE", "HOLDER", "LAYERS", "RAPID", "RUNTIME_API", "USER", "host_settings", "places"]

RUNTIME_API = ("127.0.0.1", 9001)
"""Where it is on AWS, too."""

USER = "993:990"
"""Lambda's own user; it does not heed the image's USER."""

RAPID = "/var/rapid"
"""Where the service puts what is its own; on AWS its first program is in that place, too."""

HOLDER = f"{RAPID}/init"
GATE = f"{RAPID}/start"

LAYERS = "/opt"

_TASK_ROOT = "/var/task"
_RUNTIME = "/var/runtime"
_TEMPORARY = "/tmp"  # noqa: S108 - the function's, not ours

_HOSTS = dict.fromkeys(("sandbox", "sandbox.localdomain"), RUNTIME_API[0])
"""What an extension calls itself when it wants telemetry.

https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html
"""

_PROCESSES = 1024
"""Processes and threads together.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""


def places(function: Function, config: Mapping[str, Any]) -> Places:
    """Where programs find things; `config` is the image's configuration, as Docker shows it."""
    variables = dict(each.split("=", 1) for each in config.get("Env") or () if "=" in each)
    if function.image is not None:
        image = _of_image(function.image, config, variables)
        return Places(_TASK_ROOT, LAYERS, _TEMPORARY, private=True, image=image)
    layers = None if function.layers_directory is None else LAYERS
    image = ImagePlaces((), _TASK_ROOT, variables, packages=_RUNTIME)
    return Places(_TASK_ROOT, layers, _TEMPORARY, private=True, image=image)


def _of_image(image: Image, config: Mapping[str, Any], variables: Mapping[str, str]) -> ImagePlaces:
    entry_point = _chosen(image.entry_point, config.get("Entrypoint"))
    command = _chosen(image.command, config.get("Cmd"))
    directory = image.working_directory or config.get("WorkingDir") or "/"
    return ImagePlaces((*entry_point, *command), directory, variables)


def _chosen(own: tuple[str, ...] | None, images: list[str] | None) -> tuple[str, ...]:
    return tuple(images or ()) if own is None else own


def host_settings(
    function: Function, network: str, rapid: Path, package: Path, processors: int
) -> dict[str, Any]:
    """Docker's settings of what the container gets of its host, and is kept from.

    `rapid` is the directory that it shares with the service, `package` that of warmstart itself;
    `processors` is how many the host has.
    """
    mounts = [_mount(rapid, RAPID)]
    if function.image is None:
        mounts += [
            _mount(function.task_root, _TASK_ROOT),
            _mount(package, f"{_RUNTIME}/{package.name}"),
        ]
        if function.layers_directory is not None:
            mounts.append(_mount(function.layers_directory, LAYERS))
    memory = function.memory_size * 2**20
    # As many processors as AWS gives to that memory at the most, and its share of them.
    whole = min(processors, -(-function.memory_size // FULL_VCPU))
    return {
        "binds": mounts,
        "network_mode": network,
        "extra_hosts": _HOSTS,
        "mem_limit": memory,
        "memswap_limit": memory,
        "nano_cpus": whole * 10**9,
        "cpu_shares": max(2, 1024 * function.memory_size // FULL_VCPU),
        "pids_limit": _PROCESSES,
        "read_only": True,
        "tmpfs": {_TEMPORARY: f"rw,exec,nosuid,nodev,mode=1777,size={function.ephemeral_storage}m"},
        # Without it there is a /dev/shm to write to. AWS has none either.
        "ipc_mode": "none",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "log_config": {"Type": "none", "Config": {}},
    }


def _mount(source: Path | str, target: str) -> str:
    return f"{source}:{target}:ro"
