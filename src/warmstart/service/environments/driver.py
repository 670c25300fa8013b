"""What a sandbox needs of whatever runs its programs: processes here, containers elsewhere."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from warmstart.service.function import Function

__all__ = ["Driver", "Enclosure", "EnclosureFailed", "ImagePlaces", "Places", "Running"]


@dataclass(frozen=True, slots=True)
class Places:
    """Where the programs of an environment find things, as they themselves see it.

    `layers` is where the contents of the layers are, `None` if there are none.
    `temporary` is theirs alone and outlives a reset. `private` tells whether these are AWS's own
    places (/var/task, /opt, /tmp), mounted for them.

    In a container everything is the image's: `image` then tells what it says of itself.
    """

    task_root: str
    layers: str | None
    temporary: str
    private: bool = False
    image: ImagePlaces | None = None

    @property
    def working_directory(self) -> str:
        """Where programs are started."""
        return self.task_root if self.image is None else self.image.working_directory


@dataclass(frozen=True, slots=True)
class ImagePlaces:
    """What an image says of itself, after the function's `ImageConfig`.

    `command` is the whole command line, empty for one that holds no function but its
    Python, called `python`, which finds warmstart in the directory `packages`.
    """

    command: tuple[str, ...]
    working_directory: str
    variables: Mapping[str, str]
    python: str = "python3"
    packages: str | None = None


class EnclosureFailed(Exception):
    """What is to run programs does not, or is gone; the message says what is known of it.

    No program is to blame. The environment is lost, and others may be made.
    """


class Running(Protocol):
    """A program that has been started."""

    @property
    def pid(self) -> int: ...

    def stop(self, grace: float) -> None:
        """Ask it to end (SIGTERM); `grace` seconds later, kill it."""
        ...

    def kill(self) -> None:
        """End it and all it has started, at once."""
        ...

    async def wait_closed(self) -> None:
        """Return when it has ended and nothing that it started is left."""
        ...


class Enclosure(Protocol):
    """The surroundings of one environment's programs: its places, its share of the machine.

    It outlives the programs: what is in /tmp is still there after a reset.
    """

    @property
    def places(self) -> Places: ...

    @property
    def listener(self) -> socket.socket | None:
        """Where its Runtime API is to listen; `None` if a port of this host will do."""
        ...

    @property
    def layers(self) -> Path | None:
        """Where this process finds what programs find at `places.layers`, if there is anything."""
        ...

    def connection(self) -> socket.socket:
        """A socket that connects to what its programs listen on. Raises `OSError`."""
        ...

    async def start(
        self,
        arguments: Sequence[str],
        variables: Mapping[str, str],
        on_output: Callable[[str], None],
        on_exit: Callable[[int], None],
    ) -> Running:
        """Start a program in the task root, with exactly these variables.

        `on_output` gets each line, `on_exit` the return code (negative for a
        signal) once, after the last line.

        Raises:
            OSError: it cannot be started; nothing of it is left behind.
            EnclosureFailed: nothing can be started any more.
        """
        ...

    def drain(self) -> None:
        """Report all output that its programs have written until now.

        Also of one that `start` has not yet returned: it may be quicker, and have served an
        invocation by then.
        """
        ...

    def freeze(self) -> None:
        """Let nothing in it run until `thaw`."""
        ...

    def thaw(self) -> None:
        """Let everything in it run."""
        ...

    def peak_memory(self) -> int | None:
        """The most memory its programs have had so far, in bytes; `None` if unknown."""
        ...

    def out_of_memory(self) -> bool:
        """Whether a program was killed since the last call because there was not enough memory."""
        ...

    async def close(self) -> None:
        """Remove it. All of its programs must have ended."""
        ...


class Driver(Protocol):
    """Makes enclosures."""

    async def open(self, function: Function, environment_id: str) -> Enclosure:
        """Make one. Raises `OSError` or `EnclosureFailed` if it cannot be made."""
        ...
