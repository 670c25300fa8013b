"""`warmstart serve` reads moto's SQS for a function, by a mapping that boto3 made."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.service.whole.neighbours import Moto
from tests.service.whole.queues import lose_nothing, numbered


@pytest.mark.timeout(200)
def test_no_message_is_lost_over_failures_and_kills(tmp_path: Path, moto: Moto) -> None:
    handled, dead = lose_nothing(tmp_path, moto, bodies := numbered(400), seconds=90)

    assert {body for body in bodies if body.endswith("bad")} <= dead
    assert handled | dead == set(bodies)
