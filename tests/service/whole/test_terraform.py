"""What Terraform's AWS provider sends for a stack: create, read, plan, update, destroy.

The calls of each resource and their order are those of the provider's source
(https://github.com/hashicorp/terraform-provider-aws, internal/service/lambda and logs). A plan
has no difference if what is read is what was configured.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.service.whole.clients import RUNTIME, Aws, archive

ROLE = "arn:aws:iam::123456789012:role/stack"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:stack"
GROUP = "/aws/lambda/stack"
CODE = "def handler(event, context): return event"
FUNCTION = "/2015-03-31/functions/stack"
VERSIONED = {"Description", "Handler", "MemorySize", "Role", "Runtime", "Timeout", "Environment"}
VERSIONED |= {"Layers", "TracingConfig", "EphemeralStorage", "Architectures", "PackageType"}


class Provider:
    """A plain HTTP client that sends what the provider does."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=30)
        self.close = self._http.close

    def call(self, method: str, path: str, expected: int, body: object = None) -> Any:
        """A call of Lambda's; the answer's members, or those of the error."""
        content = None if body is None else json.dumps(body).encode()
        answer = self._http.request(
            method, path, content=content, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == expected, (method, path, answer.text)
        return answer.json() if answer.content else {}

    def status(self, path: str) -> int:
        return self._http.get(path).status_code

    def logs(self, operation: str, **members: Any) -> Any:
        """A call of CloudWatch Logs'."""
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"Logs_20140328.{operation}",
        }
        answer = self._http.post("/", content=json.dumps(members), headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.content else {}

    def wait(self, path: str, member: str, wanted: str) -> None:
        """Ask until a member, of the configuration if there is one, has its value."""
        deadline = time.monotonic() + 30
        while True:
            answer = self.call("GET", path, 200)
            if answer.get("Configuration", answer)[member] == wanted:
                return
            assert time.monotonic() < deadline, answer
            time.sleep(0.05)


@pytest.fixture
def provider(aws: Aws) -> Iterator[Provider]:
    client = Provider(aws.url)
    yield client
    client.close()


def layer(provider: Provider) -> str:
    made = provider.call(
        "POST",
        "/2018-10-31/layers/stack/versions",
        201,
        {
            "Content": {"ZipFile": _zip(**{"python/shared": "X = 1"})},
            "CompatibleRuntimes": [RUNTIME],
            "Description": "shared",
        },
    )
    arn: str = made["LayerVersionArn"]
    assert made["Version"] == 1
    return arn


def read_layer(provider: Provider) -> Any:
    read = provider.call("GET", "/2018-10-31/layers/stack/versions/1", 200)
    return {name: read[name] for name in ("CompatibleRuntimes", "Description", "LayerVersionArn")}


def function(layer_arn: str, **changes: Any) -> dict[str, Any]:
    """The configuration: what the provider compares."""
    return {
        "Description": "a stack",
        "Handler": "app.handler",
        "MemorySize": 256,
        "Role": ROLE,
        "Runtime": RUNTIME,
        "Timeout": 5,
        "Environment": {"Variables": {"COLOR": "red"}},
        "Layers": [layer_arn],
        "TracingConfig": {"Mode": "PassThrough"},
        "EphemeralStorage": {"Size": 512},
        "Architectures": ["x86_64"],
        "PackageType": "Zip",
        **changes,
    }


def create_function(provider: Provider, wanted: dict[str, Any]) -> None:
    body = {"FunctionName": "stack", "Code": {"ZipFile": _zip(app=CODE)}, "Publish": True}
    provider.call("POST", "/2015-03-31/functions", 201, wanted | body | {"Tags": {"team": "blue"}})
    provider.wait(FUNCTION, "State", "Active")
    provider.call(
        "PUT", "/2017-10-31/functions/stack/concurrency", 200, {"ReservedConcurrentExecutions": 5}
    )


def read_function(provider: Provider) -> tuple[Any, Any, Any, Any]:
    """Configuration, tags, reserved concurrency, and the latest version."""
    read = provider.call("GET", FUNCTION, 200)
    configuration = {
        name: value for name, value in read["Configuration"].items() if name in VERSIONED
    }
    configuration["Layers"] = [each["Arn"] for each in configuration.get("Layers", [])]
    versions = provider.call("GET", f"{FUNCTION}/versions?MaxItems=10000", 200)
    signing = provider.call("GET", "/2020-06-30/functions/stack/code-signing-config", 200)
    assert not signing.get("CodeSigningConfigArn")
    latest = versions["Versions"][-1]["Version"]
    return configuration, read["Tags"], read["Concurrency"], latest


def create_rest(provider: Provider) -> str:
    """Alias, permission, URL, event source mapping and log group; the mapping's id."""
    provider.call("POST", f"{FUNCTION}/aliases", 201, {"Name": "live", "FunctionVersion": "1"})
    provider.call(
        "POST",
        f"{FUNCTION}/policy?Qualifier=live",
        201,
        {
            "StatementId": "FromBucket",
            "Action": "lambda:InvokeFunction",
            "Principal": "s3.amazonaws.com",
            "SourceArn": "arn:aws:s3:::bucket",
        },
    )
    provider.call(
        "POST",
        "/2021-10-31/functions/stack/url?Qualifier=live",
        201,
        {"AuthType": "NONE", "InvokeMode": "BUFFERED", "Cors": {"AllowOrigins": ["*"]}},
    )
    provider.call(
        "POST",
        f"{FUNCTION}/policy?Qualifier=live",
        201,
        {
            "StatementId": "FunctionURLAllowPublicAccess",
            "Action": "lambda:InvokeFunctionUrl",
            "Principal": "*",
            "FunctionUrlAuthType": "NONE",
        },
    )
    provider.logs("CreateLogGroup", logGroupName=GROUP, tags={"team": "blue"})
    provider.logs("PutRetentionPolicy", logGroupName=GROUP, retentionInDays=14)
    mapping = provider.call(
        "POST",
        "/2015-03-31/event-source-mappings",
        202,
        {"EventSourceArn": QUEUE, "FunctionName": "stack", "BatchSize": 5, "Enabled": False},
    )["UUID"]
    provider.wait(f"/2015-03-31/event-source-mappings/{mapping}", "State", "Disabled")
    return str(mapping)


def read_rest(provider: Provider, mapping: str) -> Any:
    alias = provider.call("GET", f"{FUNCTION}/aliases/live", 200)
    policy = json.loads(provider.call("GET", f"{FUNCTION}/policy?Qualifier=live", 200)["Policy"])
    url = provider.call("GET", "/2021-10-31/functions/stack/url?Qualifier=live", 200)
    source = provider.call("GET", f"/2015-03-31/event-source-mappings/{mapping}", 200)
    groups = provider.logs("DescribeLogGroups", logGroupNamePrefix=GROUP)["logGroups"]
    group = next(each for each in groups if each["logGroupName"] == GROUP)
    tags = provider.logs("ListTagsForResource", resourceArn=group["arn"].removesuffix(":*"))
    return {
        "alias": (alias["FunctionVersion"], alias["Description"]),
        "statements": {each["Sid"]: each["Condition"] for each in policy["Statement"]},
        "url": (url["AuthType"], url["InvokeMode"], url["Cors"]),
        "mapping": (source["BatchSize"], source["EventSourceArn"], source["FunctionArn"]),
        "group": (group["retentionInDays"], tags["tags"]),
    }


def destroy(provider: Provider, mapping: str) -> None:
    mappings = "/2015-03-31/event-source-mappings"
    provider.call("DELETE", f"{mappings}/{mapping}", 202)
    deadline = time.monotonic() + 30
    while provider.status(f"{mappings}/{mapping}") != 404:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    provider.call("DELETE", "/2021-10-31/functions/stack/url?Qualifier=live", 204)
    provider.call("DELETE", f"{FUNCTION}/policy/FromBucket?Qualifier=live", 204)
    provider.call("DELETE", f"{FUNCTION}/aliases/live", 204)
    provider.call("DELETE", FUNCTION, 204)
    provider.call("DELETE", "/2018-10-31/layers/stack/versions/1", 204)
    provider.logs("DeleteLogGroup", logGroupName=GROUP)


def _zip(**files: str) -> str:
    return base64.b64encode(archive(**files)).decode()


def test_a_stack_is_created_planned_changed_and_destroyed(provider: Provider) -> None:
    layer_arn = layer(provider)
    wanted = function(layer_arn)
    create_function(provider, wanted)
    mapping = create_rest(provider)

    for _ in range(2):  # apply's own refresh, and the plan after it
        concurrency = {"ReservedConcurrentExecutions": 5}
        assert read_function(provider) == (wanted, {"team": "blue"}, concurrency, "1")
        assert read_layer(provider) == {
            "CompatibleRuntimes": [RUNTIME],
            "Description": "shared",
            "LayerVersionArn": layer_arn,
        }
        assert read_rest(provider, mapping) == {
            "alias": ("1", ""),
            "statements": {
                "FromBucket": {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::bucket"}},
                "FunctionURLAllowPublicAccess": {
                    "StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}
                },
            },
            "url": ("NONE", "BUFFERED", {"AllowOrigins": ["*"]}),
            "mapping": (5, QUEUE, "arn:aws:lambda:us-east-1:123456789012:function:stack"),
            "group": (14, {"team": "blue"}),
        }

    changed = update(provider, wanted)
    mapping_path = f"/2015-03-31/event-source-mappings/{mapping}"
    provider.call("PUT", mapping_path, 202, {"BatchSize": 7, "FunctionName": "stack"})
    provider.wait(mapping_path, "State", "Disabled")
    assert read_function(provider)[0] == changed
    assert read_function(provider)[3] == "2"
    assert read_rest(provider, mapping)["alias"] == ("2", "moved")
    assert read_rest(provider, mapping)["mapping"][0] == 7

    destroy(provider, mapping)
    missing = provider.call("GET", FUNCTION, 404)
    assert missing["Message"].startswith("Function not found: arn:aws:lambda:us-east-1:")
    provider.call("GET", "/2021-10-31/functions/stack/url?Qualifier=live", 404)
    provider.call("GET", "/2018-10-31/layers/stack/versions/1", 404)
    provider.call("GET", f"{FUNCTION}/aliases/live", 404)


def update(provider: Provider, wanted: dict[str, Any]) -> dict[str, Any]:
    """Change the function's configuration and code, publish, and move the alias."""
    changed = wanted | {"MemorySize": 512, "Environment": {"Variables": {"COLOR": "blue"}}}
    settings = {"PackageType", "Architectures"}
    body = {name: value for name, value in changed.items() if name not in settings}
    provider.call("PUT", f"{FUNCTION}/configuration", 200, body)
    provider.wait(FUNCTION, "LastUpdateStatus", "Successful")
    code = {"ZipFile": _zip(app=f"{CODE}  # new"), "Architectures": ["x86_64"]}
    provider.call("PUT", f"{FUNCTION}/code", 200, code)
    provider.wait(FUNCTION, "LastUpdateStatus", "Successful")
    published = provider.call("POST", f"{FUNCTION}/versions", 201, {})
    provider.wait(f"{FUNCTION}?Qualifier={published['Version']}", "State", "Active")
    provider.call(
        "PUT",
        f"{FUNCTION}/aliases/live",
        200,
        {"FunctionVersion": published["Version"], "Description": "moved", "RoutingConfig": {}},
    )
    tags = f"/2017-03-31/tags/{published['FunctionArn'].rpartition(':')[0]}"
    provider.call("POST", tags, 204, {"Tags": {"team": "green"}})
    provider.call("DELETE", f"{tags}?tagKeys=team", 204)
    provider.call("POST", tags, 204, {"Tags": {"team": "blue"}})
    return changed
