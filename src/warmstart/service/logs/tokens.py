"""The opaque tokens that CloudWatch Logs gives with a page, to ask for the next."""

from __future__ import annotations

import base64
import json
from typing import Any

from warmstart.service.api.errors import ApiError

__all__ = ["decoded", "encoded", "invalid_token"]


def encoded(place: Any) -> str:
    """A token that holds a place, which is JSON."""
    text = json.dumps(place, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def decoded(token: str) -> Any:
    """The place that a token holds.

    Raises:
        ApiError: it is none of ours.
    """
    try:
        return json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
    except ValueError:
        raise invalid_token() from None


def invalid_token() -> ApiError:
    """AWS's answer to a token that it did not give."""
    return ApiError("InvalidParameterException", "The specified nextToken is invalid.")
