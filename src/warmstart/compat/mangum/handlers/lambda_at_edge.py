"""Lambda@Edge: a CloudFront viewer request or origin request."""

from __future__ import annotations

from typing import Any

from warmstart.compat.mangum.handlers.base import Handler
from warmstart.compat.mangum.handlers.request import read_body, require
from warmstart.compat.mangum.handlers.response import (
    decode_pairs,
    encode_body,
    split_repeated,
    without_excluded,
)
from warmstart.compat.mangum.types import (
    LambdaConfig,
    LambdaContext,
    Response,
    Scope,
)
from warmstart.events.errors import MalformedEvent
from warmstart.events.fields import (
    expected,
    read_object,
    read_text,
    require_object,
    require_text,
    utf8,
)

__all__ = ["LambdaAtEdge"]

_WHERE = "Records[0].cf.request."


class LambdaAtEdge(Handler):
    """A request that came through CloudFront. Of a repeated header the first value counts."""

    @classmethod
    def infer(cls, event: Any, context: LambdaContext, config: LambdaConfig) -> bool:
        records = event.get("Records") if isinstance(event, dict) else None
        record = records[0] if isinstance(records, list) and records else None
        return isinstance(record, dict) and "cf" in record

    @property
    def _request(self) -> dict[str, Any]:
        cloudfront = require_object(self.event["Records"][0]["cf"], "Records[0].cf")
        return read_object(cloudfront, "request", "Records[0].cf.")

    @property
    def body(self) -> bytes:
        body = read_object(self._request, "body", _WHERE)
        encoded = body.get("encoding") == "base64"
        return read_body(body.get("data"), f"{_WHERE}body.data", is_base64=encoded)

    @property
    def scope(self) -> Scope:
        request = self._request
        headers = {
            name: _first(entries, f"{_WHERE}headers.{name}")
            for name, entries in read_object(request, "headers", _WHERE).items()
        }
        return self._scope(
            method=require_text(request, "method", _WHERE),
            path=read_text(request, "uri", _WHERE),
            query_string=utf8(read_text(request, "querystring", _WHERE), f"{_WHERE}querystring"),
            headers=headers,
            scheme=headers.get("cloudfront-forwarded-proto", "https"),
            client=request.get("clientIp"),
        )

    def __call__(self, response: Response) -> dict[str, Any]:
        single, _ = split_repeated(response["headers"])
        body, encoded = encode_body(
            response["body"], single.get("content-type", ""), self.config["text_mime_types"]
        )
        headers = {
            name: [{"key": name, "value": value}]
            for name, value in decode_pairs(response["headers"])
        }
        return {
            "status": response["status"],
            "headers": without_excluded(headers, self.config),
            "body": body,
            "isBase64Encoded": encoded,
        }


def _first(entries: Any, field: str) -> str:
    if not isinstance(entries, list) or not entries:
        raise MalformedEvent(field, expected("an array of one or more", entries))
    return require(require_object(entries[0], field).get("value"), f"{field}[0].value")
