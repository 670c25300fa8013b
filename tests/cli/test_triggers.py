"""`warmstart dev` woken by more than HTTP, as a person sees it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import boto3
import pytest
from click.testing import CliRunner

from tests.chain.serving import request
from tests.cli.running import started
from tests.service.whole.neighbours import Moto
from warmstart.cli.commands import warmstart
from warmstart.cli.queues import Queue, queue_of_url

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "woken_app.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(EXAMPLE, tmp_path / "main.py")
    return tmp_path


def test_an_upload_wakes_the_app_which_reads_it(folder: Path) -> None:
    with started(folder, "dev", "main:handler", "--bucket", "uploads") as running:
        running.wait_for(re.compile("woken by files in uploads"))
        (folder / "uploads" / "a b.txt").write_text("one two three")
        running.wait_for(re.compile(r"  \| a b\.txt has 3 words"))
        running.wait_for(re.compile(r"EVENT  ObjectCreated:Put uploads/a b\.txt +done +\d"))
        assert request(running.port, "GET", "/uploads").body == b'["a b.txt"]'
        (folder / "uploads" / "a b.txt").unlink()
        running.wait_for(re.compile(r"  \| a b\.txt is gone"))

        assert running.interrupt() == 0
        assert "Traceback" not in running.printed


def test_an_event_that_fails_is_told(folder: Path) -> None:
    with started(folder, "dev", "main:handler", "--bucket", "uploads") as running:
        (folder / "uploads" / "image").write_bytes(b"\xff")
        running.wait_for(re.compile(r"EVENT  ObjectCreated:Put uploads/image +failed +\d"))


def test_a_schedule_is_taken(folder: Path) -> None:
    with started(folder, "dev", "main:handler", "--every", "rate(5 minutes)") as running:
        running.wait_for(re.compile(r"woken by rate\(5 minutes\)"))
        assert running.interrupt() == 0
        assert "Traceback" not in running.printed


def test_a_queues_messages_wake_the_app(folder: Path) -> None:
    (folder / "plain.py").write_text(
        "def handler(event, context): print(*[r['body'] for r in event['Records']])"
    )
    with Moto.started() as moto:
        sqs = boto3.client(
            "sqs",
            endpoint_url=moto.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        url = sqs.create_queue(QueueName="orders-of-dev")["QueueUrl"]
        with started(folder, "dev", "plain:handler", "--queue", url) as running:
            sqs.send_message(QueueUrl=url, MessageBody="an order")
            running.wait_for(re.compile(r"  \| an order"))
            running.wait_for(re.compile(r"EVENT  1 message of orders-of-dev +done +\d"))
            assert running.interrupt() == 0
            assert "Traceback" not in running.printed


def test_a_webhook_wakes_the_app(folder: Path) -> None:
    (folder / "plain.py").write_text("def handler(event, context): print(event['body'])")
    (folder / "wake.toml").write_text(
        '[functions.app.events.shop]\nType = "Webhook"\nPath = "/shop"\n'
    )
    with started(folder, "dev", "plain:handler", "--triggers", "wake.toml") as running:
        running.wait_for(re.compile("woken by posts to /_warmstart/push/webhooks/shop"))
        response = request(running.port, "POST", "/_warmstart/push/webhooks/shop", body=b"sold")
        assert response.status == 202
        running.wait_for(re.compile(r"  \| (sold|c29sZA==)"))
        running.wait_for(re.compile(r"EVENT  webhook /shop +done +\d"))
        assert running.interrupt() == 0
        assert "Traceback" not in running.printed


def test_a_file_for_one_app_names_no_other(tmp_path: Path) -> None:
    (tmp_path / "wake.toml").write_text("[functions.other.events]")

    result = CliRunner().invoke(
        warmstart, ["dev", "main:app", "--triggers", str(tmp_path / "wake.toml")]
    )

    assert result.exit_code == 2
    assert "the only function here is 'app', not 'other'" in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("url", "endpoint", "arn"),
    [
        (
            "https://sqs.eu-west-1.amazonaws.com/123456789012/orders.fifo",
            "https://sqs.eu-west-1.amazonaws.com",
            "arn:aws:sqs:eu-west-1:123456789012:orders.fifo",
        ),
        (
            "http://127.0.0.1:5000/123456789012/orders",
            "http://127.0.0.1:5000",
            "arn:aws:sqs:us-east-1:123456789012:orders",
        ),
    ],
)
def test_a_queues_url_says_where_it_is(
    url: str, endpoint: str, arn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)

    assert queue_of_url(url) == Queue(url, endpoint, arn)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--queue", "orders"], "is no URL of a queue"),
        (["--every", "rate(1 minutes)"], "in the plural for any number but 1"),
        (["--bucket", "a/up", "--bucket", "b/up"], "the same name"),
    ],
)
def test_what_cannot_be_is_told(arguments: list[str], reason: str) -> None:
    result = CliRunner().invoke(warmstart, ["dev", "main:app", *arguments])

    assert result.exit_code == 2
    assert reason in result.output
