"""Expected are answers that AWS gave: those that LocalStack's tests recorded (tests/aws/services/
lambda_ of its repository), unless noted. Refusals that are not among those are as users report
them or as LocalStack's service words them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.service.api.serving import call, refusal
from tests.service.control.plane import ARN, Control, controlling
from warmstart.service.api.operations import Members

SQS = "arn:aws:sqs:us-east-1:123456789012:q"
STREAM = "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/2026-11-24T00:00:00.000"
KINESIS = "arn:aws:kinesis:us-east-1:123456789012:stream/s"


class Reading:
    """Pollers that do nothing before they may."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.read: dict[str, Members] = {}
        self.forgotten: list[str] = []
        self.results: dict[str, str] = {}

    async def start(self, mapping: Members) -> None:
        await self.may.wait()
        self.read[mapping["UUID"]] = mapping

    async def stop(self, mapping_id: str) -> None:
        await self.may.wait()
        self.read.pop(mapping_id, None)

    def forget(self, mapping_id: str) -> None:
        self.forgotten.append(mapping_id)

    def last_result(self, mapping_id: str) -> str | None:
        return self.results.get(mapping_id)


async def settled(control: Control) -> None:
    await control.control.event_sources.wait_settled()


async def test_a_queue_is_mapped_with_the_defaults_of_queues(
    lambda_: Any, control: Control
) -> None:
    await control.create()
    created = await call(lambda_.create_event_source_mapping, FunctionName="f", EventSourceArn=SQS)
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 202
    del created["ResponseMetadata"]
    own = f"arn:aws:lambda:us-east-1:123456789012:event-source-mapping:{created['UUID']}"
    assert created == {
        "BatchSize": 10,
        "EventSourceArn": SQS,
        "EventSourceMappingArn": own,
        "FunctionArn": ARN,
        "FunctionResponseTypes": [],
        "LastModified": created["LastModified"],
        "MaximumBatchingWindowInSeconds": 0,
        "State": "Creating",
        "StateTransitionReason": "USER_INITIATED",
        "UUID": created["UUID"],
    }
    assert created["LastModified"].timestamp() == pytest.approx(1795521600, abs=1)
    await settled(control)
    got = await call(lambda_.get_event_source_mapping, UUID=created["UUID"])
    del got["ResponseMetadata"]
    assert got == created | {"State": "Enabled"}


async def test_a_stream_is_mapped_with_the_defaults_of_streams(
    lambda_: Any, control: Control
) -> None:
    await control.create()
    failures = {"OnFailure": {"Destination": SQS}}
    created = await call(
        lambda_.create_event_source_mapping,
        FunctionName="f",
        EventSourceArn=STREAM,
        BatchSize=1,
        StartingPosition="TRIM_HORIZON",
        DestinationConfig=failures,
        MaximumBatchingWindowInSeconds=1,
        MaximumRetryAttempts=1,
    )
    assert {name: created[name] for name in sorted(created) if name != "ResponseMetadata"} == {
        "BatchSize": 1,
        "BisectBatchOnFunctionError": False,
        "DestinationConfig": failures,
        "EventSourceArn": STREAM,
        "EventSourceMappingArn": created["EventSourceMappingArn"],
        "FunctionArn": ARN,
        "FunctionResponseTypes": [],
        "LastModified": created["LastModified"],
        "LastProcessingResult": "No records processed",
        "MaximumBatchingWindowInSeconds": 1,
        "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": 1,
        "ParallelizationFactor": 1,
        "StartingPosition": "TRIM_HORIZON",
        "State": "Creating",
        "StateTransitionReason": "User action",
        "TumblingWindowInSeconds": 0,
        "UUID": created["UUID"],
    }


