"""Which operation a path asks for; the paths are those of AWS's API reference."""

from __future__ import annotations

import pytest

from warmstart.service.api.model import service_model
from warmstart.service.api.routing import Router

MODEL = service_model("lambda")
ROUTER = Router(MODEL.operation_model(name) for name in MODEL.operation_names)


def route(
    method: str, path: str, query: list[tuple[str, str]] | None = None
) -> tuple[str, dict[str, str]] | None:
    match = ROUTER.match(method, path, query or [])
    return (match.operation.name, dict(match.labels)) if match else None


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_slash_at_the_end_makes_no_difference(slash: str) -> None:
    assert route("GET", f"/2015-03-31/functions{slash}") == ("ListFunctions", {})
    assert route("GET", f"/2016-08-19/account-settings{slash}") == ("GetAccountSettings", {})
    found = route("POST", f"/2014-11-13/functions/f/invoke-async{slash}")
    assert found == ("InvokeAsync", {"FunctionName": "f"})


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("f:live", "f:live"),
        ("f%3Alive", "f:live"),
        ("123456789012%3Afunction%3Af", "123456789012:function:f"),
        (
            "arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Af%3A%24LATEST",
            "arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST",
        ),
    ],
)
def test_a_function_may_be_named_in_all_ways(sent: str, name: str) -> None:
    found = route("GET", f"/2015-03-31/functions/{sent}")

    assert found == ("GetFunction", {"FunctionName": name})


def test_a_labels_value_may_hold_a_slash() -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:f:1/durable-execution/a/b"

    found = route("GET", f"/2025-12-01/durable-executions/{arn.replace('/', '%2F')}/history")

    assert found == ("GetDurableExecutionHistory", {"DurableExecutionArn": arn})


def test_a_constant_in_the_query_tells_operations_of_one_path_apart() -> None:
    path = "/2019-09-30/functions/f/provisioned-concurrency"
    name = {"FunctionName": "f"}

    assert route("GET", path) == ("GetProvisionedConcurrencyConfig", name)
    listed = [("List", "ALL"), ("MaxItems", "1")]
    assert route("GET", path, listed) == ("ListProvisionedConcurrencyConfigs", name)
    assert route("GET", "/2018-10-31/layers") == ("ListLayers", {})
    by_arn = [("find", "LayerVersion"), ("Arn", "x")]
    assert route("GET", "/2018-10-31/layers", by_arn) == ("GetLayerVersionByArn", {})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/2015-03-31"),
        ("PATCH", "/2015-03-31/functions"),
        ("GET", "/2015-03-31/functions//code"),
        ("GET", "/2014-11-11/functions"),
        ("GET", "/2015-03-31/functions/f/unheard-of"),
        ("GET", "/2015-03-31/functions/f/policy/s/t"),
    ],
)
def test_there_is_nothing_at_other_paths(method: str, path: str) -> None:
    assert route(method, path) is None
