"""The output of a program in a container, as Docker sends it: frames of its two streams.

https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from warmstart.service.environments.output import Lines

__all__ = ["Attachment", "Frames"]

_HEADER = 8
_READ = 65536


class Frames:
    """What is in the frames, in the order in which they came. Pure."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take what was received next."""
        self._buffer += data
        while len(self._buffer) >= _HEADER:
            end = _HEADER + int.from_bytes(self._buffer[4:_HEADER], "big")
            if len(self._buffer) < end:
                return
            self._take(bytes(self._buffer[_HEADER:end]))
            del self._buffer[:end]


class Attachment:
    """Reads the stream as it comes. `ended` is set when there is no more."""

    def __init__(self, stream: socket.socket, on_output: Callable[[str], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stream = stream
        self._lines = Lines(on_output)
        self._frames = Frames(self._lines.feed)
        self.ended = asyncio.Event()
        stream.setblocking(False)
        self._loop.add_reader(stream, self.drain)

    def drain(self) -> None:
        """Report all that is here now."""
        while not self.ended.is_set():
            try:
                data = self._stream.recv(_READ)
            except BlockingIOError:
                return
            except ConnectionError:
                data = b""
            if not data:
                self.close()
                return
            self._frames.feed(data)

    def close(self) -> None:
        """Read no more."""
        if not self.ended.is_set():
            self.ended.set()
            self._loop.remove_reader(self._stream)
            self._stream.close()
            self._lines.end()
