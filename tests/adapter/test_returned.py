from __future__ import annotations

import json

import pytest

from warmstart.adapter.returned import ReturnedAnswer

LAMBDA = 6 * 1024 * 1024 + 100


def result_of(pattern: str, size: int) -> dict[str, object]:
    """A result that has exactly `size` bytes as AWS's client writes it outside AWS's images."""
    result = {"statusCode": 200, "body": "", "isBase64Encoded": False}
    room = size - len(json.dumps(result))
    count, rest = divmod(room, len(json.dumps(pattern)) - 2)
    return result | {"body": pattern * count + "x" * rest}


@pytest.mark.parametrize(
    "pattern", ["x", "line\n", '{"a": 1}', "\0", "x\x7f", "né", "😀", "\ud800"]
)
async def test_a_text_fits_to_the_byte(pattern: str) -> None:
    largest = result_of(pattern, LAMBDA)
    assert len(json.dumps(largest)) == LAMBDA

    assert await ReturnedAnswer().respond(largest)
    assert not await ReturnedAnswer().respond(result_of(pattern, LAMBDA + 1))
