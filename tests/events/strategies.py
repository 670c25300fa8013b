"""Requests and responses as hypothesis makes them up.

Everything that the format at hand can carry is drawn. What it cannot carry is
left out by an argument, and the test that passes it says why.
"""

from __future__ import annotations

from urllib.parse import quote, unquote, urlencode

from hypothesis import settings
from hypothesis import strategies as st

from tests.events.changes import replace
from warmstart.events.http import Headers, HTTPRequest, HTTPResponse

# The same examples in every run: what chance would find is what the fuzz run is for.
repeatable = settings(derandomize=True, deadline=None, max_examples=80)

PATH_CHARACTERS = "abcXYZ019-._~!$&'()*+,;=:@"
# What a request target may have in its query, and what separates pairs in it.
QUERY_CHARACTERS = PATH_CHARACTERS.replace("&", "").replace("=", "").replace("+", "") + "/?"

# Names that no front door adds or takes away. `cookie` has rules of its own.
NAMES = st.sampled_from(
    [b"accept", b"authorization", b"etag", b"referer", b"user-agent", b"x-tag", b"x_under", b"a"]
) | st.text("abcdefghij-", min_size=12, max_size=20).map(str.encode)

# Any bytes that HTTP lets stand in a value (RFC 9110, section 5.5).
VALUES = st.binary(max_size=20).map(
    lambda value: bytes(byte for byte in value if byte not in b"\r\n\0")
)
CONTENT_TYPES = st.sampled_from(
    [
        b"application/json",
        b"text/html; charset=utf-8",
        b"application/x-www-form-urlencoded",
        b"application/problem+json",
        b"image/png",
        b"multipart/form-data; boundary=x",
    ]
)
COOKIES = st.lists(
    st.tuples(st.text("abc", min_size=1), st.text("abc123=!", max_size=5)), min_size=1, max_size=3
).map(lambda pairs: "; ".join(f"{name}={value}" for name, value in pairs).encode())
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)  # no lone surrogates
BODIES = st.binary(max_size=40) | TEXTS.map(str.encode)
ADDRESSES = st.ip_addresses().map(str)
HOSTS = st.sampled_from(["things.example", "a-b.c9.example", "localhost", "192.0.2.7"])


@st.composite
def raw_paths(draw: st.DrawFn) -> bytes:
    """Paths as they are sent: any legal character, and any byte percent-encoded."""
    escape = st.integers(0, 255).map(lambda byte: f"%{byte:02X}")
    piece = st.text(PATH_CHARACTERS, max_size=4) | escape | TEXTS.map(lambda text: quote(text, ""))
    segments = draw(st.lists(st.lists(piece, max_size=3).map("".join), max_size=4))
    return ("/" + "/".join(segments)).encode()


RAW_QUERIES = st.text(QUERY_CHARACTERS + "&=+%", max_size=20).map(str.encode)


@st.composite
def queries(draw: st.DrawFn, *, encoded: bool, repeats: bool) -> bytes:
    """Queries of pairs, those of one name together.

    `encoded` values are any text, percent-encoded as forms are; else they are of
    the characters that need no encoding, and of some that are encoded.
    """
    plain = st.text(QUERY_CHARACTERS, max_size=4) | st.just("%26") | st.just("b%20c")
    texts = TEXTS if encoded else plain
    names = draw(st.lists(texts, max_size=3, unique=True))
    most = 3 if repeats else 1
    pairs = [
        (name, value)
        for name in names
        for value in draw(st.lists(texts, min_size=1, max_size=most))
    ]
    if encoded:
        return urlencode(pairs).encode()
    return "&".join(f"{name}={value}" for name, value in pairs).encode()


@st.composite
def headers(draw: st.DrawFn, *, repeats: bool) -> Headers:
    """Headers, those of one name together; a content type or none."""
    names = draw(st.lists(NAMES, max_size=5, unique=True))
    most = 3 if repeats else 1
    pairs = [
        (name, value)
        for name in names
        for value in draw(st.lists(VALUES, min_size=1, max_size=most))
    ]
    content_type = draw(st.none() | CONTENT_TYPES)
    return [*pairs, (b"content-type", content_type)] if content_type else pairs


@st.composite
def requests(draw: st.DrawFn, *, query: st.SearchStrategy[bytes], repeats: bool) -> HTTPRequest:
    """Requests by a client, to a server at a host and port. `repeats` is about headers."""
    raw_path = draw(raw_paths())
    host = draw(HOSTS)
    port = draw(st.sampled_from([80, 443, 3000, 65535]))
    pairs = draw(headers(repeats=repeats))
    cookie = draw(st.none() | COOKIES)
    if cookie:
        pairs.append((b"cookie", cookie))
    return HTTPRequest(
        method=draw(st.sampled_from(["GET", "HEAD", "POST", "PURGE"])),
        path=unquote(raw_path.decode()),
        raw_path=raw_path,
        query_string=draw(query),
        headers=[(b"host", host.encode()), *pairs],
        body=draw(BODIES),
        scheme=draw(st.sampled_from(["http", "https"])),
        http_version=draw(st.sampled_from(["1.0", "1.1", "2"])),
        client=(draw(ADDRESSES), 0),
        server=(host, port),
    )


def forwarded(request: HTTPRequest) -> Headers:
    """The `X-Forwarded-*` headers that a front door adds, by AWS's documentation."""
    assert request.client
    assert request.server
    return [
        (b"x-forwarded-proto", request.scheme.encode()),
        (b"x-forwarded-port", str(request.server[1]).encode()),
        (b"x-forwarded-for", request.client[0].encode()),
    ]


def with_headers(request: HTTPRequest, added: Headers) -> HTTPRequest:
    """`request` as it arrives after a front door has added headers."""
    return replace(request, headers=[*request.headers, *added])


@st.composite
def responses(draw: st.DrawFn, *, repeats: bool) -> HTTPResponse:
    """Responses with any status, any body, and cookies at the end of their headers."""
    cookies = draw(st.lists(COOKIES, max_size=3))
    return HTTPResponse(
        draw(st.integers(100, 999)),
        draw(headers(repeats=repeats)) + [(b"set-cookie", cookie) for cookie in cookies],
        draw(BODIES),
    )
