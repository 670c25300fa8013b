"""moto's S3 is listed; the posts are MinIO's. (SeaweedFS itself is in the tests of the whole.)"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from itertools import count
from pathlib import Path
from urllib.parse import quote_plus, unquote_plus

import pytest
from aws_lambda_powertools.utilities.parser.models import S3Model

from tests.triggers.moto_server import client, endpoint
from tests.triggers.played import Queue
from warmstart.events.http import HTTPRequest
from warmstart.invoke import ServiceFault
from warmstart.triggers.buckets.notifications import Notification, ServerBucket
from warmstart.triggers.buckets.server import ServerBuckets
from warmstart.triggers.buckets.stored import Told
from warmstart.triggers.enqueuer import Target
from warmstart.triggers.push.push import Push, Refused

__all__ = ["endpoint"]

NUMBERS = count()


class Server:
    """A bucket of a server, and what its function has been told."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.name = f"served-{next(NUMBERS)}"
        self.told = Queue()
        self._endpoint = endpoint
        self._path = folder / "servers.sqlite"
        self._s3 = client(endpoint, "s3")
        self._s3.create_bucket(Bucket=self.name)

    @asynccontextmanager
    async def taking(self) -> AsyncIterator[ServerBuckets]:
        """Take posts, once the bucket was listed before."""
        events = ("s3:ObjectCreated:*", "s3:ObjectRemoved:*")
        notification = Notification(target=Target("work"), events=events, prefix="in/")
        bucket = ServerBucket(self.name, self._endpoint, (notification,))
        async with ServerBuckets(self._path, [bucket], self.told) as buckets:
            with closing(Told(self._path)) as notes:
                while not notes.knows_bucket(self.name):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            yield buckets

    async def put(self, key: str, content: bytes = b"content") -> str:
        """Store an object, of which nothing is posted; its tag."""
        answer = await asyncio.to_thread(
            self._s3.put_object, Bucket=self.name, Key=key, Body=content
        )
        return str(answer["ETag"].strip('"'))

    async def delete(self, key: str) -> None:
        await asyncio.to_thread(self._s3.delete_object, Bucket=self.name, Key=key)

    def post(self, name: str, key: str, etag: str = "") -> bytes:
        """As MinIO posts it."""
        stored = {"key": quote_plus(key), "sequencer": "14E11E32397D42C4"}
        if etag:
            stored |= {"size": 7, "eTag": etag}  # type: ignore[dict-item]
        record = {
            "eventVersion": "2.0",
            "eventSource": "minio:s3",
            "awsRegion": "",
            "eventTime": "2026-11-24T12:00:00.000Z",
            "eventName": f"s3:{name}",
            "userIdentity": {"principalId": "minio"},
            "requestParameters": {"sourceIPAddress": "127.0.0.1"},
            "responseElements": {"x-amz-request-id": "14E11E32397D42C4", "x-amz-id-2": "dd90"},
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "Config",
                "bucket": {
                    "name": self.name,
                    "ownerIdentity": {"principalId": "minio"},
                    "arn": f"arn:aws:s3:::{self.name}",
                },
                "object": stored,
            },
        }
        posted = {"EventName": f"s3:{name}", "Key": f"{self.name}/{key}", "Records": [record]}
        return json.dumps(posted).encode()

    async def wait_for(self, *told: tuple[str, str]) -> None:
        while len(self.told.taken) < len(told):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.02)
        records = [record for event in self.told.events() for record in event["Records"]]
        found = [(each["eventName"], unquote_plus(each["s3"]["object"]["key"])) for each in records]
        assert sorted(found) == sorted(told)


@pytest.fixture
def server(tmp_path: Path, endpoint: str) -> Server:
    return Server(tmp_path, endpoint)


def push(body: bytes, *, trusted: bool = True) -> Push:
    request = HTTPRequest(
        method="POST",
        path="/",
        raw_path=b"/",
        query_string=b"",
        headers=[],
        body=body,
        scheme="http",
        http_version="1.1",
        client=("127.0.0.1", 1),
        server=("127.0.0.1", 2),
    )
    return Push(request, trusted)


async def test_a_post_is_told_and_acknowledged_when_it_is_kept(server: Server) -> None:
    async with server.taking() as buckets:
        etag = await server.put("in/my file.txt")
        posted = server.post("ObjectCreated:Put", "in/my file.txt", etag)
        assert await buckets.receive(push(posted)) == 200
        (event,) = server.told.events()

    S3Model.model_validate(event)
    assert event["Records"][0]["s3"]["object"]["key"] == "in/my+file.txt"


async def test_what_was_posted_is_not_told_again_by_a_listing(server: Server) -> None:
    async with server.taking() as buckets:
        etag = await server.put("in/a.txt")
        await buckets.receive(push(server.post("ObjectCreated:Put", "in/a.txt", etag)))
    await server.put("in/b.txt")
    async with server.taking():
        await server.wait_for(("ObjectCreated:Put", "in/a.txt"), ("ObjectCreated:Put", "in/b.txt"))


async def test_what_happened_while_nothing_ran_is_told(server: Server) -> None:
    for key in ("in/kept.txt", "in/changed.txt", "in/gone.txt"):
        await server.put(key)
    async with server.taking():
        pass
    await server.put("in/changed.txt", b"other")
    await server.put("in/new.txt")
    await server.put("unwanted.txt")
    await server.delete("in/gone.txt")
    async with server.taking():
        await server.wait_for(
            ("ObjectCreated:Put", "in/changed.txt"),
            ("ObjectCreated:Put", "in/new.txt"),
            ("ObjectRemoved:Delete", "in/gone.txt"),
        )


async def test_what_could_not_be_kept_is_refused_and_found_by_a_listing(server: Server) -> None:
    async with server.taking() as buckets:
        etag = await server.put("in/a.txt")
        server.told.refusals = 1
        with pytest.raises(ServiceFault):
            await buckets.receive(push(server.post("ObjectCreated:Put", "in/a.txt", etag)))
        await server.wait_for(("ObjectCreated:Put", "in/a.txt"))


async def test_a_deletion_is_told_and_forgotten(server: Server) -> None:
    await server.put("in/a.txt")
    async with server.taking() as buckets:
        await server.delete("in/a.txt")
        await buckets.receive(push(server.post("ObjectRemoved:Delete", "in/a.txt")))
    await server.put("in/b.txt")
    async with server.taking():
        await server.wait_for(
            ("ObjectRemoved:Delete", "in/a.txt"), ("ObjectCreated:Put", "in/b.txt")
        )


async def test_a_bucket_that_nobody_asked_for_is_passed_over(server: Server) -> None:
    async with server.taking() as buckets:
        posted = server.post("ObjectCreated:Put", "in/a.txt", "e")
        posted = posted.replace(server.name.encode(), b"another")
        assert await buckets.receive(push(posted)) == 200
    assert server.told.events() == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"event_type": "create"}', b"\xff"])
async def test_what_tells_of_no_bucket_is_refused(server: Server, body: bytes) -> None:
    async with server.taking() as buckets:
        with pytest.raises(Refused) as refused:
            await buckets.receive(push(body))
    assert refused.value.status == 400


async def test_who_is_not_trusted_is_refused(server: Server) -> None:
    async with server.taking() as buckets:
        with pytest.raises(Refused) as refused:
            await buckets.receive(push(server.post("ObjectCreated:Put", "a", "e"), trusted=False))
    assert refused.value.status == 403
