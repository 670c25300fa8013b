"""SNS's posts: by moto, which signs as AWS does, and as AWS documents them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import boto3
import httpx
import pytest

from tests.service.api.serving import call
from tests.service.whole.neighbours import Moto
from tests.triggers.played import Queue
from tests.triggers.push.pushing import door
from warmstart.triggers.enqueuer import Target
from warmstart.triggers.push.sns.topics import Topics, TopicSubscription

URL = "/_warmstart/push/sns"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:orders"
SUBSCRIPTION = f"{TOPIC}:2bcfbf39-05c3-41de-beaa-fcfcc21c8f55"
WORK = Target("work", "prod")
TUNNEL = {"X-Forwarded-For": "203.0.113.7"}
FOR_SNS = {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20261124/us-east-1/sns/aws4_request"}
"""By this moto knows which of its services is meant."""


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    with Moto.started() as moto:
        yield moto


def topics(queue: Queue, *subscriptions: TopicSubscription, **settings: Any) -> dict[str, Topics]:
    return {"sns": Topics(subscriptions or [TopicSubscription(TOPIC, WORK)], queue, **settings)}


def message(kind: str = "Notification", **members: Any) -> dict[str, Any]:
    return {
        "Type": kind,
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": "Hello",
        "Timestamp": "2012-05-02T00:54:06.655Z",
        "SignatureVersion": "1",
        "Signature": "EXAMPLE",
        "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-f3.pem",
        "UnsubscribeURL": f"https://x/?Action=Unsubscribe&SubscriptionArn={SUBSCRIPTION}",
        **members,
    }


async def test_what_moto_publishes_is_signed_as_documented_and_invokes_the_function(
    moto: Moto,
) -> None:
    sns = boto3.client(
        "sns",
        endpoint_url=moto.url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    topic = sns.create_topic(Name=f"topic-{uuid4()}")["TopicArn"]

    async def certificate(url: str) -> bytes:
        parts = urlsplit(url)
        async with httpx.AsyncClient(trust_env=False) as http:
            got = await http.get(f"{moto.url}{parts.path}", headers=FOR_SNS)
        return got.raise_for_status().content

    queue = Queue()
    receivers = topics(queue, TopicSubscription(topic, WORK), fetch=certificate)
    async with door(receivers, token="nobody knows it") as http:
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"{http.base_url}{URL}")
        published = await call(sns.publish, TopicArn=topic, Message="It\nworks")
        # moto leaves the subject out of what it signs, which AWS does not: this one is refused.
        await call(sns.publish, TopicArn=topic, Message="Again", Subject="Big news")

    (event,) = queue.events()
    assert event["Records"][0]["Sns"]["MessageId"] == published["MessageId"]
    assert event["Records"][0]["Sns"]["Message"] == "It\nworks"
    assert event["Records"][0]["Sns"]["Subject"] is None


async def test_the_record_is_the_one_of_lambda() -> None:
    queue = Queue()
    attributes = {"kind": {"Type": "String", "Value": "a"}}
    async with door(topics(queue)) as http:
        headers = {"x-amz-sns-subscription-arn": SUBSCRIPTION, "Content-Type": "text/plain"}
        posted = message(Subject="Hi", MessageAttributes=attributes)
        assert (
            await http.post(URL, content=json.dumps(posted), headers=headers)
        ).status_code == 200

    assert queue.events() == [
        {
            "Records": [
                {
                    "EventSource": "aws:sns",
                    "EventVersion": "1.0",
                    "EventSubscriptionArn": SUBSCRIPTION,
                    "Sns": {
                        "Type": "Notification",
                        "MessageId": posted["MessageId"],
                        "TopicArn": TOPIC,
                        "Subject": "Hi",
                        "Message": "Hello",
                        "Timestamp": posted["Timestamp"],
                        "SignatureVersion": "1",
                        "Signature": "EXAMPLE",
                        "SigningCertUrl": posted["SigningCertURL"],
                        "UnsubscribeUrl": posted["UnsubscribeURL"],
                        "MessageAttributes": attributes,
                    },
                }
            ]
        }
    ]
    assert queue.taken[0][1] == "work"


async def test_a_raw_message_says_in_headers_what_it_is() -> None:
    queue = Queue()
    headers = {
        "x-amz-sns-message-type": "Notification",
        "x-amz-sns-message-id": "id",
        "x-amz-sns-topic-arn": TOPIC,
        "x-amz-sns-subscription-arn": SUBSCRIPTION,
        "x-amz-sns-rawdelivery": "true",
    }
    now = datetime(2026, 11, 24, 12, 0, 0, 5000, UTC)
    async with door(topics(queue, now=lambda: now)) as http:
        assert (await http.post(URL, content="räw", headers=headers)).status_code == 200
        assert (await http.post(URL, content=b"\xff", headers=headers)).status_code == 400
        # Nothing signs it, so it must come from who is trusted.
        assert (await http.post(URL, content="räw", headers=headers | TUNNEL)).status_code == 403

    (event,) = queue.events()
    assert event["Records"][0]["EventSubscriptionArn"] == SUBSCRIPTION
    assert event["Records"][0]["Sns"] == {
        "Type": "Notification",
        "MessageId": "id",
        "TopicArn": TOPIC,
        "Subject": None,
        "Message": "räw",
        "Timestamp": "2026-11-24T12:00:00.005Z",
        "MessageAttributes": {},
    }


@pytest.mark.parametrize(
    ("policy", "scope", "wanted"),
    [
        ({"store": ["example_corp"]}, "MessageAttributes", True),
        ({"store": [{"anything-but": "example_corp"}]}, "MessageAttributes", False),
        ({"price": [{"numeric": [">", 100]}]}, "MessageAttributes", True),
        ({"price": [{"numeric": ["<", 100]}]}, "MessageAttributes", False),
        ({"interests": ["rugby"]}, "MessageAttributes", True),
        ({"interests": ["chess"]}, "MessageAttributes", False),
        ({"picture": [{"exists": True}]}, "MessageAttributes", False),
        ({"order": {"id": [1]}}, "MessageBody", True),
        ({"order": {"id": [2]}}, "MessageBody", False),
    ],
)
async def test_a_filter_policy_chooses(policy: dict[str, Any], scope: str, wanted: bool) -> None:
    queue = Queue()
    posted = message(
        Message='{"order": {"id": 1}}',
        MessageAttributes={
            "store": {"Type": "String", "Value": "example_corp"},
            "price": {"Type": "Number", "Value": "210.75"},
            "interests": {"Type": "String.Array", "Value": '["soccer", "rugby"]'},
            "picture": {"Type": "Binary", "Value": "AAAA"},
        },
    )
    async with door(topics(queue, TopicSubscription(TOPIC, WORK, policy, scope))) as http:
        assert (await http.post(URL, json=posted)).status_code == 200
        if scope == "MessageBody":
            assert (await http.post(URL, json=message())).status_code == 200

    assert len(queue.taken) == wanted


class Fetched:
    """What was asked for, and nothing there is a certificate."""

    def __init__(self, failure: OSError | None = None) -> None:
        self.urls: list[str] = []
        self._failure = failure

    async def __call__(self, url: str) -> bytes:
        self.urls.append(url)
        if self._failure is not None:
            raise self._failure
        return b"nothing"


@pytest.mark.parametrize(
    ("endpoint", "origin"),
    [
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000/"),
        (None, "https://sns.eu-west-1.amazonaws.com/"),
    ],
)
async def test_a_subscription_is_confirmed_at_sns_wherever_the_message_says(
    endpoint: str | None, origin: str
) -> None:
    fetched = Fetched()
    posted = message(
        "SubscriptionConfirmation", Token="a b", SubscribeURL="http://169.254.169.254/"
    )
    async with door(topics(Queue(), endpoint=endpoint, fetch=fetched)) as http:
        assert (await http.post(URL, json=posted)).status_code == 200

    (url,) = fetched.urls
    assert url.partition("?")[0] == origin
    assert dict(parse_qsl(urlsplit(url).query)) == {
        "Action": "ConfirmSubscription",
        "Version": "2010-03-31",
        "TopicArn": TOPIC,
        "Token": "a b",
    }


async def test_moto_understands_the_confirmation(moto: Moto) -> None:
    sns = boto3.client(
        "sns",
        endpoint_url=moto.url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    topic = sns.create_topic(Name=f"topic-{uuid4()}")["TopicArn"]
    receivers = topics(Queue(), TopicSubscription(topic, WORK), endpoint=moto.url)
    posted = message("SubscriptionConfirmation", Token="token", SubscribeURL="", TopicArn=topic)
    async with door(receivers) as http:
        assert (await http.post(URL, json=posted)).status_code == 200


async def test_a_confirmation_that_fails_is_tried_again_by_the_sender() -> None:
    posted = message("SubscriptionConfirmation", Token="token", SubscribeURL="")
    async with door(topics(Queue(), fetch=Fetched(OSError("unreachable")))) as http:
        assert (await http.post(URL, json=posted)).status_code == 502


async def test_being_unsubscribed_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async with door(topics(Queue())) as http:
        assert (await http.post(URL, json=message("UnsubscribeConfirmation"))).status_code == 200

    assert "unsubscribed" in caplog.text


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"SigningCertURL": "https://sns.eu-west-1.amazonaws.com.evil.example/Sim.pem"}, 403),
        ({"SigningCertURL": "https://evil.example/SimpleNotificationService-f3.pem"}, 403),
        ({"Signature": "?"}, 403),
        ({"SignatureVersion": "3", "Signature": ""}, 403),
        ({"Signature": ""}, 503),  # what Fetched has is no certificate
    ],
)
async def test_who_is_not_trusted_must_have_signed(changed: dict[str, str], status: int) -> None:
    queue = Queue()
    fetched = Fetched()
    async with door(topics(queue, fetch=fetched)) as http:
        response = await http.post(URL, json=message(**changed), headers=TUNNEL)

    assert response.status_code == status
    assert queue.taken == []
    assert len(fetched.urls) == (status == 503)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"Hello", 400),
        (b"[]", 400),
        (b"{}", 400),
        (json.dumps(message("Other")).encode(), 400),
        (json.dumps(message(TopicArn="arn:aws:sns:eu-west-1:1:other")).encode(), 404),
    ],
)
async def test_what_is_no_message_of_a_wanted_topic_is_refused(body: bytes, status: int) -> None:
    async with door(topics(Queue())) as http:
        assert (await http.post(URL, content=body)).status_code == status