# https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
@pytest.mark.parametrize(
    "parameters",
    [
        {
            "EventSourceArn": "arn:aws:kafka:us-east-1:123456789012:cluster/c/1",
            "Topics": ["topic"],
            "StartingPosition": "LATEST",
        },
        {
            "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["a.b:9092"]}},
            "Topics": ["topic"],
            "StartingPosition": "AT_TIMESTAMP",
            "StartingPositionTimestamp": 1795521600,
            "DestinationConfig": {"OnFailure": {"Destination": "kafka://failed"}},
        },
        {
            "EventSourceArn": "arn:aws:mq:us-east-1:123456789012:broker:b:b-1",
            "Queues": ["q"],
            "SourceAccessConfigurations": [{"Type": "BASIC_AUTH", "URI": "arn:aws:secret"}],
        },
        {
            "EventSourceArn": "arn:aws:rds:us-east-1:123456789012:cluster:c",
            "StartingPosition": "LATEST",
            "DocumentDBEventSourceConfig": {"DatabaseName": "d"},
            "SourceAccessConfigurations": [{"Type": "BASIC_AUTH", "URI": "arn:aws:secret"}],
        },
    ],
)
async def test_all_kinds_of_sources_are_mapped_with_batches_of_100(
    lambda_: Any, control: Control, parameters: Any
) -> None:
    await control.create()
    created = await call(lambda_.create_event_source_mapping, FunctionName="f", **parameters)
    assert created["BatchSize"] == 100
    kafka = [name for name in created if name.endswith("KafkaEventSourceConfig")]
    assert bool(kafka) == ("Topics" in parameters)
    for name in kafka:
        assert created[name] == {"ConsumerGroupId": created["UUID"]}
    if "StartingPositionTimestamp" in parameters:
        assert created["StartingPositionTimestamp"].timestamp() == 1795521600


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "Unrecognized event source."),
        ({"EventSourceArn": "arn:aws:s3:::bucket"}, "Unrecognized event source."),
        ({"EventSourceArn": SQS, "FunctionName": "g"}, "Function does not exist"),
        ({"EventSourceArn": SQS, "FunctionName": "f:absent"}, "Function does not exist"),
        (
            {"EventSourceArn": SQS, "StartingPosition": "LATEST"},
            "StartingPosition is not valid for SQS event sources.",
        ),
        (
            {"EventSourceArn": SQS, "BatchSize": 11},
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is"
            " greater than 10",
        ),
        (
            {"EventSourceArn": KINESIS},
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy"
            " constraint: Member must not be null.",
        ),
        (
            {
                "EventSourceArn": KINESIS,
                "StartingPosition": "LATEST",
                "StartingPositionTimestamp": 1741010802,
            },
            "Timestamp only valid with StartingPosition AT_TIMESTAMP",
        ),
        (
            {
                "EventSourceArn": STREAM,
                "StartingPosition": "AT_TIMESTAMP",
                "StartingPositionTimestamp": 1741010802,
            },
            f"Unsupported starting position for arn type: {STREAM}",
        ),
    ],
)
async def test_what_aws_refuses_is_refused_in_its_words(
    lambda_: Any, control: Control, parameters: Any, message: str
) -> None:
    await control.create()
    given = {"FunctionName": "f", **parameters}
    refused = await refusal(lambda_.create_event_source_mapping, **given)
    assert refused == (400, "InvalidParameterValueException", message)


# Limits of the API's pages.
@pytest.mark.parametrize(
    "parameters",
    [
        {"EventSourceArn": f"{SQS}.fifo", "BatchSize": 11},
        {"EventSourceArn": f"{SQS}.fifo", "MaximumBatchingWindowInSeconds": 1},
        {"EventSourceArn": KINESIS, "StartingPosition": "AT_TIMESTAMP"},
        {"EventSourceArn": KINESIS, "MaximumRecordAgeInSeconds": 59},
        {"EventSourceArn": KINESIS, "ScalingConfig": {"MaximumConcurrency": 2}},
        {"EventSourceArn": KINESIS, "DestinationConfig": {"OnFailure": {"Destination": KINESIS}}},
        {
            "EventSourceArn": KINESIS,
            "DestinationConfig": {"OnFailure": {"Destination": "kafka://failed"}},
        },
        {
            "EventSourceArn": "arn:aws:kafka:us-east-1:123456789012:cluster/c/1",
            "Topics": ["orders"],
            "StartingPosition": "LATEST",
            "DestinationConfig": {"OnFailure": {"Destination": "kafka://orders"}},
        },
        {"EventSourceArn": SQS, "FilterCriteria": {"Filters": [{"Pattern": "{}"}]}},
        {"EventSourceArn": SQS, "FilterCriteria": {"Filters": [{"Pattern": '{"a": ["b"]}'}] * 6}},
    ],
)
async def test_what_the_api_does_not_allow_is_refused(
    lambda_: Any, control: Control, parameters: Any
) -> None:
    await control.create()
    if parameters["EventSourceArn"] == KINESIS:
        parameters = {"StartingPosition": "LATEST", **parameters}
    refused = await refusal(lambda_.create_event_source_mapping, FunctionName="f", **parameters)
    assert refused[:2] == (400, "InvalidParameterValueException")


