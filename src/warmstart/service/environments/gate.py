"""What a program in a container is started through: the gate gives it its output, and becomes it.

Docker starts programs, but passes on what they write in its own time: it may come
after the answer that was sent later. So they write to a FIFO of ours, which the
gate opens for them. As the image may have no shell, it is a Linux executable of a
few instructions (see `elf`), written here as bytes:

    gate REPORT OUTPUT DIRECTORY [CANDIDATE…] "" ARGUMENT…

    report = open(REPORT, O_WRONLY | O_CLOEXEC);  write(report, 0)
    output = open(OUTPUT, O_WRONLY | O_CLOEXEC);  dup3(output, 1);  dup3(output, 2)
    write(report, 0)
    chdir(DIRECTORY);                             write(report, 0)
    execve(CANDIDATE, ARGUMENT…, environ)         for each, until one begins

What fails ends it, after its errno was written as a byte. So the report ends with
the third zero if the program has begun, and else says what did not succeed. Of the
candidates' errors it is the last one but ENOENT; one that is none of ENOENT, EACCES
and ENOTDIR ends the search, as execvp(3) does.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from warmstart.service.environments.driver import EnclosureFailed

__all__ = ["CODES", "arguments", "check"]

_X86_64 = bytes.fromhex(
    "488d5c2408"  # lea rbx, [rsp+8]    the arguments
    "41bd01000800"  # mov r13d, 0x80001   O_WRONLY | O_CLOEXEC
    "488b7b08"  # mov rdi, [rbx+8]
    "4489ee"  # mov esi, r13d
    "b802000000"  # mov eax, 2          open
    "0f05"  # syscall
    "4189c4"  # mov r12d, eax       the report
    "85c0"  # test eax, eax
    "0f88a4000000"  # js exit
    "31c0"  # xor eax, eax
    "e8a9000000"  # call tell
    "488b7b10"  # mov rdi, [rbx+16]
    "4489ee"  # mov esi, r13d
    "b802000000"  # mov eax, 2          open
    "0f05"  # syscall
    "89c7"  # mov edi, eax
    "be01000000"  # mov esi, 1
    "31d2"  # xor edx, edx
    "b824010000"  # mov eax, 292        dup3
    "0f05"  # syscall
    "ffc6"  # inc esi
    "b824010000"  # mov eax, 292        dup3
    "0f05"  # syscall
    "85c0"  # test eax, eax
    "786b"  # js fail
    "31c0"  # xor eax, eax
    "e877000000"  # call tell
    "488b7b18"  # mov rdi, [rbx+24]
    "b850000000"  # mov eax, 80         chdir
    "0f05"  # syscall
    "85c0"  # test eax, eax
    "7855"  # js fail
    "31c0"  # xor eax, eax
    "e861000000"  # call tell
    "488b43f8"  # mov rax, [rbx-8]
    "4c8d7cc308"  # lea r15, [rbx+rax*8+8] the variables, after all arguments and a null
    "4c8d6b20"  # lea r13, [rbx+32]   the candidates
    "4d89ee"  # mov r14, r13        and the program's arguments, after an empty one
    "498b06"  # skip: mov rax, [r14]
    "4983c608"  # add r14, 8
    "803800"  # cmp byte [rax], 0
    "75f4"  # jne skip
    "bdfeffffff"  # mov ebp, -2         ENOENT
    "498b7d00"  # next: mov rdi, [r13]
    "4983c508"  # add r13, 8
    "803f00"  # cmp byte [rdi], 0
    "741e"  # je none
    "4c89f6"  # mov rsi, r14
    "4c89fa"  # mov rdx, r15
    "b83b000000"  # mov eax, 59         execve
    "0f05"  # syscall
    "83f8fe"  # cmp eax, -2         ENOENT
    "74e1"  # je next
    "89c5"  # mov ebp, eax
    "83f8f3"  # cmp eax, -13        EACCES
    "74da"  # je next
    "83f8ec"  # cmp eax, -20        ENOTDIR
    "74d5"  # je next
    "89e8"  # none: mov eax, ebp
    "f7d8"  # fail: neg eax
    "e80c000000"  # call tell
    "bf7f000000"  # exit: mov edi, 127
    "b8e7000000"  # mov eax, 231        exit_group
    "0f05"  # syscall
    "50"  # tell: push rax      writes a byte to the report
    "4489e7"  # mov edi, r12d
    "4889e6"  # mov rsi, rsp
    "ba01000000"  # mov edx, 1
    "b801000000"  # mov eax, 1          write
    "0f05"  # syscall
    "58"  # pop rax
    "c3"  # ret
)
_ARM64 = bytes.fromhex(
    "f3230091"  # add x19, sp, 8      the arguments
    "600c8092"  # mov x0, -100        AT_FDCWD
    "610640f9"  # ldr x1, [x19, 8]
    "220080d2"  # mov x2, 1
    "0201a0f2"  # movk x2, 8, lsl 16  O_WRONLY | O_CLOEXEC
    "080780d2"  # mov x8, 56          openat
    "010000d4"  # svc 0
    "f40300aa"  # mov x20, x0         the report
    "8006f8b7"  # tbnz x0, 63, exit
    "000080d2"  # mov x0, 0
    "35000094"  # bl tell
    "600c8092"  # mov x0, -100        AT_FDCWD
    "610a40f9"  # ldr x1, [x19, 16]
    "220080d2"  # mov x2, 1
    "0201a0f2"  # movk x2, 8, lsl 16  O_WRONLY | O_CLOEXEC
    "080780d2"  # mov x8, 56          openat
    "010000d4"  # svc 0
    "f50300aa"  # mov x21, x0
    "210080d2"  # mov x1, 1
    "020080d2"  # mov x2, 0
    "080380d2"  # mov x8, 24          dup3
    "010000d4"  # svc 0
    "e00315aa"  # mov x0, x21
    "410080d2"  # mov x1, 2
    "010000d4"  # svc 0
    "2004f8b7"  # tbnz x0, 63, fail
    "000080d2"  # mov x0, 0
    "24000094"  # bl tell
    "600e40f9"  # ldr x0, [x19, 24]
    "280680d2"  # mov x8, 49          chdir
    "010000d4"  # svc 0
    "6003f8b7"  # tbnz x0, 63, fail
    "000080d2"  # mov x0, 0
    "1e000094"  # bl tell
    "60825ff8"  # ldr x0, [x19, -8]
    "750e008b"  # add x21, x19, x0, lsl 3
    "b5220091"  # add x21, x21, 8     the variables, after all arguments and a null
    "76820091"  # add x22, x19, 32    the candidates
    "f70316aa"  # mov x23, x22        and the program's arguments, after an empty one
    "e08640f8"  # skip: ldr x0, [x23], 8
    "00004039"  # ldrb w0, [x0]
    "c0ffff35"  # cbnz w0, skip
    "38008092"  # mov x24, -2         ENOENT
    "c08640f8"  # next: ldr x0, [x22], 8
    "01004039"  # ldrb w1, [x0]
    "81010034"  # cbz w1, none
    "e10317aa"  # mov x1, x23
    "e20315aa"  # mov x2, x21
    "a81b80d2"  # mov x8, 221         execve
    "010000d4"  # svc 0
    "1f0800b1"  # cmn x0, 2           ENOENT
    "00ffff54"  # b.eq next
    "f80300aa"  # mov x24, x0
    "1f3400b1"  # cmn x0, 13          EACCES
    "a0feff54"  # b.eq next
    "1f5000b1"  # cmn x0, 20          ENOTDIR
    "60feff54"  # b.eq next
    "e00318aa"  # none: mov x0, x24
    "e00300cb"  # fail: neg x0, x0
    "04000094"  # bl tell
    "e00f80d2"  # exit: mov x0, 127
    "c80b80d2"  # mov x8, 94          exit_group
    "010000d4"  # svc 0
    "e00f1ff8"  # tell: str x0, [sp, -16]! writes a byte to the report
    "e00314aa"  # mov x0, x20
    "e1030091"  # mov x1, sp
    "220080d2"  # mov x2, 1
    "080880d2"  # mov x8, 64          write
    "010000d4"  # svc 0
    "ff430091"  # add sp, sp, 16
    "c0035fd6"  # ret
)
CODES = {"x86_64": _X86_64, "aarch64": _ARM64}
"""By machine, as `uname -m` names it."""

_PARTS = 3
"""What is told by a zero each: that the gate has begun, that there is output, and a directory."""


def arguments(
    report: str, output: str, directory: str, program: Sequence[str], path: str
) -> list[str]:
    """What the gate is started with. A program whose name has no slash is looked for in `path`."""
    name = program[0]
    candidates = [name] if "/" in name else [os.path.join(each, name) for each in path.split(":")]
    return [report, output, directory, *(candidates if name else ()), "", *program]


def check(report: bytes, directory: str, name: str) -> None:
    """Return if the report is that of a program which has begun.

    Raises:
        OSError: there is no such directory, or the program `name` could not be started.
        EnclosureFailed: the gate itself has failed, or was killed.
    """
    error = report.lstrip(b"\0")
    parts = len(report) - len(error)
    if error and parts == _PARTS:
        raise OSError(error[0], os.strerror(error[0]), name)
    if error and parts == _PARTS - 1:
        raise OSError(error[0], os.strerror(error[0]), directory)
    if error:
        raise EnclosureFailed(f"A program cannot write its output: {os.strerror(error[0])}")
    if parts < _PARTS:
        raise EnclosureFailed("A program was killed before it had begun")
