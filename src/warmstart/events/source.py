"""Which service an event comes from.

Every format has a mark: members that no other has. The HTTP formats come first,
each known by a dictionary lookup or two, because they are what is billed by the
millisecond. An event is known by its mark alone: if it is then not well formed,
the format's own file says at which key.
"""

from __future__ import annotations

from enum import StrEnum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["FUNCTION_URL_DOMAIN", "Source", "detect"]

FUNCTION_URL_DOMAIN = ".lambda-url."
"""What every Function URL's domain has in it, and nothing else tells it from an HTTP API."""


class Source(StrEnum):
    """The services that invoke functions, by the names under which handlers register for them."""

    FUNCTION_URL = "function-url"
    HTTP_V2 = "http-v2"
    HTTP_V1 = "http-v1"
    REST = "rest"
    ALB = "alb"
    EDGE = "edge"
    LATTICE_V1 = "lattice-v1"
    LATTICE_V2 = "lattice-v2"
    WEBSOCKET = "websocket"

    AUTHORIZER = "authorizer"
    BEDROCK_AGENT = "bedrock-agent"
    CLOUDFORMATION = "cloudformation"
    CLOUDWATCH_LOGS = "cloudwatch-logs"
    CODECOMMIT = "codecommit"
    CODEPIPELINE = "codepipeline"
    COGNITO = "cognito"
    CONFIG = "config"
    DESTINATION = "destination"
    DOCUMENTDB = "documentdb"
    DYNAMODB = "dynamodb"
    EDGE_RESPONSE = "edge-response"
    EVENTBRIDGE = "eventbridge"
    FIREHOSE = "firehose"
    KAFKA = "kafka"
    KINESIS = "kinesis"
    MQ = "mq"
    S3 = "s3"
    S3_BATCH = "s3-batch"
    S3_OBJECT_LAMBDA = "s3-object-lambda"
    SCHEDULE = "schedule"
    SECRETS_MANAGER = "secrets-manager"
    SES = "ses"
    SNS = "sns"
    SQS = "sqs"

    WARMUP = "warmup"
    DIRECT = "direct"
    """Any other JSON value: the payload of an Invoke call, a state machine's input, and so on."""


def detect(event: Any) -> Source:
    """The source of `event`, which may be any JSON value."""
    if not isinstance(event, dict):
        return Source.DIRECT
    context = event.get("requestContext")
    if isinstance(context, dict):
        return _front_door(event, context)
    records = event.get("Records")
    if isinstance(records, list):
        return _records(records) if records else _without_records(event)
    source = event.get("eventSource")
    if isinstance(source, str) and source in _EVENT_SOURCES:
        return _EVENT_SOURCES[source]
    if "detail-type" in event:
        return _bus(event)
    return _other(event)


def _front_door(event: dict[str, Any], context: dict[str, Any]) -> Source:
    if "type" in event and ("methodArn" in event or "routeArn" in event):
        return Source.AUTHORIZER  # else it looks like the request that it asks about
    if "http" in context:
        domain = context.get("domainName")
        is_url = isinstance(domain, str) and FUNCTION_URL_DOMAIN in domain
        return Source.FUNCTION_URL if is_url else Source.HTTP_V2
    for member, source in _CONTEXT_MARKS:
        if member in context:
            return source
    if "httpMethod" in event:
        return Source.HTTP_V1 if event.get("version") == "1.0" else Source.REST
    return Source.DIRECT


# A member of `requestContext`. A WebSocket's $connect has all that a REST request has, and this.
_CONTEXT_MARKS = (
    ("elb", Source.ALB),
    ("connectionId", Source.WEBSOCKET),
    ("serviceArn", Source.LATTICE_V2),
    ("condition", Source.DESTINATION),
)


def _records(records: list[Any]) -> Source:
    record = records[0]
    if not isinstance(record, dict):
        return Source.DIRECT
    edge = record.get("cf")
    if isinstance(edge, dict):
        return Source.EDGE_RESPONSE if "response" in edge else Source.EDGE
    source = record.get("eventSource") or record.get("EventSource")  # SNS writes it with an E
    return _RECORD_SOURCES.get(source, Source.DIRECT) if isinstance(source, str) else Source.DIRECT


def _without_records(event: dict[str, Any]) -> Source:
    """The last call of a tumbling window comes when there is nothing more to bring."""
    arn = event.get("eventSourceARN")
    if "window" in event and isinstance(arn, str):
        for source in (Source.KINESIS, Source.DYNAMODB):
            if f":{source}:" in arn:
                return source
    return Source.DIRECT


# The `eventSource` of the first record.
_RECORD_SOURCES = {
    "aws:codecommit": Source.CODECOMMIT,
    "aws:dynamodb": Source.DYNAMODB,
    "aws:kinesis": Source.KINESIS,
    "aws:s3": Source.S3,
    "aws:ses": Source.SES,
    "aws:sns": Source.SNS,
    "aws:sqs": Source.SQS,
}

# The `eventSource` of a batch that names it once; two are written in two ways.
_EVENT_SOURCES = {
    "aws:docdb": Source.DOCUMENTDB,
    "aws:kafka": Source.KAFKA,
    "SelfManagedKafka": Source.KAFKA,
    "aws:SelfManagedKafka": Source.KAFKA,
    "aws:amq": Source.MQ,
    "aws:mq": Source.MQ,
    "aws:rmq": Source.MQ,
}


def _bus(event: dict[str, Any]) -> Source:
    """An event of an EventBridge bus, or of EventBridge Scheduler without an input of its own."""
    if event["detail-type"] != "Scheduled Event":
        return Source.EVENTBRIDGE
    resources = event.get("resources")
    rule = resources[0] if isinstance(resources, list) and resources else None
    # Zappa names the rule that keeps an application warm after the function it means.
    if isinstance(rule, str) and rule.endswith("-handler.keep_warm_callback"):
        return Source.WARMUP
    return Source.SCHEDULE


def _other(event: dict[str, Any]) -> Source:
    if event.get("source") in _WARMERS or event.get("warmer") is True:
        return Source.WARMUP
    for members, source in _MARKS:
        if members <= event.keys():
            return source
    return Source.DIRECT


# The `source` that two Serverless Framework plugins send; lambda-warmer sends `warmer: true`.
_WARMERS = ("serverless-plugin-warmup", "serverless-plugin-lambda-warmup")

_MARKS = (
    ({"raw_path", "method"}, Source.LATTICE_V1),
    ({"awslogs"}, Source.CLOUDWATCH_LOGS),
    ({"triggerSource", "userPoolId"}, Source.COGNITO),
    ({"type", "methodArn"}, Source.AUTHORIZER),
    ({"RequestType", "ResponseURL", "StackId"}, Source.CLOUDFORMATION),
    ({"CodePipeline.job"}, Source.CODEPIPELINE),
    ({"invokingEvent"}, Source.CONFIG),
    ({"Step", "SecretId", "ClientRequestToken"}, Source.SECRETS_MANAGER),
    ({"invocationSchemaVersion", "tasks"}, Source.S3_BATCH),
    ({"xAmzRequestId", "userRequest"}, Source.S3_OBJECT_LAMBDA),
    ({"deliveryStreamArn", "records"}, Source.FIREHOSE),
    ({"messageVersion", "agent", "actionGroup"}, Source.BEDROCK_AGENT),
)