@pytest.mark.parametrize("method", ["get", "update", "delete"])
async def test_a_mapping_that_is_not_there_is_not_found(lambda_: Any, method: str) -> None:
    operation = getattr(lambda_, f"{method}_event_source_mapping")
    gone = (404, "ResourceNotFoundException", "The resource you requested does not exist.")
    assert await refusal(operation, UUID="00000000-0000-4000-8000-000000000000") == gone


@pytest.mark.parametrize(
    ("source", "position", "words"),
    [
        (SQS, {}, 'An event source mapping with SQS arn (" {} ") and function (" f ") already'),
        (
            KINESIS,
            {"StartingPosition": "LATEST"},
            'The event source arn (" {} ") and function (" f ") provided mapping already',
        ),
    ],
)
async def test_a_function_reads_a_source_once(
    lambda_: Any, control: Control, source: str, position: Any, words: str
) -> None:
    await control.create(Publish=True)
    given = {"EventSourceArn": source, **position}
    first = await call(lambda_.create_event_source_mapping, FunctionName="f", **given)
    refused = await refusal(lambda_.create_event_source_mapping, FunctionName="f", **given)
    assert refused == (
        409,
        "ResourceConflictException",
        f"{words.format(source)} exists. Please update or delete the existing mapping with UUID"
        f" {first['UUID']}",
    )
    other = await call(lambda_.create_event_source_mapping, FunctionName="f:1", **given)
    assert other["FunctionArn"] == f"{ARN}:1"


async def test_what_passes_may_not_be_changed_and_pollers_are_told(
    lambda_: Any, control: Control
) -> None:
    pollers = control.control.event_sources.pollers = Reading()
    await control.create()
    created = await call(lambda_.create_event_source_mapping, FunctionName="f", EventSourceArn=SQS)
    which = {"UUID": created["UUID"]}
    in_use = (400, "ResourceInUseException")
    message = "Cannot update the event source mapping because it is in use."
    assert await refusal(lambda_.update_event_source_mapping, **which) == (*in_use, message)
    message = "Cannot delete the event source mapping because it is in use."
    assert await refusal(lambda_.delete_event_source_mapping, **which) == (*in_use, message)

    pollers.may.set()
    await settled(control)
    assert pollers.read[created["UUID"]]["BatchSize"] == 10

    pollers.may.clear()
    updated = await call(lambda_.update_event_source_mapping, **which, BatchSize=5)
    assert (updated["State"], updated["BatchSize"]) == ("Updating", 5)
    pollers.may.set()
    await settled(control)
    assert pollers.read[created["UUID"]]["BatchSize"] == 5

    disabled = await call(lambda_.update_event_source_mapping, **which, Enabled=False)
    assert disabled["State"] == "Disabling"
    await settled(control)
    got = await call(lambda_.get_event_source_mapping, **which)
    assert (got["State"], pollers.read) == ("Disabled", {})
    enabled = await call(lambda_.update_event_source_mapping, **which, Enabled=True)
    assert enabled["State"] == "Enabling"
    await settled(control)

    deleted = await call(lambda_.delete_event_source_mapping, **which)
    assert deleted["State"] == "Deleting"
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 202
    await settled(control)
    assert pollers.read == {}
    assert (await refusal(lambda_.get_event_source_mapping, **which))[0] == 404


