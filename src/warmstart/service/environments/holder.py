"""The first program of every container: it waits, and does nothing else.

A container lives as long as its first program. An environment outlives its
runtimes, so that program is none of them, and it is not of the image either, which
may have no shell and no Python. It is a Linux executable of a few instructions
(see `elf`), written here as bytes and given to the container as a file:

    rt_sigaction(SIGCHLD, SIG_IGN)   # orphans that end leave no zombies
    pause()                          # again and again; arm64 has ppoll(…, no timeout)
"""

from __future__ import annotations

import struct

__all__ = ["CODES"]

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
CODES = {"x86_64": _X86_64 + _ACTION, "aarch64": _ARM64 + _ACTION}
"""By machine, as `uname -m` names it."""
