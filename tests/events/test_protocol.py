"""HTTP versions in events and in ASGI."""

from __future__ import annotations

import pytest

from warmstart.events.protocol import http_version, protocol


@pytest.mark.parametrize(
    ("written", "version"), [("HTTP/1.0", "1.0"), ("HTTP/1.1", "1.1"), ("HTTP/2.0", "2")]
)
def test_each_version_has_a_name_on_both_sides(written: str, version: str) -> None:
    assert http_version(written) == version
    assert protocol(version) == written


def test_anything_else_is_1_1() -> None:
    assert http_version("") == http_version("HTTP/3") == "1.1"
    assert protocol("3") == "HTTP/1.1"
