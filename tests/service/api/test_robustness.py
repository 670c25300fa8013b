"""Whatever is sent, the answer is an answer: never a fault of ours."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from warmstart.service.api.application import Api, Application
from warmstart.service.api.invocations import Invocations
from warmstart.service.api.json import AwsJSON
from warmstart.service.api.model import service_model
from warmstart.service.api.operations import Members
from warmstart.service.api.rest_json import RestJSON
from warmstart.service.control.arns import Arns
from warmstart.service.service import Service

LAMBDA = service_model("lambda")
LOGS = service_model("logs")


def nothing(parameters: Members) -> Members:
    return {}


def application() -> Application:
    """All operations, each of which answers with nothing, and no functions."""
    service = Service()
    no_queue: Any = None  # an event for a function that is not there does not get that far
    invocations = Invocations(service, no_queue, Arns(service.region, service.account))
    return Application(
        Api(AwsJSON("logs"), dict.fromkeys(LOGS.operation_names, nothing)),
        Api(RestJSON("lambda"), dict.fromkeys(LAMBDA.operation_names, nothing), invocations),
    )


APPLICATION = application()
NAMES = sorted(
    {
        member
        for model in (LAMBDA, LOGS)
        for name in model.shape_names
        if model.shape_for(name).type_name == "structure"
        for member in model.shape_for(name).members
    }
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
DOCUMENTS = st.recursive(
    SCALARS | st.just("\ud800"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=20,
)
BODIES = DOCUMENTS.map(lambda document: json.dumps(document).encode()) | st.binary(max_size=50)
PARTS = st.text("abc%:/$.0é ", max_size=8) | st.sampled_from(["f", "f%3A1", "%24LATEST", "1"])


@st.composite
def calls(draw: Any) -> dict[str, Any]:
    """A request to the path of some operation, with anything for its labels."""
    http = LAMBDA.operation_model(draw(st.sampled_from(LAMBDA.operation_names))).http
    path, _, constants = http["requestUri"].partition("?")
    segments = [draw(PARTS) if part.startswith("{") else part for part in path.split("/")]
    query = "&".join([constants, *draw(st.lists(PARTS, max_size=2))])
    return request(http["method"], "/".join(segments), query, draw(HEADERS))


HEADERS: SearchStrategy[dict[str, str]] = st.dictionaries(
    st.sampled_from(
        [
            "X-Amz-Target",
            "X-Amz-Invocation-Type",
            "X-Amz-Log-Type",
            "X-Amz-Client-Context",
            "X-Amz-Tenant-Id",
            "X-Amzn-Trace-Id",
            "Authorization",
        ]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=10)
    | st.sampled_from(["Event", "DryRun", "Tail", "e30="])
    | st.sampled_from([f"Logs_20140328.{name}" for name in LOGS.operation_names]),
    max_size=3,
)


def request(method: str, path: str, query: str, headers: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(n.lower().encode(), v.encode("latin-1")) for n, v in headers.items()],
    }


async def answer(scope: dict[str, Any], body: bytes) -> tuple[int, bytes]:
    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    await APPLICATION(scope, receive, send)
    start, end = messages
    return start["status"], end["body"]


@settings(max_examples=150)
@given(scope=calls(), body=BODIES)
def test_no_request_makes_us_fail(scope: dict[str, Any], body: bytes) -> None:
    status, answered = asyncio.run(answer(scope, body))

    assert status in (200, 201, 202, 204, 400, 404, 403)
    if status >= 400:
        assert isinstance(json.loads(answered), dict)
