"""Paths, and where in them the function is mounted."""

from __future__ import annotations

import pytest

from warmstart.events.http import HTTPRequest
from warmstart.events.paths import mount


@pytest.mark.parametrize(
    ("raw_path", "base_path", "root_path"),
    [
        (b"/api/users", "/api", "/api"),
        (b"/api/users", "api", "/api"),
        (b"/api/users", "/api/", "/api"),
        (b"/api", "/api", "/api"),
        (b"/api/", "/api", "/api"),
        (b"/api/v1/users", "/api/v1", "/api/v1"),
        (b"/api/v1", "/api/v1", "/api/v1"),
        (b"/my%20api/users", "/my api", "/my api"),
        (b"/caf%C3%A9/x", "/café", "/café"),
        ("/café/x".encode(), "/café", "/café"),
        # not there
        (b"/apis", "/api", ""),
        (b"/v10/x", "/v1", ""),
        (b"/x/api", "/api", ""),
        (b"/api", "/api/v1", ""),
        (b"/", "/api", ""),
        (b"//api/x", "/api", ""),
        (b"/api%2Fusers", "/api", ""),  # one segment, called "api/users"
        (b"/API/users", "/api", ""),
        (b"x/api", "/api", ""),  # a path that does not begin with a slash begins with no root
        (b"api", "/api", ""),
        (b"*", "/api", ""),
        # no base path
        (b"/api", "", ""),
        (b"/api", "/", ""),
    ],
)
def test_a_base_path_is_found_by_whole_segments(
    raw_path: bytes, base_path: str, root_path: str
) -> None:
    request = HTTPRequest("GET", "-", raw_path)

    mount(request, base_path)

    assert request.root_path == root_path
    assert (request.path, request.raw_path) == ("-", raw_path)


@pytest.mark.parametrize(
    ("raw_path", "root_path"),
    [
        (b"/prod/api/users", "/prod/api"),
        (b"/prod/api", "/prod/api"),
        (b"/prod/apis", "/prod"),
        (b"/prod", "/prod"),
        (b"/prod/", "/prod"),
        (b"/pr%6Fd/api", "/prod/api"),
        (b"/test/api", "/prod"),
    ],
)
def test_a_base_path_follows_the_stage(raw_path: bytes, root_path: str) -> None:
    request = HTTPRequest("GET", "-", raw_path, root_path="/prod")

    mount(request, "/api")

    assert request.root_path == root_path


@pytest.mark.parametrize(
    ("path", "base_path", "expected"),
    [
        ("/users", "/api", ("/api/users", b"/api/users", "/api")),
        ("/", "api/v1", ("/api/v1/", b"/api/v1/", "/api/v1")),
        ("/x", "/café", ("/café/x", b"/caf%C3%A9/x", "/café")),
        ("/apis", "/api", ("/api/apis", b"/api/apis", "/api")),
        ("/api/users", "/api", ("/api/users", b"/api/users", "/api")),  # not taken off
        ("*", "/api", ("*", b"*", "")),
        ("/x", "", ("/x", b"/x", "")),
    ],
)
def test_a_base_path_that_was_taken_off_is_put_back(
    path: str, base_path: str, expected: tuple[str, bytes, str]
) -> None:
    request = HTTPRequest("GET", path, path.encode(), base_path_hidden=True)

    mount(request, base_path)

    assert (request.path, request.raw_path, request.root_path) == expected
