"""moto's server: S3, SQS, SNS and IAM by people who have nothing to do with us."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from moto.server import ThreadedMotoServer


@dataclass(frozen=True)
class Moto:
    """A server. What it holds is the whole process's, whichever server it was put through: two
    tests that share a process and a name share the queue. So each takes names of its own.
    """

    url: str

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Moto]:
        server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        try:
            yield cls(f"http://{host}:{port}")
        finally:
            server.stop()
