"""Kinesis as a stream. Whoever names a consumer's ARN is read for as the stream is, by polling.

https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from warmstart.triggers.streams.model import Answer, Position, Record, Shard

__all__ = ["Kinesis", "kinesis_record"]


class Kinesis:
    """A stream of Kinesis; `client` is botocore's."""

    batch_info = "KinesisBatchInfo"
    most = 10_000

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self._arn = arn
        self._stream = arn.split("/consumer/", maxsplit=1)[0]
        self._name = self._stream.partition(":stream/")[2]

    def shards(self) -> list[Shard]:
        """All that the stream still has."""
        found: list[Shard] = []
        asked: dict[str, str] = {"StreamName": self._name}
        while True:
            answer = self._client.list_shards(**asked)
            found += map(_shard, answer["Shards"])
            if "NextToken" not in answer:
                return found
            asked = {"NextToken": answer["NextToken"]}

    def iterator(self, shard_id: str, position: Position) -> str:
        """Where to read on."""
        where: dict[str, Any] = {"ShardIteratorType": "TRIM_HORIZON"}
        if position.sequence is not None:
            where = {
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                "StartingSequenceNumber": position.sequence,
            }
        elif position.latest:
            where = {"ShardIteratorType": "LATEST"}
        elif position.since is not None:
            moment = datetime.fromtimestamp(position.since, UTC)
            where = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": moment}
        answer = self._client.get_shard_iterator(StreamName=self._name, ShardId=shard_id, **where)
        return str(answer["ShardIterator"])

    def read(self, shard_id: str, iterator: str, limit: int) -> Answer:
        """The records there. At the end of a closed shard there is no iterator any more."""
        answer = self._client.get_records(ShardIterator=iterator, Limit=limit)
        records = [kinesis_record(each, shard_id, self._arn) for each in answer["Records"]]
        return Answer(records, answer.get("NextShardIterator"))


def kinesis_record(record: Mapping[str, Any], shard_id: str, stream_arn: str) -> Record:
    """A record as GetRecords answers with it."""
    _, _, _, region, account, _ = stream_arn.split(":", 5)
    arrived = record["ApproximateArrivalTimestamp"].timestamp()
    sequence = record["SequenceNumber"]
    event = {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record["PartitionKey"],
            "sequenceNumber": sequence,
            "data": b64encode(record["Data"]).decode(),
            "approximateArrivalTimestamp": round(arrived, 3),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard_id}:{sequence}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": f"arn:aws:iam::{account}:role/lambda-role",
        "awsRegion": region,
        "eventSourceARN": stream_arn,
    }
    return Record(sequence, record["PartitionKey"], arrived, event)


def _shard(shard: Mapping[str, Any]) -> Shard:
    parents = (shard.get("ParentShardId"), shard.get("AdjacentParentShardId"))
    return Shard(
        shard["ShardId"],
        tuple(parent for parent in parents if parent),
        "EndingSequenceNumber" in shard["SequenceNumberRange"],
    )
