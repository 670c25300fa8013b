"""https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html"""

from __future__ import annotations

import pytest

from warmstart.triggers.queues.results import InvalidReport, reported_failures


@pytest.mark.parametrize(
    "answer",
    ["", "null", '""', "{}", "[]", '{"batchItemFailures": []}', '{"batchItemFailures": null}'],
)
def test_the_whole_batch_has_succeeded(answer: str) -> None:
    assert reported_failures(answer.encode(), {"a", "b"}) == set()


def test_what_is_reported_has_failed() -> None:
    answer = b'{"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "b"}]}'

    assert reported_failures(answer, {"a", "b"}) == {"b"}


@pytest.mark.parametrize(
    "answer",
    [
        "{",
        '"done"',
        '{"batchItemFailures": "a"}',
        '{"batchItemFailures": [null]}',
        '{"batchItemFailures": [{"id": "a"}]}',
        '{"batchItemFailures": [{"itemIdentifier": ""}]}',
        '{"batchItemFailures": [{"itemIdentifier": null}]}',
        '{"batchItemFailures": [{"itemIdentifier": "c"}]}',
        '{"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "c"}]}',
    ],
)
def test_the_whole_batch_has_failed(answer: str) -> None:
    with pytest.raises(InvalidReport):
        reported_failures(answer.encode(), {"a", "b"})
