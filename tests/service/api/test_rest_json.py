"""Requests and responses of the Lambda API, with botocore's own serializer and parser as judges."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.awsrequest import HeadersDict, create_request_object, prepare_request_dict
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.service.api.members import requests, responses
from warmstart.service.api.errors import ApiError
from warmstart.service.api.exchange import Request, Response
from warmstart.service.api.model import service_model
from warmstart.service.api.rest_json import RestJSON

MODEL = service_model("lambda")
PROTOCOL = RestJSON("lambda")
# Those whose output is a function's own bytes are answered elsewhere.
PLAIN = sorted({*MODEL.operation_names} - {"Invoke", "InvokeWithResponseStream"})


def sent(operation: Any, members: dict[str, Any]) -> Request:
    """The request as botocore sends it."""
    serialized = create_serializer("rest-json", include_validation=False).serialize_to_request(
        members, operation
    )
    prepare_request_dict(serialized, "http://127.0.0.1:9000")
    prepared = create_request_object(serialized).prepare()
    url = urlsplit(prepared.url)
    headers = {
        name.lower(): value if isinstance(value, str) else value.decode()
        for name, value in prepared.headers.items()
    }
    body = prepared.body or b""
    body = body if isinstance(body, bytes) else body.encode()
    return Request(prepared.method, url.path, url.query, headers, body)


def received(response: Response, shape: Any) -> dict[str, Any]:
    """What botocore reads from a response."""
    headers = HeadersDict(response.headers)
    document = {"status_code": response.status, "headers": headers, "body": response.body}
    parsed: dict[str, Any] = create_parser("rest-json").parse(document, shape)
    return parsed


@pytest.mark.parametrize("name", MODEL.operation_names)
@settings(max_examples=10)
@given(data=st.data())
def test_what_botocore_sends_is_read_as_it_was_given(name: str, data: st.DataObject) -> None:
    operation = MODEL.operation_model(name)
    members = data.draw(requests(operation.input_shape))
    request = sent(operation, members)

    match = PROTOCOL.route(request)

    assert match.operation.name == name
    assert PROTOCOL.parse(match, request) == members


@pytest.mark.parametrize("name", PLAIN)
@settings(max_examples=10)
@given(data=st.data())
def test_botocore_reads_what_was_answered(name: str, data: st.DataObject) -> None:
    operation = MODEL.operation_model(name)
    shape = operation.output_shape
    members = data.draw(responses(shape)) if shape is not None else {}

    parsed = received(PROTOCOL.serialize(operation, members), shape)

    metadata = parsed.pop("ResponseMetadata")
    status = operation.http["responseCode"]
    for member, found in shape.members.items() if shape is not None else ():
        if found.serialization.get("location") == "statusCode":
            status = members.setdefault(member, status)
    assert metadata["HTTPStatusCode"] == status
    assert parsed == members


@pytest.mark.parametrize("shape", MODEL.error_shapes, ids=lambda shape: shape.name)
def test_botocore_reads_each_error(shape: Any) -> None:
    extra = {name: "x" for name in shape.members if name not in ("Type", "message", "Message")}

    response = PROTOCOL.refuse(ApiError(shape.name, "What was wrong.", **extra))

    error = received(response, None)
    parsed = received(response, shape)
    assert response.status == shape.metadata["error"]["httpStatusCode"]
    assert error["Error"] == {"Code": shape.name, "Message": "What was wrong."}
    assert parsed["Type"] == ("Service" if response.status >= 500 else "User")
    assert {name: parsed[name] for name in extra} == extra


def request(method: str, target: str, body: bytes = b"") -> Request:
    path, _, query = target.partition("?")
    return Request(method, path, query, {}, body)


def refused(method: str, target: str, body: bytes = b"") -> ApiError:
    asked = request(method, target, body)
    with pytest.raises(ApiError) as info:
        PROTOCOL.parse(PROTOCOL.route(asked), asked)
    return info.value


# Texts of the deserializer that AWS's services share, as answers to raw requests showed them
# (Athena and SES, 2026).
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"MemorySize": "1"}', "STRING_VALUE can not be converted to an Integer"),
        (b'{"MemorySize": true}', "TRUE_VALUE can not be converted to an Integer"),
        (b'{"MemorySize": [1]}', "Start of list found where not expected"),
        (b'{"MemorySize": {}}', "Start of structure or map found where not expected."),
        (b'{"FunctionName": 1}', "NUMBER_VALUE can not be converted to a String"),
        (b'{"FunctionName": false}', "FALSE_VALUE can not be converted to a String"),
        (b'{"FunctionName": ["x"]}', "Start of list found where not expected"),
        (b'{"FunctionName": {}}', "Start of structure or map found where not expected."),
        (b'{"Layers": [1]}', "NUMBER_VALUE can not be converted to a String"),
        (b'{"Layers": "x"}', "Expected list or null"),
        (b'{"Code": "x"}', "Expected null"),
        (b'{"Code": []}', "Start of list found where not expected"),
        (b'{"Tags": "x"}', "Expected null"),
        (b'{"Publish": "abc"}', "STRING_VALUE can not be converted to an Boolean"),
        (b'{"Publish": 1}', "NUMBER_VALUE can not be converted to a Boolean"),
        (b"[]", "Start of list found where not expected"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_in_awss_words(body: bytes, message: str) -> None:
    error = refused("POST", "/2015-03-31/functions", body)

    assert (error.code, error.message) == ("SerializationException", message)


@pytest.mark.parametrize("body", [b"{", b"\xff{}", b'{"MemorySize": NaN}', b"[" * 100_000])
def test_a_body_that_is_not_json_is_refused(body: bytes) -> None:
    error = refused("POST", "/2015-03-31/functions", body)

    assert error.code == "SerializationException"
    assert error.message.startswith("Could not parse request body into json: ")


def test_a_number_that_no_float_holds_is_refused() -> None:
    weights = b'{"AdditionalVersionWeights": {"2": 1%s}}' % (400 * b"0")
    body = b'{"Name": "live", "FunctionVersion": "1", "RoutingConfig": %s}' % weights

    error = refused("POST", "/2015-03-31/functions/f/aliases", body)

    assert (error.code, error.message) == ("SerializationException", "A number is too large.")


def test_null_is_the_same_as_nothing_and_what_the_model_does_not_know_is_ignored() -> None:
    body = b'{"FunctionName": "f", "Role": null, "Code": {"S3Bucket": null}, "New": 1}'
    asked = request("POST", "/2015-03-31/functions", body)

    members = PROTOCOL.parse(PROTOCOL.route(asked), asked)

    assert members == {"FunctionName": "f", "Code": {}}


def test_a_boolean_may_be_a_word() -> None:
    asked = request("POST", "/2015-03-31/functions", b'{"Publish": "True"}')

    assert PROTOCOL.parse(PROTOCOL.route(asked), asked) == {"Publish": True}


def test_a_number_in_a_query_must_be_one() -> None:
    error = refused("GET", "/2015-03-31/functions?MaxItems=many")

    assert error.code == "SerializationException"
    assert error.message == "STRING_VALUE can not be converted to an Integer"


def test_a_member_that_an_output_does_not_have_is_our_own_fault() -> None:
    operation = MODEL.operation_model("GetAccountSettings")

    with pytest.raises(TypeError, match="has no member 'Limits'"):
        PROTOCOL.serialize(operation, {"Limits": {}})


def test_204_has_no_body() -> None:
    operation = MODEL.operation_model("DeleteFunction")

    response = PROTOCOL.serialize(operation, {"StatusCode": 204})

    assert (response.status, response.body) == (204, b"")
