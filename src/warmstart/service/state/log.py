"""Finds damage in SQLite's write-ahead log, which SQLite itself takes for its end.

After a crash the log may end in a transaction that was not written as a whole, and
nobody was told that it was. SQLite reads up to the first frame whose checksum is
wrong, and forgets the rest. But each commit waited for the disk, so only the last
transaction can be so: where more commits follow a frame that is wrong, frames that
were acknowledged have been damaged since.

https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

from __future__ import annotations

import struct
import sys
from array import array
from pathlib import Path

__all__ = ["damage"]

_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_MAGIC = 0x377F0682  # the lowest bit tells the order of the checksums' bytes


def damage(path: Path) -> str | None:
    """What is wrong with the log, or `None` if nothing is, or there is none."""
    try:
        log = path.read_bytes()
    except FileNotFoundError:
        return None
    if len(log) < _HEADER.size:
        return None
    magic, _, page, _, salt1, salt2, *expected = _HEADER.unpack_from(log)
    swap = ("little" if magic == _MAGIC else "big") != sys.byteorder
    size = _FRAME.size + page
    checksum = _checksum((0, 0), log[:24], swap)
    if magic | 1 != _MAGIC | 1 or checksum != tuple(expected):
        return "the beginning of its log" if len(log) > _HEADER.size else None
    wrong, commits = False, 0
    for start in range(_HEADER.size, len(log) - size + 1, size):
        _, commit, *rest = _FRAME.unpack_from(log, start)
        if rest[:2] != [salt1, salt2]:
            wrong = True  # or what is left of an earlier log: there no salt is right
        elif not wrong:
            checksum = _checksum(checksum, log[start : start + 8], swap)
            checksum = _checksum(checksum, log[start + _FRAME.size : start + size], swap)
            wrong = checksum != tuple(rest[2:])
        elif commit:
            commits += 1
    return "its log" if commits > 1 else None


def _checksum(seed: tuple[int, int], data: bytes, swap: bool) -> tuple[int, int]:
    words = array("I", data)
    if swap:
        words.byteswap()
    first, second = seed
    pairs = iter(words)
    for even, odd in zip(pairs, pairs, strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second
