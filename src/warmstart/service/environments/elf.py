"""Linux executables of a few instructions, as files: for containers, which may have no programs.

https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

__all__ = ["executable"]

_ADDRESS = 0x400000
_HEADERS = 64 + 56

_NUMBERS = {"x86_64": 62, "aarch64": 183}


def executable(machine: str, codes: Mapping[str, bytes]) -> bytes:
    """The one of `codes` for a machine, as `uname -m` names it: an ELF file with one segment.

    Raises:
        KeyError: there is none for that machine.
    """
    code = codes[machine]
    size = _HEADERS + len(code)
    identification = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    entry = _ADDRESS + _HEADERS
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        *(identification, 2, _NUMBERS[machine], 1, entry, 64, 0, 0, 64, 56, 1, 64, 0, 0),
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _ADDRESS, _ADDRESS, size, size, 0x1000)
    return header + segment + code
