"""One app under uvicorn and through the whole chain: the same requests get the same answers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.chain import mirror
from tests.chain.differences import (
    HOP_BY_HOP,
    as_a_client_behind_lambda_sees_it,
    as_an_app_behind_lambda_sees_it,
)
from tests.chain.serving import bare_uvicorn, chain, request
from tests.engine import BASE, PYTHON, engine, root
from warmstart.gateways.function_url import InvokeMode
from warmstart.service.environments.docker import DockerDriver

__all__ = ["engine", "root"]

HOST = ("host", "app.example:8000")


class Twins:
    """The two servers of one app."""

    def __init__(self, bare: int, chained: int, *, buffered: bool) -> None:
        self.bare = bare
        self.chained = chained
        self._buffered = buffered

    def compare_seen(self, *arguments: Any) -> dict[str, Any]:
        """Send the same to both and compare what the app saw; what it saw in the chain."""
        expected, actual = (
            as_an_app_behind_lambda_sees_it(json.loads(request(port, *arguments).body))
            for port in (self.bare, self.chained)
        )
        assert actual == expected
        return actual

    def compare_answers(self, answer: dict[str, Any], method: str = "GET") -> dict[str, Any]:
        """Have both give `answer` and compare what the client gets."""
        headers = [HOST, ("x-answer", json.dumps(answer))]
        expected, actual = (
            as_a_client_behind_lambda_sees_it(
                request(port, method, "/", headers), buffered=self._buffered
            )
            for port in (self.bare, self.chained)
        )
        assert actual == expected
        return actual


@pytest.fixture(scope="module", params=["process", "docker"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """Where the app runs in the chain, as `chain` wants to know it."""
    if request.param == "process":
        yield {}
        return
    request.getfixturevalue("root")
    code = tmp_path_factory.mktemp("code")
    code.chmod(0o755)  # as the code store has it
    shutil.copy(mirror.__file__, code)
    driver = DockerDriver(BASE)
    yield {"driver": driver, "task_root": code, "runtime": f"python{PYTHON}"}
    driver.close()


@pytest.fixture(scope="module", params=[InvokeMode.BUFFERED, InvokeMode.RESPONSE_STREAM])
def twins(request: pytest.FixtureRequest, place: dict[str, Any]) -> Iterator[Twins]:
    mode: InvokeMode = request.param
    with bare_uvicorn(mirror.app) as bare, chain("mirror:app", mode=mode, **place) as chained:
        yield Twins(bare, chained.port, buffered=mode is InvokeMode.BUFFERED)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
def test_methods(twins: Twins, method: str) -> None:
    assert twins.compare_seen(method, "/", [HOST])["method"] == method


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/plain",
        "/a%20b",
        "/a%2Fb/c",
        "/%E4%BD%A0%E5%A5%BD",
        "/caf%C3%A9/",
        "/bad%FFutf8",
        "/%00",
        "/nul%00inside",
        "/a//b/",
        "//double",
        "/dots/../up/./here",
        "/semi;colon=1",
        "/plus+plus",
        "/percent%25",
        "/colon:at@tilde~",
        "/?",
        "/?a",
        "/?a=1&a=2&b=",
        "/?space=a+b&pct=%2B%26",
        "/?caf%C3%A9=%F0%9F%8D%B0",
        "/?bad=%FF",
        "/?q=?&r=/",
    ],
)
def test_targets(twins: Twins, target: str) -> None:
    seen = twins.compare_seen("GET", target, [HOST])

    assert seen["raw_path"] == target.partition("?")[0]
    assert seen["query_string"] == target.partition("?")[2]


@pytest.mark.parametrize(
    "headers",
    [
        [("X-Upper-Case", "Kept In Values")],
        [("x-repeated", "1"), ("x-repeated", "2"), ("x-between", "b"), ("X-Repeated", "3")],
        [("cookie", "a=1; b=2")],
        [("cookie", "a=1"), ("cookie", "b=2")],
        [("x-latin", "caf\xe9")],
        [("x-empty", "")],
        [("accept", "text/html, */*;q=0.1"), ("accept-language", "de,en;q=0.5")],
        [("authorization", "Basic dXNlcjpwYXNz")],
        [("x-tabs", "a\tb")],
        [("range", "bytes=0-9"), ("if-none-match", '"etag"'), ("date", "now")],
    ],
)
def test_request_headers(twins: Twins, headers: list[tuple[str, str]]) -> None:
    twins.compare_seen("GET", "/", [HOST, *headers])


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain; charset=utf-8", "grüße".encode()),
        ("text/plain; charset=latin-1", "grüße".encode("latin-1")),
        ("application/json", b'{"a": [1, 2.5, null]}'),
        ("application/x-www-form-urlencoded", b"a=1&b=%20"),
        ("application/octet-stream", bytes(range(256))),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n\xff\xfe\r\n--x--"),
        (None, b"no type"),
        (None, b""),
        ("application/json", b"\xef\xbb\xbf{}"),
        ("application/json", b"not json \x00"),
    ],
)
def test_request_bodies(twins: Twins, content_type: str | None, body: bytes) -> None:
    headers = [HOST] if content_type is None else [HOST, ("content-type", content_type)]

    assert twins.compare_seen("POST", "/", headers, body)["body"] == body.decode("latin-1")


def test_the_server_is_the_one_that_the_host_header_names(twins: Twins) -> None:
    for port in (twins.bare, twins.chained):
        assert json.loads(request(port).body)["server"] == ["127.0.0.1", port]


@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_statuses_without_a_body(twins: Twins, status: int, method: str) -> None:
    answer = {"status": status, "headers": [["location", "/there"]], "chunks": []}
    assert twins.compare_answers(answer, method)["status"] == status


@pytest.mark.parametrize("status", [*range(400, 432), 451, *range(500, 512), 599, 299])
def test_statuses_with_a_body(twins: Twins, status: int) -> None:
    answer = {"status": status, "headers": [["content-type", "text/plain"]], "chunks": ["why"]}
    assert twins.compare_answers(answer)["body"] == b"why"


@pytest.mark.parametrize(
    "headers",
    [
        [
            ["set-cookie", "a=1; Path=/"],
            ["set-cookie", "b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT"],
        ],
        [["Link", "</a>; rel=next"], ["link", "</b>; rel=prev"]],
        [["vary", "accept"], ["x-between", "1"], ["vary", "origin"]],
        [["x-latin", "caf\xe9"]],
        [["x-empty", ""]],
        [["content-type", "image/png"]],
        [["content-encoding", "gzip"], ["content-type", "text/html"]],
        [["cache-control", "no-store"], ["etag", 'W/"1"']],
        [],
    ],
)
def test_response_headers(twins: Twins, headers: list[list[str]]) -> None:
    twins.compare_answers({"status": 200, "headers": headers, "chunks": ["body"]})


@pytest.mark.parametrize(
    "chunks",
    [
        ["one"],
        ["one", "two", "three"],
        ["", "late"],
        ["early", ""],
        ["\x00\xff\x80 binary"],
        ["\x00" * 20],
        ["x" * 3000, "y" * 3000],
    ],
)
@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream"])
@pytest.mark.parametrize("views", [False, True])
def test_response_bodies(twins: Twins, chunks: list[str], content_type: str, views: bool) -> None:
    headers = [["content-type", content_type]]
    answer = {"status": 200, "headers": headers, "chunks": chunks, "views": views}
    assert twins.compare_answers(answer)["body"] == "".join(chunks).encode("latin-1")


def test_head_has_the_headers_of_get_and_no_body(twins: Twins) -> None:
    answer = {"status": 200, "headers": [["content-type", "text/plain"]], "chunks": ["body"]}
    assert twins.compare_answers(answer, "HEAD")["body"] == b""


_TOKEN = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12).map(
    "x-{}".format
)
_VALUE = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=40
).filter(lambda v: not any(0x7F <= ord(c) <= 0x9F for c in v))
_TARGET_BYTES = st.binary(max_size=20).map(
    lambda raw: "".join(
        chr(b) if (chr(b).isalnum() and b < 128) or chr(b) in "-._~/" else f"%{b:02X}" for b in raw
    )
)
_HEADERS = st.lists(st.tuples(_TOKEN, _VALUE), max_size=6)
_generated = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@_generated
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    path=_TARGET_BYTES,
    query=_TARGET_BYTES,
    headers=_HEADERS,
    content_type=st.sampled_from(["text/plain", "application/json", "application/octet-stream"]),
    body=st.binary(max_size=300),
)
def test_generated_requests(
    twins: Twins,
    method: str,
    path: str,
    query: str,
    headers: list[tuple[str, str]],
    content_type: str,
    body: bytes,
) -> None:
    all_headers = [HOST, ("content-type", content_type), *headers]
    twins.compare_seen(method, f"/{path}?{query}", all_headers, body)


@_generated
@given(
    status=st.integers(200, 599).filter(lambda status: status not in (204, 205, 304)),
    headers=_HEADERS,
    cookies=st.lists(_VALUE.filter(str.strip), max_size=3),
    content_type=st.sampled_from(["text/plain", "application/json", "image/png", "a/b+xml"]),
    chunks=st.lists(st.text(st.characters(max_codepoint=0xFF), max_size=50), max_size=4),
)
def test_generated_answers(
    twins: Twins,
    status: int,
    headers: list[tuple[str, str]],
    cookies: list[str],
    content_type: str,
    chunks: list[str],
) -> None:
    pairs = [["content-type", content_type], *map(list, headers)]
    pairs += [["set-cookie", cookie] for cookie in cookies]
    pairs = [pair for pair in pairs if pair[0] not in HOP_BY_HOP]
    twins.compare_answers({"status": status, "headers": pairs, "chunks": chunks})