async def test_an_update_is_judged_with_what_stays(lambda_: Any, control: Control) -> None:
    await control.create(Publish=True)
    criteria = {"Filters": [{"Pattern": '{"body": {"a": [1]}}'}]}
    created = await call(
        lambda_.create_event_source_mapping,
        FunctionName="f",
        EventSourceArn=SQS,
        BatchSize=100,
        MaximumBatchingWindowInSeconds=2,
        FilterCriteria=criteria,
        Enabled=False,
    )
    await settled(control)
    which = {"UUID": created["UUID"]}
    update = lambda_.update_event_source_mapping
    assert (await refusal(update, **which, MaximumBatchingWindowInSeconds=0))[0] == 400
    assert (await refusal(update, **which, TumblingWindowInSeconds=1))[0] == 400
    changed = await call(update, **which, FunctionName="f:1", FilterCriteria={})
    assert (changed["FunctionArn"], "FilterCriteria" in changed) == (f"{ARN}:1", False)
    await settled(control)
    assert (await call(lambda_.get_event_source_mapping, **which))["State"] == "Disabled"


async def test_mappings_are_listed_by_source_and_function(lambda_: Any, control: Control) -> None:
    for name in ("f", "ff"):
        await control.create(name)
        for source in ("a", "b"):
            arn = f"{SQS}-{source}"
            await control.call("CreateEventSourceMapping", FunctionName=name, EventSourceArn=arn)

    async def listed(**parameters: Any) -> set[tuple[str, str]]:
        output = await call(lambda_.list_event_source_mappings, **parameters)
        return {
            (each["FunctionArn"].rpartition(":")[2], each["EventSourceArn"][-1])
            for each in output["EventSourceMappings"]
        }

    assert await listed() == {("f", "a"), ("f", "b"), ("ff", "a"), ("ff", "b")}
    assert await listed(FunctionName="f") == {("f", "a"), ("f", "b")}
    assert await listed(EventSourceArn=f"{SQS}-b") == {("f", "b"), ("ff", "b")}
    assert await listed(FunctionName="ff", EventSourceArn=f"{SQS}-a") == {("ff", "a")}
    pages = lambda_.get_paginator("list_event_source_mappings").paginate(
        PaginationConfig={"PageSize": 3}
    )
    sizes = await asyncio.to_thread(lambda: [len(page["EventSourceMappings"]) for page in pages])
    assert sizes == [3, 1]


async def test_after_a_restart_sources_are_read_again_and_what_was_begun_is_finished(
    tmp_path: Path,
) -> None:
    async with controlling(tmp_path) as control:
        await control.create()

        async def mapped(queue: str, enabled: bool = True) -> Members:
            return await control.call(
                "CreateEventSourceMapping",
                FunctionName="f",
                EventSourceArn=f"{SQS}-{queue}",
                Enabled=enabled,
            )

        enabled, disabled = await mapped("1"), await mapped("2", enabled=False)
        deleted = await mapped("3")
        await settled(control)
        control.control.event_sources.pollers = Reading()  # which never may
        await control.call("DeleteEventSourceMapping", UUID=deleted["UUID"])
    async with controlling(tmp_path) as control:
        pollers = control.control.event_sources.pollers = Reading()
        pollers.may.set()
        await control.control.restore()
        await settled(control)
        assert set(pollers.read) == {enabled["UUID"]}
        output = await control.call("ListEventSourceMappings")
        states = {each["UUID"]: each["State"] for each in output["EventSourceMappings"]}
        assert states == {enabled["UUID"]: "Enabled", disabled["UUID"]: "Disabled"}


async def test_a_fault_of_the_pollers_is_told_in_the_mapping(
    control: Control, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Reading):
        async def start(self, mapping: Members) -> None:
            raise OSError("no network")

    control.control.event_sources.pollers = Broken()
    await control.create()
    created = await control.call("CreateEventSourceMapping", FunctionName="f", EventSourceArn=SQS)
    await settled(control)
    got = await control.call("GetEventSourceMapping", UUID=created["UUID"])
    assert got["LastProcessingResult"].startswith("PROBLEM: ")
    assert "no network" in caplog.text


async def test_a_mapping_outlives_its_function(control: Control) -> None:
    await control.create()
    created = await control.call("CreateEventSourceMapping", FunctionName="f", EventSourceArn=SQS)
    await control.call("DeleteFunction", FunctionName="f")
    got = await control.call("GetEventSourceMapping", UUID=created["UUID"])
    assert got["FunctionArn"] == ARN
