"""CloudWatch Logs' protocol, with botocore's own serializer and parser as judges."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.awsrequest import HeadersDict
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.service.api.members import values
from warmstart.service.api.errors import ApiError
from warmstart.service.api.exchange import Request, Response
from warmstart.service.api.json import AwsJSON
from warmstart.service.api.model import service_model

MODEL = service_model("logs")
PROTOCOL = AwsJSON("logs")
# What the tools use to write and read logs.
OPERATIONS = [
    "CreateLogGroup",
    "CreateLogStream",
    "DeleteLogGroup",
    "DeleteLogStream",
    "DescribeLogGroups",
    "DescribeLogStreams",
    "FilterLogEvents",
    "GetLogEvents",
    "PutLogEvents",
    "PutRetentionPolicy",
]


def sent(operation: Any, members: dict[str, Any]) -> Request:
    serialized = create_serializer("json", include_validation=False).serialize_to_request(
        members, operation
    )
    headers = {name.lower(): value for name, value in serialized["headers"].items()}
    return Request("POST", "/", "", headers, serialized["body"])


def received(response: Response, shape: Any) -> dict[str, Any]:
    headers = HeadersDict(response.headers)
    document = {"status_code": response.status, "headers": headers, "body": response.body}
    parsed: dict[str, Any] = create_parser("json").parse(document, shape)
    return parsed


@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=10)
@given(data=st.data())
def test_what_botocore_sends_is_read_as_it_was_given(name: str, data: st.DataObject) -> None:
    operation = MODEL.operation_model(name)
    members = data.draw(values(operation.input_shape))
    request = sent(operation, members)

    assert PROTOCOL.claims(request)
    match = PROTOCOL.route(request)
    assert match.operation.name == name
    assert PROTOCOL.parse(match, request) == members


@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=10)
@given(data=st.data())
def test_botocore_reads_what_was_answered(name: str, data: st.DataObject) -> None:
    operation = MODEL.operation_model(name)
    shape = operation.output_shape
    members = data.draw(values(shape)) if shape is not None else {}

    parsed = received(PROTOCOL.serialize(operation, members), shape)

    assert parsed.pop("ResponseMetadata")["HTTPStatusCode"] == 200
    assert parsed == members


@pytest.mark.parametrize("shape", MODEL.error_shapes, ids=lambda shape: shape.name)
def test_botocore_reads_each_error(shape: Any) -> None:
    response = PROTOCOL.refuse(ApiError(shape.name, "What was wrong."))

    assert response.status == 400
    error = received(response, None)["Error"]
    assert error == {"Code": shape.name, "Message": "What was wrong."}


def test_an_operation_that_the_service_does_not_have_is_said() -> None:
    request = Request("POST", "/", "", {"x-amz-target": "Logs_20140328.Nothing"}, b"{}")

    with pytest.raises(ApiError, match="Amazon CloudWatch Logs has no operation Nothing") as info:
        PROTOCOL.route(request)

    response = PROTOCOL.refuse(info.value)
    assert json.loads(response.body)["__type"] == "UnknownOperationException"


def test_other_services_requests_are_not_claimed() -> None:
    headers = {"x-amz-target": "DynamoDB_20120810.PutItem"}

    assert not PROTOCOL.claims(Request("POST", "/", "", headers, b""))
    assert not PROTOCOL.claims(Request("GET", "/", "", {}, b""))
