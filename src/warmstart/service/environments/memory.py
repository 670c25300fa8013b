"""What processes have of the memory, as /proc tells. Elsewhere nothing is known."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["peak", "resident", "tree"]


def peak(pids: Iterable[int]) -> int:
    """The sum of the most that each of the processes has had in memory so far, in bytes."""
    return sum(_status(pid, b"VmHWM:") for pid in pids)


def resident(pids: Iterable[int]) -> int:
    """The sum of what each of the processes has in memory now, in bytes."""
    return sum(_status(pid, b"VmRSS:") for pid in pids)


def tree(pids: Iterable[int]) -> list[int]:
    """The processes, and all that they have started and that have not left them."""
    found = list(pids)
    for pid in found:
        try:
            with open(f"/proc/{pid}/task/{pid}/children", "rb") as children:
                found += map(int, children.read().split())
        except OSError:
            pass
    return found


def _status(pid: int, name: bytes) -> int:
    try:
        with open(f"/proc/{pid}/status", "rb") as status:
            for line in status:
                if line.startswith(name):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
