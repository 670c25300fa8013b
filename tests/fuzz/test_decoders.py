"""The fuzz run itself works; `scripts/fuzz` is what looks for faults."""

from __future__ import annotations

from tests.fuzz.decoders import run_round


def test_a_short_round_finds_nothing() -> None:
    run_round(0, examples=10)
