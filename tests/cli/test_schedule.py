"""Times by hand: in 2026 Berlin's clocks go forward on 29 March, and back on 25 October."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from warmstart.cli.commands import warmstart


def run(*arguments: str) -> tuple[int, list[str]]:
    result = CliRunner().invoke(warmstart, ["schedule", "next", *arguments])
    return result.exit_code, result.output.splitlines()


@pytest.mark.parametrize(
    ("expression", "after", "times"),
    [
        (
            "cron(30 2 * * ? *)",
            "2026-03-28",
            ["2026-03-28 02:30:00+01:00", "2026-03-30 02:30:00+02:00"],
        ),
        (
            "cron(30 2 ? * SUN *)",
            "2026-10-24",
            ["2026-10-25 02:30:00+02:00", "2026-11-01 02:30:00+01:00"],
        ),
        ("at(2026-07-01T12:00:00)", "2026-01-01", ["2026-07-01 12:00:00+02:00"]),
        (
            "rate(12 hours)",
            "2026-03-28T20:00:00",
            ["2026-03-29 09:00:00+02:00", "2026-03-29 21:00:00+02:00"],
        ),
    ],
)
def test_it_prints_the_next_times(expression: str, after: str, times: list[str]) -> None:
    arguments = ("--tz", "Europe/Berlin", "--after", after, "--count", "2")

    assert run(expression, *arguments) == (0, times)


def test_it_says_what_is_wrong() -> None:
    assert "six fields" in run("cron(* *)")[1][-1]
    assert "Mars" in run("rate(1 hours)", "--tz", "Mars/Olympus")[1][-1]
    assert run("at(2001-01-01T00:00:00)") == (1, ["Error: It never fires again."])
