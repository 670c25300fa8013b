"""A plain Lambda handler: a Function URL's event in, a dict out.

Run it with `warmstart dev examples.plain_handler:handler`.
"""

from __future__ import annotations

import json
from typing import Any


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Greet whoever the query string names, and say how long there is left to do it."""
    name = event.get("queryStringParameters", {}).get("name", "world")
    greeting = {
        "hello": name,
        "path": event["rawPath"],
        "request_id": context.aws_request_id,
        "milliseconds_left": context.get_remaining_time_in_millis(),
    }
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(greeting),
    }
