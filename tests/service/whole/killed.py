"""Events that are acknowledged, a service that is killed, and another one that delivers them.

python -m tests.service.whole.killed [COUNT]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from tests.cli.running import started
from tests.service.whole.clients import Aws
from tests.service.whole.load import enqueue
from tests.service.whole.recorder import NOTES, Recorder, recording


def survive(folder: Path, count: int, seconds: float) -> Recorder:
    """Enqueue events, kill the service, start it again and wait until all were delivered."""
    with recording(opened=False) as recorder:
        with started(folder, "serve") as running:
            code = NOTES.format(port=recorder.port)
            Aws(running, "").create("notes", code, Timeout=300)
            acknowledged = enqueue(running.port, "notes", count)
            running.process.kill()
            running.process.wait()
        assert len(acknowledged) == count
        recorder.open.set()
        with started(folder, "serve"):
            recorder.wait_for(acknowledged, seconds)
    return recorder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=10_000)
    count = parser.parse_args().count
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        recorder = survive(Path(folder), count, seconds=600)
    more = recorder.heard.total() - count
    print(  # noqa: T201
        f"{count:,} events were acknowledged before a kill -9 and delivered after it, {more} of"
        f" them again, in {time.monotonic() - begun:.0f} s."
    )


if __name__ == "__main__":
    main()
