from __future__ import annotations

import json

from click.testing import CliRunner

from warmstart.cli.commands import warmstart
from warmstart.triggers.samples import SAMPLES


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(warmstart, arguments)
    return result.exit_code, result.output


def test_it_prints_a_sample_with_changes() -> None:
    code, printed = run("event", "s3-put", "--set", "Records[0].s3.object.key=a+b.txt")

    assert code == 0
    assert json.loads(printed)["Records"][0]["s3"]["object"]["key"] == "a+b.txt"


def test_without_a_type_it_prints_the_names() -> None:
    assert run("event")[1].split() == list(SAMPLES)


def test_it_says_what_is_wrong() -> None:
    assert "Did you mean s3-put" in run("event", "s3-pu")[1]
    assert "There is no records" in run("event", "sqs", "--set", "records[0].body=x")[1]
    assert "--event names" in run("invoke", "f", "--set", "a=1")[1]
    assert (
        "either --payload or --event" in run("invoke", "f", "--event", "sqs", "--payload", "1")[1]
    )
