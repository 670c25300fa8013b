"""The kinds of event sources, and what a mapping of each may say. Pure.

https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
"""

from __future__ import annotations

from dataclasses import dataclass, field

from warmstart.events.patterns import InvalidPattern, compile_pattern
from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members
from warmstart.service.control.configuration import invalid

__all__ = ["EventSource", "check_settings", "event_source"]

_MAX_FILTERS = 5
"""https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html"""

_MIN_RECORD_AGE = 60
_DESTINATIONS = ("sqs", "sns", "s3")
_TOPIC = "kafka://"
"""https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure-destination.html"""

_ALL = frozenset(
    {
        "BatchSize",
        "Enabled",
        "EventSourceArn",
        "FilterCriteria",
        "FunctionName",
        "KMSKeyArn",
        "MaximumBatchingWindowInSeconds",
        "MetricsConfig",
        "Tags",
        "UUID",
    }
)
_POSITION = frozenset({"StartingPosition", "StartingPositionTimestamp"})
_RETRIES = frozenset(
    {
        "BisectBatchOnFunctionError",
        "DestinationConfig",
        "FunctionResponseTypes",
        "MaximumRecordAgeInSeconds",
        "MaximumRetryAttempts",
    }
)
_STREAM = _POSITION | _RETRIES | {"ParallelizationFactor", "TumblingWindowInSeconds"}
_KAFKA = (
    _POSITION
    | _RETRIES
    | {"LoggingConfig", "ProvisionedPollerConfig", "SourceAccessConfigurations", "Topics"}
)

