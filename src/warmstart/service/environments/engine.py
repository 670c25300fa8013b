"""Docker's engine, as environments use it: through Docker's SDK, and never from the event loop.

Containers are labelled with the process id of the service that they belong to, so
that those of one that was killed are found, and with when that was started, as ids
are given out anew.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from warmstart.service.environments.cgroups import of_process
from warmstart.service.environments.driver import EnclosureFailed

__all__ = ["Engine", "EngineUnavailable", "NoImage"]

_OWNER = "warmstart.owner"
_SINCE = "warmstart.since"
_ENVIRONMENT = "warmstart.environment"

_UNIX = "unix://"
_LOOK = 0.002
"""Seconds between two looks at whether a program has ended."""

_PATIENCE = 30.0
"""Seconds after which an engine that does not say is given up."""

_BOOT = Path("/proc/sys/kernel/random/boot_id")


class EngineUnavailable(Exception):
    """There is no engine that can be used; the message says why, and what to do."""


class NoImage(Exception):
    """The engine does not have the image; the message says what to do."""


class Engine:
    """The engine at `DOCKER_HOST`, or where Docker is by default.

    Raises:
        EngineUnavailable: there is none, or it is of no use.
    """

    def __init__(self) -> None:
        try:
            import docker
        except ImportError:
            raise EngineUnavailable(
                'Containers take the docker package: pip install "warmstart[build]"'
            ) from None
        self._errors = docker.errors
        self._types = docker.types
        address = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
        if not address.startswith(_UNIX):
            raise EngineUnavailable(
                f"DOCKER_HOST is {address}, but the engine must be on this machine: name its"
                " socket, as unix:///var/run/docker.sock"
            )
        if not hasattr(os, "geteuid") or os.geteuid() != 0:
            raise EngineUnavailable(
                "To serve functions inside of their containers warmstart must be root (sudo),"
                " on Linux: see docs/images.md"
            )
        self._path = address.removeprefix(_UNIX)
        self._connect(docker)

    def _connect(self, docker: Any) -> None:
        # The SDK leaves a socket open that it could not connect.
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(self._path)
            except OSError as error:
                raise EngineUnavailable(
                    f"Docker does not answer at {self._path} ({error.strerror}): start it, or say"
                    " in DOCKER_HOST where it is"
                ) from None
        try:
            self._client = docker.from_env()
            self.processors: int = self._client.info()["NCPU"]
        except self._errors.DockerException as error:
            raise EngineUnavailable(f"Docker cannot be used: {error}") from None
        self._api = self._client.api

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def image(self, uri: str) -> tuple[str, Mapping[str, Any]]:
        """An image's id, which no later build changes, and its configuration.

        Raises:
            NoImage: the engine does not have it.
        """
        try:
            found = self._api.inspect_image(uri)
        except self._errors.APIError as error:
            if error.status_code not in (400, 404):
                raise OSError(str(error)) from error
            raise NoImage(
                f"Docker has no image {uri}. Pull or build it on this machine first."
            ) from None
        return found["Id"], found["Config"]

    def network(self, name: str) -> str:
        """The name of a network that containers may be connected to.

        Raises:
            EngineUnavailable: the engine has none of that name, or it would be the host's own.
        """
        if name == "host" or name.startswith("container:"):
            raise EngineUnavailable(
                f"Functions cannot be in the network {name}: each has a Runtime API at the same"
                " address of its own. Make one with `docker network create`."
            )
        try:
            self._api.inspect_network(name)
        except self._errors.NotFound:
            raise EngineUnavailable(
                f"Docker has no network {name}. Make it with `docker network create {name}`."
            ) from None
        return name

    # Containers

    def run(
        self, image: str, environment_id: str, program: str, settings: Mapping[str, Any]
    ) -> tuple[str, int]:
        """Run a container of `program` alone; its id, and its process's.

        Raises:
            OSError: the engine cannot.
        """
        owner = str(os.getpid())
        try:
            container: str = self._api.create_container(
                image,
                command=[],
                entrypoint=[program],
                name=f"warmstart-{owner}-{environment_id}",
                labels={_OWNER: owner, _SINCE: _since(owner), _ENVIRONMENT: environment_id},
                working_dir="/",
                user="0:0",
                host_config=self._api.create_host_config(**settings),
            )["Id"]
        except self._errors.DockerException as error:
            raise OSError(_reason(error)) from error
        try:
            self._api.start(container)
            return container, self._api.inspect_container(container)["State"]["Pid"]
        except BaseException as error:
            self._remove(container)
            if isinstance(error, self._errors.DockerException):
                raise OSError(_reason(error)) from error
            raise

    def remove(self, container: str) -> None:
        """End a container and all that is in it, frozen or not."""
        with suppress(self._errors.NotFound):
            pid = self._api.inspect_container(container)["State"]["Pid"]
            if pid:
                with suppress(OSError):
                    of_process(pid).thaw()
            self._remove(container)

    def _remove(self, container: str) -> None:
        with suppress(self._errors.NotFound):
            try:
                self._api.remove_container(container, force=True, v=True)
            except self._errors.APIError as error:
                if error.status_code != 409:  # somebody else is removing it
                    raise

    def own(self) -> Iterable[str]:
        """The containers of this process. Raises `OSError`."""
        return [container for container, owner, _ in self._owned() if owner == str(os.getpid())]

    def orphans(self) -> Iterable[str]:
        """The containers of services that are gone. Raises `OSError`."""
        return [container for container, owner, since in self._owned() if _since(owner) != since]

    def _owned(self) -> Iterable[tuple[str, str, str]]:
        for found in self._api.containers(all=True, filters={"label": _OWNER}):
            labels = found["Labels"]
            yield found["Id"], labels[_OWNER], labels.get(_SINCE, "")

    # Programs in them

    def start(
        self, container: str, arguments: Sequence[str], user: str, variables: Mapping[str, str]
    ) -> str:
        """Start a program, whose output is lost; its id.

        Raises:
            EnclosureFailed: the engine cannot.
        """
        try:
            program: str = self._api.exec_create(
                container,
                list(arguments),
                stdout=False,
                stderr=False,
                user=user,
                environment=dict(variables),
            )["Id"]
            self._api.exec_start(program, detach=True)
        except (self._errors.DockerException, OSError) as error:
            raise EnclosureFailed(_reason(error)) from error
        return program

    def process(self, program: str) -> int:
        """The process id of a program that was started.

        Raises:
            EnclosureFailed: the engine does not say.
        """
        return int(self._inspect_until(program, lambda it: bool(it["Pid"]))["Pid"])

    def return_code(self, program: str) -> int:
        """How a program has ended; negative for a signal.

        Raises:
            EnclosureFailed: the engine does not say.
        """
        state = self._inspect_until(
            program, lambda it: not it["Running"] and it["ExitCode"] is not None
        )
        code = int(state["ExitCode"])
        return code if code <= 128 else 128 - code  # as shells have it

    def _inspect_until(
        self, program: str, told: Callable[[Mapping[str, Any]], bool]
    ) -> Mapping[str, Any]:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            try:
                state: Mapping[str, Any] = self._api.exec_inspect(program)
            except (self._errors.DockerException, OSError) as error:
                raise EnclosureFailed(_reason(error)) from error
            if told(state):
                return state
            time.sleep(_LOOK)
        raise EnclosureFailed(f"Docker does not say what has become of program {program}")


def _since(pid: str) -> str:
    """When a process was started, in the kernel's words; nothing if it is gone."""
    try:
        status = Path("/proc", pid, "stat").read_text()
    except OSError:
        return ""
    # What is in parentheses may hold anything. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    return f"{_BOOT.read_text().strip()} {status.rpartition(')')[2].split()[19]}"


def _reason(error: Exception) -> str:
    return str(getattr(error, "explanation", None) or error)
