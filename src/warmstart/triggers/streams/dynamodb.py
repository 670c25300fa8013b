"""DynamoDB Streams as a stream.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from warmstart.triggers.streams.model import Answer, Position, Record, Shard

__all__ = ["DynamoDBStream", "dynamodb_record"]


class DynamoDBStream:
    """The stream of a table; `client` is botocore's, of DynamoDB Streams."""

    batch_info = "DDBStreamBatchInfo"
    most = 1000

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self._arn = arn

    def shards(self) -> list[Shard]:
        """All that the stream still has."""
        found: list[Shard] = []
        asked: dict[str, str] = {"StreamArn": self._arn}
        while True:
            described = self._client.describe_stream(**asked)["StreamDescription"]
            found += map(_shard, described["Shards"])
            last = described.get("LastEvaluatedShardId")
            if last is None:
                return found
            asked["ExclusiveStartShardId"] = last

    def iterator(self, shard_id: str, position: Position) -> str:
        """Where to read on; for a time, from the oldest records, as DynamoDB knows no times."""
        from botocore.exceptions import ClientError

        where = {"ShardIteratorType": "LATEST" if position.latest else "TRIM_HORIZON"}
        if position.sequence is not None:
            where = {
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                "SequenceNumber": position.sequence,
            }
        try:
            return self._iterator(shard_id, where)
        except ClientError as error:
            if error.response["Error"]["Code"] != "TrimmedDataAccessException":
                raise
            return self._iterator(shard_id, {"ShardIteratorType": "TRIM_HORIZON"})

    def _iterator(self, shard_id: str, where: Mapping[str, str]) -> str:
        answer = self._client.get_shard_iterator(StreamArn=self._arn, ShardId=shard_id, **where)
        return str(answer["ShardIterator"])

    def read(self, shard_id: str, iterator: str, limit: int) -> Answer:
        """The records there."""
        answer = self._client.get_records(ShardIterator=iterator, Limit=limit)
        records = [dynamodb_record(each, self._arn) for each in answer["Records"]]
        return Answer(records, answer.get("NextShardIterator"))


def dynamodb_record(record: Mapping[str, Any], stream_arn: str) -> Record:
    """A record as GetRecords answers with it."""
    change = record["dynamodb"]
    arrived = change["ApproximateCreationDateTime"].timestamp()
    told = {
        **change,
        **{name: _plain(change[name]) for name in _IMAGES if name in change},
        "ApproximateCreationDateTime": int(arrived) if arrived.is_integer() else arrived,
    }
    event = {
        "eventID": record["eventID"],
        "eventName": record["eventName"],
        "eventVersion": record["eventVersion"],
        "eventSource": record["eventSource"],
        "awsRegion": record["awsRegion"],
        "dynamodb": told,
        "eventSourceARN": stream_arn,
    }
    if "userIdentity" in record:  # of what DynamoDB deleted when its time was over
        identity = record["userIdentity"]
        event["userIdentity"] = {
            "principalId": identity["PrincipalId"],
            "type": identity["Type"],
        }
    key = json.dumps(told["Keys"], sort_keys=True)
    return Record(change["SequenceNumber"], key, arrived, event)


_IMAGES = ("Keys", "NewImage", "OldImage")


def _plain(value: Any) -> Any:
    """Typed values as JSON has them, in which bytes are base64."""
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value


def _shard(shard: Mapping[str, Any]) -> Shard:
    parent = shard.get("ParentShardId")
    return Shard(
        shard["ShardId"],
        (parent,) if parent else (),
        "EndingSequenceNumber" in shard.get("SequenceNumberRange", {}),
    )
