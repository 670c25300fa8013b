"""The AWS CLI, as its own package brings it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.service.whole.clients import REGION, ROLE, RUNTIME, Aws, archive

CLI = Path(sys.executable).with_name("aws")


def cli(aws: Aws, *arguments: str) -> Any:
    """Run a command; its output, parsed."""
    done = subprocess.run(
        [sys.executable, str(CLI), *arguments],
        cwd=aws.folder,
        env=os.environ
        | {
            "AWS_ENDPOINT_URL_LAMBDA": aws.url,
            "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": aws.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else None


def test_the_cli_creates_waits_invokes_reads_logs_and_deletes(aws: Aws) -> None:
    code = "def handler(event, context): print('cli was here'); return event"
    (aws.folder / "code.zip").write_bytes(archive(app=code))
    named = ("--function-name", "by-cli")
    cli(
        aws,
        *("lambda", "create-function", *named, "--runtime", RUNTIME, "--role", ROLE),
        *("--handler", "app.handler", "--zip-file", "fileb://code.zip", "--publish"),
        *("--environment", "Variables={COLOR=red}", "--tags", "team=blue"),
    )
    cli(aws, "lambda", "wait", "function-active-v2", *named)
    cli(aws, "lambda", "wait", "published-version-active", *named, "--qualifier", "1")

    told = cli(aws, "lambda", "invoke", *named, "--payload", '{"a": 1}', "answer.json")
    assert (told["StatusCode"], told["ExecutedVersion"]) == (200, "$LATEST")
    assert json.loads((aws.folder / "answer.json").read_text()) == {"a": 1}

    read = cli(aws, "lambda", "get-function", *named)
    assert read["Tags"] == {"team": "blue"}
    assert read["Configuration"]["Environment"] == {"Variables": {"COLOR": "red"}}
    events = cli(
        aws,
        *("logs", "filter-log-events", "--log-group-name", "/aws/lambda/by-cli"),
        *("--filter-pattern", "was here"),
    )
    assert [event["message"].strip() for event in events["events"]] == ["cli was here"]

    cli(aws, "lambda", "delete-function", *named)
    assert not [
        each
        for each in cli(aws, "lambda", "list-functions")["Functions"]
        if each["FunctionName"] == "by-cli"
    ]
