"""`warmstart serve` reads ministack's SQS for a function, by a mapping that boto3 made."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.service.whole.queues import FifoQueue, Queue, grouped, handle_over_kills, numbered

pytestmark = pytest.mark.timeout(300)  # ministack may have to be installed


def test_no_message_is_lost_over_failures_and_kills(tmp_path: Path) -> None:
    bodies = numbered(400)
    outcome = handle_over_kills(tmp_path, Queue, bodies, seconds=90, receives=3, visibility=2)

    assert {body for body in bodies if body.endswith("bad")} <= outcome.dead
    assert outcome.dead.union(outcome.handled) == set(bodies)


def test_a_fifo_queues_groups_keep_their_order_over_failures_and_kills(tmp_path: Path) -> None:
    """No message is handled before all that were sent to its group before it."""
    bodies = grouped(160, groups=8)
    outcome = handle_over_kills(tmp_path, FifoQueue, bodies, seconds=90, receives=100, visibility=2)

    assert sorted(outcome.handled) == sorted(bodies)
    for group in range(8):
        sent = [body for body in bodies if body.startswith(f"{group}-")]
        assert [body for body in outcome.handled if body.startswith(f"{group}-")] == sent
