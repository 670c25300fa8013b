"""The events of the front doors that Mangum knows, golden and made up."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.events import golden
from tests.events.changes import replace
from tests.events.strategies import RAW_QUERIES, queries, requests
from warmstart.events import alb, edge, http_v2, rest
from warmstart.events.http import HTTPRequest

Event = dict[str, Any]

GOLDEN: dict[str, Callable[[], Event]] = {
    make.__name__: make
    for make in (
        golden.function_url,
        golden.http_api,
        golden.rest_api,
        golden.http_api_v1,
        golden.alb,
        golden.alb_multi_value,
        golden.edge,
    )
}

DOMAIN = "abc123.execute-api.eu-west-1.amazonaws.com"
TARGET_GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/things/6d0e"


def at(make: Callable[[], Event], **changes: Any) -> Event:
    """A golden event with members set; two underscores go one level down.

    A change to `...` takes the member away.
    """
    event = make()
    for path, value in changes.items():
        *parents, name = path.split("__")
        member: Any = event
        for parent in parents:
            member = member[int(parent)] if isinstance(member, list) else member[parent]
        if value is ...:
            del member[name]
        else:
            member[name] = value
    return event


@st.composite
def made_up(draw: st.DrawFn) -> Event:
    """Any request, as any of the front doors hands it on."""
    build = draw(st.sampled_from([_http_api, _function_url, _rest, _http_api_v1, _alb, _edge]))
    event = build(draw)
    decoded: Event = json.loads(json.dumps(event))
    return decoded


def _request(draw: st.DrawFn, query: st.SearchStrategy[bytes]) -> HTTPRequest:
    return draw(requests(query=query, repeats=True))


def _http_api(draw: st.DrawFn) -> Event:
    request = _request(draw, RAW_QUERIES)
    return http_v2.build_event(request, request_id="r", time=0, domain_name=DOMAIN, stage="prod")


def _function_url(draw: st.DrawFn) -> Event:
    request = _request(draw, RAW_QUERIES)
    domain = "abc.lambda-url.eu-west-1.on.aws"
    return http_v2.build_event(request, request_id="r", time=0, domain_name=domain)


def _rest(draw: st.DrawFn) -> Event:
    request = _request(draw, queries(encoded=True, repeats=True))
    if draw(st.booleans()):
        request = replace(request, raw_path=b"/prod" + request.raw_path)
    return rest.build_event(
        request,
        request_id="r",
        time=0,
        domain_name=DOMAIN,
        stage="prod",
        binary_media_types=["*/*"] if draw(st.booleans()) else [],
    )


def _http_api_v1(draw: st.DrawFn) -> Event:
    request = _request(draw, queries(encoded=True, repeats=True))
    return rest.build_event(
        request, request_id="r", time=0, domain_name=DOMAIN, stage="prod", http_api=True
    )


def _alb(draw: st.DrawFn) -> Event:
    request = _request(draw, queries(encoded=False, repeats=True))
    return alb.build_event(request, target_group_arn=TARGET_GROUP, multi_value=draw(st.booleans()))


def _edge(draw: st.DrawFn) -> Event:
    request = _request(draw, RAW_QUERIES)
    return edge.build_event(request, request_id="r", distribution_domain_name="d.cloudfront.net")
