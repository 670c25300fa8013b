"""The first program of every container: it waits, and does nothing else.

A container lives as long as its first program. An environment outlives its
runtimes, so that program is none of them, and it is not of the image either, which
may have no shell and no Python. It is a Linux executable of a few instructions,
written here as bytes and given to the container as a file:

    rt_sigaction(SIGCHLD, SIG_IGN)   # orphans that end leave no zombies
    pause()                          # again and again; arm64 has ppoll(…, no timeout)
"""

from __future__ import annotations

import os
import struct
import tempfile
from pathlib import Path

__all__ = ["executable", "write_holder"]

_ADDRESS = 0x400000
_HEADERS = 64 + 56

_ACTION = struct.pack("<QQQQ", 1, 0, 0, 0)
"""The kernel's `struct sigaction`: SIG_IGN, no flags, no restorer, an empty mask."""

# rt_sigaction's second argument is the address of what follows the code.
_X86_64 = bytes.fromhex(
    "b80d000000"  # mov eax, 13         rt_sigaction
    "bf11000000"  # mov edi, 17         SIGCHLD
    "488d3517000000"  # lea rsi, [action]
    "31d2"  # xor edx, edx
    "41ba08000000"  # mov r10d, 8         the mask's size
    "0f05"  # syscall
    "b822000000"  # again: mov eax, 34  pause
    "0f05"  # syscall
    "ebf7"  # jmp again
    "0f1f4000"  # (aligns the action)
)
_ARM64 = bytes.fromhex(
    "c81080d2"  # mov x8, 134          rt_sigaction
    "200280d2"  # mov x0, 17           SIGCHLD
    "81010010"  # adr x1, action
    "020080d2"  # mov x2, 0
    "030180d2"  # mov x3, 8            the mask's size
    "010000d4"  # svc 0
    "280980d2"  # again: mov x8, 73    ppoll
    "000080d2"  # mov x0, 0
    "010080d2"  # mov x1, 0
    "020080d2"  # mov x2, 0
    "030080d2"  # mov x3, 0
    "010000d4"  # svc 0
    "faffff17"  # b again
    "1f2003d5"  # (aligns the action)
)
_MACHINES = {"x86_64": (62, _X86_64), "aarch64": (183, _ARM64)}


def executable(machine: str) -> bytes:
    """The program for a machine, as `uname -m` names it: an ELF file with one segment.

    https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html

    Raises:
        KeyError: there is none for that machine.
    """
    number, code = _MACHINES[machine]
    size = _HEADERS + len(code) + len(_ACTION)
    identification = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    entry = _ADDRESS + _HEADERS
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", identification, 2, number, 1, entry, 64, 0, 0, 64, 56, 1, 64, 0, 0
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _ADDRESS, _ADDRESS, size, size, 0x1000)
    return header + segment + code + _ACTION


def write_holder(directory: Path) -> Path:
    """Write the program for this machine into a directory, unless it is there."""
    content = executable(os.uname().machine)
    path = directory / "warmstart-holder"
    if not path.is_file() or path.read_bytes() != content:
        with tempfile.NamedTemporaryFile(dir=directory, delete=False) as file:
            file.write(content)
            os.fchmod(file.fileno(), 0o755)
        os.replace(file.name, path)
    return path
