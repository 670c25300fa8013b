"""Held to the models of AWS's own Powertools, and to the sources that handlers register for."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from aws_lambda_powertools.utilities.parser import models
from pydantic import BaseModel

from warmstart.events.source import Source, detect
from warmstart.triggers.enqueuer import Account
from warmstart.triggers.samples import SAMPLES, Occasion, UnknownSample, sample

OCCASION = Occasion(
    datetime(2026, 11, 24, 12, tzinfo=UTC),
    "0f3b6c1e-9a52-4b0c-8d2e-2f6f6b1c9d10",
    Account("eu-central-1", "111122223333"),
)
SOURCES = {
    "activemq": Source.MQ,
    "iot": Source.DIRECT,
    "kafka-self-managed": Source.KAFKA,
    "rabbitmq": Source.MQ,
    "s3-delete": Source.S3,
    "s3-eventbridge": Source.EVENTBRIDGE,
    "s3-put": Source.S3,
    "scheduler": Source.SCHEDULE,
    "sqs-fifo": Source.SQS,
}
# Not Lattice's second version: Powertools' model wants a text where AWS sends a list.
MODELS: dict[str, type[BaseModel]] = {
    "alb": models.AlbModel,
    "bedrock-agent": models.BedrockAgentEventModel,
    "cloudformation": models.CloudFormationCustomResourceCreateModel,
    "cloudwatch-logs": models.CloudWatchLogsModel,
    "cognito": models.CognitoPreSignupTriggerModel,
    "dynamodb": models.DynamoDBStreamModel,
    "eventbridge": models.EventBridgeModel,
    "firehose": models.KinesisFirehoseModel,
    "function-url": models.LambdaFunctionUrlModel,
    "http-v2": models.APIGatewayProxyEventV2Model,
    "kafka": models.KafkaMskEventModel,
    "kafka-self-managed": models.KafkaSelfManagedEventModel,
    "kinesis": models.KinesisDataStreamModel,
    "lattice-v1": models.VpcLatticeModel,
    "rest": models.APIGatewayProxyEventModel,
    "s3-batch": models.S3BatchOperationModel,
    "s3-delete": models.S3Model,
    "s3-eventbridge": models.S3EventNotificationEventBridgeModel,
    "s3-object-lambda": models.S3ObjectLambdaEvent,
    "s3-put": models.S3Model,
    "schedule": models.EventBridgeModel,
    "ses": models.SesModel,
    "sns": models.SnsModel,
    "sqs": models.SqsModel,
    "sqs-fifo": models.SqsModel,
    "websocket": models.APIGatewayWebSocketMessageEventModel,
}


def built(name: str) -> Any:
    return json.loads(json.dumps(sample(name, OCCASION)))


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_known_for_what_it_is(name: str) -> None:
    assert detect(built(name)) == SOURCES.get(name, name)


@pytest.mark.parametrize("name", MODELS)
def test_a_sample_is_valid_to_powertools(name: str) -> None:
    MODELS[name].model_validate(built(name))


def test_there_is_a_sample_of_every_source() -> None:
    others = {Source.DIRECT, Source.WARMUP, Source.EDGE_RESPONSE}
    assert {detect(built(name)) for name in SAMPLES} | others == set(Source)


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownSample, match="Did you mean s3-put"):
        sample("s3-putt", OCCASION)
    with pytest.raises(UnknownSample, match="There are function-url, "):
        sample("zzz", OCCASION)
