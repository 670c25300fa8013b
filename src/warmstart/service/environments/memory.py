"""What processes have of the memory, as /proc tells. Elsewhere nothing is known."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["peak"]


def peak(pids: Iterable[int]) -> int | None:
    """The sum of the most that each of the processes has had in memory so far, in bytes."""
    found = [size for pid in pids if (size := _status(pid, b"VmHWM:")) is not None]
    return sum(found) if found else None


def _status(pid: int, name: bytes) -> int | None:
    try:
        with open(f"/proc/{pid}/status", "rb") as status:
            for line in status:
                if line.startswith(name):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None
