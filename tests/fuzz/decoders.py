"""Throws made-up events, responses and streams at every decoder and at the handler.

Only the typed errors may come of it, and what is let through must be sound.
Each round draws new examples, from a seed that is the first one plus the
round's number, so a failure can be had again: `scripts/fuzz 60 SEED`.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.events import golden
from tests.events.invariants import FORMATS, check_request, check_response
from tests.events.mutations import STRANGERS
from tests.fuzz import handlers
from tests.fuzz.handlers import any_event_is_answered_or_its_fault_named
from warmstart.events import alb, edge, http_v2, lattice_v1, lattice_v2, prelude, rest, websocket
from warmstart.events.errors import MalformedEvent, MalformedResponse
from warmstart.events.http import HTTPRequest, HTTPResponse
from warmstart.events.source import Source, detect

EXAMPLES = 200
"""Examples of each property in a round; a round takes seconds."""

# Text with half surrogate pairs in it, as `json.loads` reads them.
TEXTS = st.text(st.characters(exclude_categories=[]), max_size=12)
SCALARS = (
    st.sampled_from(STRANGERS).map(deepcopy) | TEXTS | st.integers() | st.floats() | st.booleans()
)
JSON = st.recursive(
    SCALARS,
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(TEXTS, parts, max_size=4),
    max_leaves=12,
)


def containers(value: Any) -> list[Any]:
    """Every object and array in `value`, itself included."""
    if isinstance(value, dict):
        return [value] + [inner for part in value.values() for inner in containers(part)]
    if isinstance(value, list):
        return [value] + [inner for part in value for inner in containers(part)]
    return []


@st.composite
def spoiled(draw: st.DrawFn, originals: list[Any]) -> Any:
    """One of `originals` with a few of its parts replaced, taken away or added."""
    value = deepcopy(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, 4))):
        container = draw(st.sampled_from(containers(value)))
        if isinstance(container, dict):
            key = draw(st.sampled_from(sorted(container)) if container else TEXTS)
        elif container:
            key = draw(st.integers(0, len(container) - 1))
        else:
            container.append(draw(JSON))
            continue
        if draw(st.booleans()):
            container[key] = draw(JSON)
        elif isinstance(container, list) or key in container:
            del container[key]
    return value


EVENTS = [make() for make in golden.ALL.values()]
DECODERS = list(dict.fromkeys(FORMATS.values()))
RESULTS: list[Any] = [
    http_v2.build_response(HTTPResponse(200, [(b"x", b"1"), (b"set-cookie", b"a=1")], b"\xff")),
    rest.build_response(HTTPResponse(200, [(b"x", b"1"), (b"x", b"2")], b"text")),
    alb.build_response(HTTPResponse(200, [(b"x", b"1")], b"\xff"), golden.alb()),
    edge.build_response(HTTPResponse(200, [(b"x", b"1"), (b"x", b"2")], b"\xff")),
]
RESPONSE_DECODERS: list[Callable[[Any], HTTPResponse]] = [
    http_v2.decode_response,
    rest.decode_response,
    lambda result: rest.decode_response(result, http_api=True),
    lambda result: rest.decode_response(result, decode_base64=False),
    alb.decode_response,
    lambda result: alb.decode_response(result, multi_value=True),
    edge.decode_response,
    lattice_v1.decode_response,
    websocket.decode_response,
]

NAMES = st.sampled_from([b"host", b"cookie", b"connection", b"x-forwarded-for", b"set-cookie"])
HEADERS = st.lists(st.tuples(NAMES | st.binary(max_size=8), st.binary(max_size=20)), max_size=6)
REQUESTS = st.builds(
    HTTPRequest,
    method=st.text(min_size=1, max_size=5),
    path=st.text(max_size=12).map(lambda path: f"/{path}"),
    raw_path=st.binary(max_size=12).map(lambda path: b"/" + path),
    query_string=st.binary(max_size=20),
    headers=HEADERS,
    body=st.binary(max_size=20),
    scheme=st.sampled_from(["http", "https"]),
    http_version=st.sampled_from(["1.0", "1.1", "2", "3", ""]),
    client=st.none() | st.tuples(st.text(max_size=5), st.integers(0, 65535)),
    server=st.none() | st.tuples(st.text(max_size=5), st.integers(0, 65535)),
)
RESPONSES = st.builds(HTTPResponse, st.integers(0, 1000), HEADERS, st.binary(max_size=20))


def any_event_is_read_or_refused(event: Any) -> None:
    before = repr(event)
    assert isinstance(detect(event), Source)
    for wire in DECODERS:
        with suppress(MalformedEvent):
            decoded = wire.decode_event(event)
            if isinstance(decoded, HTTPRequest):
                check_request(decoded)
    assert repr(event) == before  # handlers get the event after it was decoded


def any_result_is_read_or_refused(result: Any) -> None:
    for decode in RESPONSE_DECODERS:
        with suppress(MalformedResponse):
            check_response(decode(result))


def any_stream_is_read_or_refused(pieces: list[bytes]) -> None:
    parser = prelude.PreludeParser()
    with suppress(MalformedResponse):
        for piece in pieces:
            response = parser.feed(piece)
            if response:
                check_response(response)
                return
        parser.finish()


def any_request_is_carried_by_every_format(request: HTTPRequest) -> None:
    built: list[tuple[Any, Any]] = [
        (wire, wire.build_event(request, request_id="id", time=1e9, domain_name=domain, stage="s"))
        for wire in (http_v2, rest)
        for domain in ("a.lambda-url.eu-west-1.on.aws", "a.execute-api.eu-west-1.amazonaws.com")
    ]
    arns: dict[str, Any] = {
        "service_network_arn": "a",
        "service_arn": "a",
        "target_group_arn": "a",
        "region": "r",
    }
    built += [
        (alb, alb.build_event(request, target_group_arn="a")),
        (alb, alb.build_event(request, target_group_arn="a", multi_value=True)),
        (edge, edge.build_event(request, request_id="id", distribution_domain_name="a")),
        (lattice_v1, lattice_v1.build_event(request)),
        (lattice_v2, lattice_v2.build_event(request, time=1e9, **arns)),
    ]
    for wire, written in built:
        event = json.loads(json.dumps(written))
        assert wire.matches(event)
        check_request(wire.decode_event(event))


def any_response_is_carried_by_every_format(response: HTTPResponse) -> None:
    event = golden.alb_multi_value()
    for wire in DECODERS:
        result = json.loads(json.dumps(wire.build_response(response, event)))
        with suppress(MalformedResponse):
            check_response(wire.decode_response(result))
    any_stream_is_read_or_refused([prelude.build(response), response.body])


PIECES = st.lists(
    st.binary(max_size=20)
    | st.just(bytes(8))
    | JSON.map(lambda value: json.dumps(value).encode())
    | spoiled([{"statusCode": 200, "headers": {"a": "b"}, "cookies": ["c=d"]}]).map(
        lambda value: json.dumps(value).encode() + bytes(8)
    ),
    max_size=5,
)

PROPERTIES: list[tuple[Callable[[Any], None], st.SearchStrategy[Any]]] = [
    (any_event_is_read_or_refused, JSON),
    (any_event_is_read_or_refused, spoiled(EVENTS)),
    (any_event_is_answered_or_its_fault_named, JSON),
    (any_event_is_answered_or_its_fault_named, spoiled(EVENTS + handlers.EVENTS)),
    (any_result_is_read_or_refused, JSON),
    (any_result_is_read_or_refused, spoiled(RESULTS)),
    (any_stream_is_read_or_refused, PIECES),
    (any_request_is_carried_by_every_format, REQUESTS),
    (any_response_is_carried_by_every_format, RESPONSES),
]


def run_round(first: int, *, examples: int = EXAMPLES) -> None:
    """Check every property with examples drawn from the seed `first`. Raises at the first fault."""
    limits = settings(
        max_examples=examples,
        database=None,
        deadline=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    for check, values in PROPERTIES:
        seed(first)(limits(given(value=values)(taking_value(check))))()


def taking_value(check: Callable[[Any], None]) -> Callable[[Any], None]:
    """`check` as a function of its own, for hypothesis keeps state with each that it runs."""

    def drawn(value: Any) -> None:
        check(value)

    return drawn


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("seconds", nargs="?", type=float, default=60, help="how long (60)")
    parser.add_argument("seed", nargs="?", type=int, default=secrets.randbelow(2**32))
    options = parser.parse_args()
    end = time.monotonic() + options.seconds
    print(f"seed {options.seed}, {options.seconds:g} seconds", flush=True)  # noqa: T201
    rounds = 0
    while time.monotonic() < end:
        try:
            run_round(options.seed + rounds)
        except Exception:
            again = options.seed + rounds
            print(f"FAILED. Again: scripts/fuzz 1 {again}", file=sys.stderr)  # noqa: T201
            raise
        rounds += 1
    examples = rounds * EXAMPLES * len(PROPERTIES)
    print(f"passed: {rounds} rounds, about {examples} examples")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
