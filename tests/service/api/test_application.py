"""The APIs over a real connection, with boto3 as the client."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.service.api.serving import call, client, serving
from warmstart.service.api.application import Api, Application
from warmstart.service.api.errors import ApiError
from warmstart.service.api.json import AwsJSON
from warmstart.service.api.operations import Members, operation, operations_of
from warmstart.service.api.rest_json import RestJSON

MOMENT = datetime(2026, 11, 24, 12, 0, 0, 250_000, tzinfo=UTC)
UUID = "8ba2fb29-bd02-4d8d-8d09-6e5a5a0d6d5c"


class Functions:
    """Some of the Lambda API's operations."""

    @operation("GetFunctionConfiguration")
    async def get_function_configuration(self, parameters: Members) -> Members:
        return {"FunctionName": parameters["FunctionName"], "Timeout": 3, "Description": None}

    @operation("GetEventSourceMapping")
    def get_event_source_mapping(self, parameters: Members) -> Members:
        return {"UUID": parameters["UUID"], "LastModified": MOMENT}

    @operation("GetFunctionConcurrency")
    def get_function_concurrency(self, parameters: Members) -> Members:
        reason = "CallerRateLimitExceeded"
        raise ApiError(
            "TooManyRequestsException", "Rate Exceeded.", Reason=reason, retryAfterSeconds="1"
        )

    @operation("DeleteFunctionConcurrency")
    def delete_function_concurrency(self, parameters: Members) -> Members:
        return {}

    @operation("GetAccountSettings")
    def get_account_settings(self, parameters: Members) -> Members:
        raise ZeroDivisionError("for example")


class LogGroups:
    """Some of CloudWatch Logs' operations."""

    @operation("DescribeLogGroups")
    def describe_log_groups(self, parameters: Members) -> Members:
        return {"logGroups": [{"logGroupName": parameters["logGroupNamePrefix"]}]}

    @operation("PutLogEvents")
    def put_log_events(self, parameters: Members) -> Members:
        message = "The specified log group does not exist."
        raise ApiError("ResourceNotFoundException", message)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    application = Application(
        Api(AwsJSON("logs"), operations_of(LogGroups())),
        Api(RestJSON("lambda"), operations_of(Functions())),
    )
    async with serving(application) as port:
        yield port


@pytest.fixture
def lambda_(port: int) -> Iterator[Any]:
    with closing(client("lambda", port)) as lambda_:
        yield lambda_


@pytest.fixture
def logs(port: int) -> Iterator[Any]:
    with closing(client("logs", port)) as logs:
        yield logs


async def refused(method: Any, **parameters: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as info:
        await call(method, **parameters)
    response: dict[str, Any] = info.value.response
    return response


async def test_an_operation_gets_its_parameters_and_its_answer_comes_back(lambda_: Any) -> None:
    found = await call(lambda_.get_function_configuration, FunctionName="f")

    assert found.pop("ResponseMetadata")["HTTPStatusCode"] == 200
    assert found == {"FunctionName": "f", "Timeout": 3}


async def test_a_timestamp_arrives_as_one(lambda_: Any) -> None:
    found = await call(lambda_.get_event_source_mapping, UUID=UUID)

    assert found["LastModified"] == MOMENT


async def test_an_answer_without_members_is_204(lambda_: Any) -> None:
    found = await call(lambda_.delete_function_concurrency, FunctionName="f")

    assert found["ResponseMetadata"]["HTTPStatusCode"] == 204


async def test_a_refusal_is_the_exception_of_its_name(lambda_: Any) -> None:
    with pytest.raises(lambda_.exceptions.TooManyRequestsException) as info:
        await call(lambda_.get_function_concurrency, FunctionName="f")

    response = info.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert response["Error"]["Message"] == "Rate Exceeded."
    assert response["Reason"] == "CallerRateLimitExceeded"
    assert response["Type"] == "User"
    assert response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "1"


async def test_a_known_operation_that_is_not_there_is_named(lambda_: Any) -> None:
    response = await refused(lambda_.list_layers)

    assert response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert response["Error"]["Code"] == "NotImplementedException"
    assert "ListLayers" in response["Error"]["Message"]


async def test_a_fault_of_ours_is_logged_with_its_request(
    lambda_: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "warmstart"):
        response = await refused(lambda_.get_account_settings)

    request_id = response["ResponseMetadata"]["RequestId"]
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert response["Error"]["Code"] == "ServiceException"
    assert response["Type"] == "Service"
    assert request_id in response["Error"]["Message"]
    assert request_id in caplog.text
    assert "ZeroDivisionError: for example" in caplog.text


async def test_an_unknown_path_says_so(port: int) -> None:
    async with httpx.AsyncClient() as http:
        response = await http.get(f"http://127.0.0.1:{port}/2015-03-31/machines")

    assert response.status_code == 404
    assert response.headers["x-amzn-errortype"] == "UnknownOperationException"
    message = "AWS Lambda has no operation at GET /2015-03-31/machines."
    assert response.json() == {"message": message}


async def test_each_answer_has_an_id_of_its_own_and_the_connection_stays(port: int) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        first = await http.get("/2015-03-31/functions/f/configuration")
        second = await http.get("/2015-03-31/functions/f/configuration")

    assert first.headers["x-amzn-requestid"] != second.headers["x-amzn-requestid"]
    assert "connection" not in first.headers
    assert first.extensions["network_stream"] is second.extensions["network_stream"]


async def test_logs_are_served_on_the_same_address(logs: Any) -> None:
    found = await call(logs.describe_log_groups, logGroupNamePrefix="/aws/lambda/f")
    response = await refused(
        logs.put_log_events,
        logGroupName="g",
        logStreamName="s",
        logEvents=[{"timestamp": 1, "message": "m"}],
    )

    assert found["logGroups"] == [{"logGroupName": "/aws/lambda/f"}]
    assert response["Error"] == {
        "Code": "ResourceNotFoundException",
        "Message": "The specified log group does not exist.",
    }
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400


async def test_a_body_that_is_too_long_is_refused(port: int) -> None:
    body = b" " * (70_167_211 + 1)

    async with httpx.AsyncClient() as http:
        url = f"http://127.0.0.1:{port}/2015-03-31/functions"
        response = await http.post(url, content=body, timeout=30)

    # https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html
    assert response.status_code == 413
    assert response.headers["x-amzn-errortype"] == "RequestEntityTooLargeException"
    message = "Request must be smaller than 70167211 bytes for the CreateFunction operation"
    assert response.json() == {"message": message}


async def test_a_request_is_held_to_the_model(port: int) -> None:
    async with httpx.AsyncClient() as http:
        url = f"http://127.0.0.1:{port}/2015-03-31/functions/no%20name/configuration"
        response = await http.get(url)

    assert response.status_code == 400
    assert response.headers["x-amzn-errortype"] == "ValidationException"
    assert response.json()["message"].startswith(
        "1 validation error detected: Value 'no name' at 'functionName' failed to satisfy "
        "constraint: Member must satisfy regular expression pattern: "
    )


async def test_logs_tell_of_bad_input_in_their_own_way(logs: Any) -> None:
    response = await refused(logs.describe_log_groups, logGroupNamePrefix="C:/Program Files")

    assert response["Error"] == {
        "Code": "InvalidParameterException",
        "Message": "1 validation error detected: Value 'C:/Program Files' at "
        "'logGroupNamePrefix' failed to satisfy constraint: Member must satisfy regular "
        "expression pattern: [\\.\\-_/#A-Za-z0-9]+",
    }
