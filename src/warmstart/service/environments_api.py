"""`GET /_warmstart/environments`: the execution environments that there are now.

AWS has no call for it. The answer is a JSON list, by function and version, the newest of
each last; its members are those of `LiveEnvironment`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

from warmstart.service.api.exchange import Response
from warmstart.service.environments.pool import LiveEnvironment

__all__ = ["ENVIRONMENTS", "environments_response"]

ENVIRONMENTS = "/_warmstart/environments"
"""The path, which no call of AWS's begins with."""


def environments_response(environments: Callable[[], Sequence[LiveEnvironment]]) -> Response:
    """The answer."""
    body = json.dumps([asdict(each) for each in environments()]).encode()
    return Response(200, {"Content-Type": "application/json"}, body)