_STREAM_DEFAULTS: Members = {
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {"OnFailure": {}},
    "FunctionResponseTypes": [],
    "MaximumBatchingWindowInSeconds": 0,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "TumblingWindowInSeconds": 0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSource:
    """A kind of sources: which members a mapping may have, must have, and gets by itself."""

    name: str
    members: frozenset[str]
    required: tuple[str, ...] = ()
    positions: tuple[str, ...] = ("TRIM_HORIZON", "LATEST", "AT_TIMESTAMP")
    max_batch_size: int = 10_000
    defaults: Members = field(default_factory=dict)


_SQS = EventSource(
    name="SQS",
    members=_ALL | {"FunctionResponseTypes", "ProvisionedPollerConfig", "ScalingConfig"},
    defaults={"BatchSize": 10, "FunctionResponseTypes": [], "MaximumBatchingWindowInSeconds": 0},
)
_SQS_FIFO = EventSource(
    name="SQS",
    members=_SQS.members - {"ProvisionedPollerConfig"},
    max_batch_size=10,
    defaults=_SQS.defaults,
)
_KINESIS = EventSource(
    name="Kinesis",
    members=_ALL | _STREAM,
    required=("StartingPosition",),
    defaults={"BatchSize": 100, **_STREAM_DEFAULTS},
)
_DYNAMODB = EventSource(
    name="DynamoDB",
    members=_ALL | _STREAM,
    required=("StartingPosition",),
    positions=("TRIM_HORIZON", "LATEST"),
    defaults={"BatchSize": 100, **_STREAM_DEFAULTS},
)
_MSK = EventSource(
    name="Amazon MSK",
    members=_ALL | _KAFKA | {"AmazonManagedKafkaEventSourceConfig"},
    required=("StartingPosition", "Topics"),
    defaults={"BatchSize": 100},
)
_SELF_MANAGED_KAFKA = EventSource(
    name="self-managed Apache Kafka",
    members=_ALL | _KAFKA | {"SelfManagedEventSource", "SelfManagedKafkaEventSourceConfig"},
    required=("StartingPosition", "Topics"),
    defaults={"BatchSize": 100},
)
_MQ = EventSource(
    name="Amazon MQ",
    members=_ALL | {"Queues", "SourceAccessConfigurations"},
    required=("Queues", "SourceAccessConfigurations"),
    defaults={"BatchSize": 100},
)
_DOCUMENTDB = EventSource(
    name="DocumentDB",
    members=_ALL | _POSITION | {"DocumentDBEventSourceConfig", "SourceAccessConfigurations"},
    required=("StartingPosition", "DocumentDBEventSourceConfig", "SourceAccessConfigurations"),
    defaults={"BatchSize": 100},
)

_BY_SERVICE = {
    "sqs": _SQS,
    "kinesis": _KINESIS,
    "dynamodb": _DYNAMODB,
    "kafka": _MSK,
    "mq": _MQ,
    "rds": _DOCUMENTDB,  # a DocumentDB cluster's ARN names it so
}


def event_source(settings: Members) -> EventSource:
    """The kind of source that a mapping's members name.

    Raises:
        ApiError: they name none.
    """
    if "SelfManagedEventSource" in settings:
        return _SELF_MANAGED_KAFKA
    arn: str = settings.get("EventSourceArn", "")
    parts = arn.split(":")
    source = _BY_SERVICE.get(parts[2]) if len(parts) > 2 else None
    if source is None:
        raise invalid("Unrecognized event source.")
    return _SQS_FIFO if source is _SQS and arn.endswith(".fifo") else source


def check_settings(source: EventSource, settings: Members) -> None:
    """Raise `ApiError` if a mapping of such a source cannot have these settings."""
    for member in source.required:
        if member not in settings:
            where = member[0].lower() + member[1:]
            raise invalid(
                f"1 validation error detected: Value null at '{where}' failed to satisfy"
                " constraint: Member must not be null."
            )
    for member in settings:
        if member not in source.members:
            raise invalid(f"{member} is not valid for {source.name} event sources.")
    _check_position(source, settings)
    _check_batch(source, settings)
    age: int = settings.get("MaximumRecordAgeInSeconds", -1)
    if -1 < age < _MIN_RECORD_AGE:
        raise invalid(
            f"MaximumRecordAgeInSeconds must be -1 or at least {_MIN_RECORD_AGE}, and it is {age}."
        )
    _check_filters(settings.get("FilterCriteria", {}))
    _check_destination(settings)


def _check_position(source: EventSource, settings: Members) -> None:
    position = settings.get("StartingPosition")
    if position is None:
        return
    if position not in source.positions:
        raise invalid(
            f"Unsupported starting position for arn type: {settings.get('EventSourceArn')}"
        )
    if (position == "AT_TIMESTAMP") != ("StartingPositionTimestamp" in settings):
        raise invalid(
            "StartingPositionTimestamp is required with StartingPosition AT_TIMESTAMP"
            if position == "AT_TIMESTAMP"
            else "Timestamp only valid with StartingPosition AT_TIMESTAMP"
        )


def _check_batch(source: EventSource, settings: Members) -> None:
    size = settings.get("BatchSize") or source.defaults["BatchSize"]
    if size > source.max_batch_size:
        raise invalid(f"BatchSize {size} exceeds the max of {source.max_batch_size}")
    window = settings.get("MaximumBatchingWindowInSeconds", 0)
    if source is _SQS_FIFO and window:
        raise invalid("Batching windows are not supported for FIFO queues.")
    if source is _SQS and size > 10 and not window:
        raise invalid(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is"
            " greater than 10"
        )


def _check_filters(criteria: Members) -> None:
    filters = criteria.get("Filters", [])
    if len(filters) > _MAX_FILTERS:
        raise invalid(f"There are {len(filters)} filters; at most {_MAX_FILTERS} are allowed.")
    for each in filters:
        try:
            compile_pattern(each.get("Pattern", ""))
        except InvalidPattern as error:
            raise invalid(f"Invalid filter pattern definition. {error}") from None


def _check_destination(settings: Members) -> None:
    for destination in settings.get("DestinationConfig", {}).values():
        arn: str = destination.get("Destination") or ""
        if arn and not _is_destination(arn, settings.get("Topics", [])):
            raise _invalid_destination(arn)


def _is_destination(arn: str, topics: list[str]) -> bool:
    if arn.startswith(_TOPIC):  # of the source's own cluster, and never one that is read
        return bool(topics) and arn.removeprefix(_TOPIC) not in topics
    return arn.split(":")[2] in _DESTINATIONS


def _invalid_destination(arn: str) -> ApiError:
    return invalid(f"The destination ARN {arn} is invalid.")
