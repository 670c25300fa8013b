"""Sample events of services that push: EventBridge, schedules, SNS, CloudWatch Logs, SES, IoT.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-lambda-event.html
"""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from email.utils import format_datetime
from typing import Any

from warmstart.triggers.buckets.event import milliseconds
from warmstart.triggers.samples.occasion import Occasion, Sample
from warmstart.triggers.schedules.event import rule_event, scheduler_event, timestamp

__all__ = ["NOTIFICATIONS", "bus_event"]


def bus_event(
    occasion: Occasion, source: str, detail_type: str, resources: list[str], detail: Any
) -> dict[str, Any]:
    """An event of an EventBridge bus."""
    return {
        "version": "0",
        "id": occasion.id,
        "detail-type": detail_type,
        "source": source,
        "account": occasion.account.id,
        "time": timestamp(occasion.time),
        "region": occasion.account.region,
        "resources": resources,
        "detail": detail,
    }


def _eventbridge(occasion: Occasion) -> dict[str, Any]:
    return bus_event(occasion, "my.shop", "Order Placed", [], {"order": 4711, "amount": 99.5})


def _schedule(occasion: Occasion) -> dict[str, Any]:
    arn = occasion.arn("events", "rule/my-schedule")
    return rule_event(occasion.account, arn, occasion.id, occasion.time)


def _scheduler(occasion: Occasion) -> dict[str, Any]:
    arn = occasion.arn("scheduler", "schedule/default/my-schedule")
    return scheduler_event(occasion.account, arn, occasion.id, occasion.time)


def _sns(occasion: Occasion) -> dict[str, Any]:
    topic = occasion.arn("sns", "my-topic")
    subscription = f"{topic}:21be56ed-a058-49f5-8c98-aedd2564c486"
    host = f"https://sns.{occasion.account.region}.amazonaws.com"
    return {
        "Records": [
            {
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "EventSubscriptionArn": subscription,
                "Sns": {
                    "Type": "Notification",
                    "MessageId": occasion.id,
                    "TopicArn": topic,
                    "Subject": "Hello",
                    "Message": "Hello from SNS!",
                    "Timestamp": milliseconds(occasion.time),
                    "SignatureVersion": "1",
                    "Signature": "EXAMPLE",
                    "SigningCertUrl": f"{host}/SimpleNotificationService-EXAMPLE.pem",
                    "UnsubscribeUrl": f"{host}/?Action=Unsubscribe&SubscriptionArn={subscription}",
                    "MessageAttributes": {"kind": {"Type": "String", "Value": "greeting"}},
                },
            }
        ]
    }


def _cloudwatch_logs(occasion: Occasion) -> dict[str, Any]:
    data = {
        "messageType": "DATA_MESSAGE",
        "owner": occasion.account.id,
        "logGroup": "/aws/lambda/my-function",
        "logStream": "2026/11/24/[$LATEST]0123456789abcdef0123456789abcdef",
        "subscriptionFilters": ["errors"],
        "logEvents": [
            {
                "id": "31953106606966983378809025079804211143289615424298221568",
                "timestamp": occasion.milliseconds,
                "message": "[ERROR] something went wrong",
            }
        ],
    }
    packed = gzip.compress(json.dumps(data).encode(), mtime=0)
    return {"awslogs": {"data": b64encode(packed).decode()}}


def _ses(occasion: Occasion) -> dict[str, Any]:
    sender, recipient, message_id = "jane@example.com", "john@example.com", "o3vrnil0e2ic28tr"
    date = format_datetime(occasion.time)
    passed = {"status": "PASS"}
    return {
        "Records": [
            {
                "eventSource": "aws:ses",
                "eventVersion": "1.0",
                "ses": {
                    "mail": {
                        "timestamp": milliseconds(occasion.time),
                        "source": sender,
                        "messageId": message_id,
                        "destination": [recipient],
                        "headersTruncated": False,
                        "headers": [
                            {"name": "From", "value": f"Jane <{sender}>"},
                            {"name": "To", "value": recipient},
                            {"name": "Subject", "value": "Hello"},
                            {"name": "Date", "value": date},
                        ],
                        "commonHeaders": {
                            "returnPath": sender,
                            "from": [f"Jane <{sender}>"],
                            "date": date,
                            "to": [recipient],
                            "messageId": "<0123456789@example.com>",
                            "subject": "Hello",
                        },
                    },
                    "receipt": {
                        "timestamp": milliseconds(occasion.time),
                        "processingTimeMillis": 574,
                        "recipients": [recipient],
                        "spamVerdict": passed,
                        "virusVerdict": passed,
                        "spfVerdict": passed,
                        "dkimVerdict": passed,
                        "dmarcVerdict": passed,
                        "action": {
                            "type": "Lambda",
                            "functionArn": occasion.arn("lambda", "function:my-function"),
                            "invocationType": "Event",
                        },
                    },
                },
            }
        ]
    }


def _iot(occasion: Occasion) -> dict[str, Any]:
    return {"device": "sensor-1", "temperature": 21.5, "timestamp": occasion.milliseconds}


NOTIFICATIONS: dict[str, Sample] = {
    "eventbridge": _eventbridge,
    "schedule": _schedule,
    "scheduler": _scheduler,
    "sns": _sns,
    "cloudwatch-logs": _cloudwatch_logs,
    "ses": _ses,
    "iot": _iot,
}
