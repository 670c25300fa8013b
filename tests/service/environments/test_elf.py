"""Executables of a few instructions name the machine that they are for."""

from __future__ import annotations

import pytest

from warmstart.service.environments.elf import executable
from warmstart.service.environments.gate import CODES as GATE
from warmstart.service.environments.holder import CODES as HOLDER


@pytest.mark.parametrize("codes", [HOLDER, GATE])
@pytest.mark.parametrize(("machine", "number"), [("x86_64", 62), ("aarch64", 183)])
def test_its_header_names_the_machine(codes: dict[str, bytes], machine: str, number: int) -> None:
    content = executable(machine, codes)

    assert content[:5] == b"\x7fELF\x02"
    assert int.from_bytes(content[18:20], "little") == number


def test_there_is_none_for_another_machine() -> None:
    with pytest.raises(KeyError):
        executable("vax", HOLDER)
