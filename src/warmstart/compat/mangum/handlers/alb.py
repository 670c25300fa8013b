"""Application Load Balancers, their target group with single or with multiple values."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any
from urllib.parse import unquote, unquote_plus

from warmstart.compat.mangum.handlers.base import Handler
from warmstart.compat.mangum.handlers.request import encode_query, header_pairs, require
from warmstart.compat.mangum.handlers.response import decode_pairs, encode_body, without_excluded
from warmstart.compat.mangum.types import (
    LambdaConfig,
    LambdaContext,
    Response,
    Scope,
)
from warmstart.events.errors import MalformedEvent
from warmstart.events.fields import expected, read_object, read_text, require_text

__all__ = ["ALB"]


class ALB(Handler):
    """A request that came through a load balancer."""

    @classmethod
    def infer(cls, event: Any, context: LambdaContext, config: LambdaConfig) -> bool:
        request_context = event.get("requestContext") if isinstance(event, dict) else None
        return isinstance(request_context, dict) and "elb" in request_context

    @property
    def scope(self) -> Scope:
        pairs = self._header_pairs()
        headers = {name.decode(): value.decode() for name, value in pairs}
        return self._scope(
            method=require_text(self.event, "httpMethod"),
            path=unquote(read_text(self.event, "path")) or "/",
            query_string=self._query_string(),
            headers=headers,
            pairs=pairs,
            client=headers.get("x-forwarded-for", ""),
        )

    def _header_pairs(self) -> list[list[bytes]]:
        if "multiValueHeaders" not in self.event:
            headers = read_object(self.event, "headers")
            return header_pairs({name.lower(): value for name, value in headers.items()})
        pairs = []
        for name, values in read_object(self.event, "multiValueHeaders").items():
            field = f"multiValueHeaders.{name}"
            for value in _list(values, field):
                pairs += header_pairs({name.lower(): value}, field)
        return pairs

    def _query_string(self) -> bytes:
        """The query, decoded first: a load balancer hands it on encoded."""
        many = "multiValueQueryStringParameters"
        field = many if many in self.event else "queryStringParameters"
        params = {
            unquote_plus(name): [
                unquote_plus(require(value, f"{field}.{name}"))
                for value in ([given] if isinstance(given, str) else _list(given, field))
            ]
            for name, given in read_object(self.event, field).items()
        }
        return encode_query(params, field)

    def __call__(self, response: Response) -> dict[str, Any]:
        values: dict[str, list[str]] = {}
        for name, value in decode_pairs(response["headers"]):
            values.setdefault(name, []).append(value)
        headers = _in_cases(values)
        body, encoded = encode_body(
            response["body"], headers.get("content-type", ""), self.config["text_mime_types"]
        )
        answer = {"statusCode": response["status"], "body": body, "isBase64Encoded": encoded}
        # A target group takes either the one or the other: the one that it sends.
        if "multiValueHeaders" in self.event:
            return answer | {"multiValueHeaders": without_excluded(values, self.config)}
        return answer | {"headers": without_excluded(headers, self.config)}


def _list(value: Any, field: str) -> list[Any]:
    if not isinstance(value, list):
        raise MalformedEvent(field, expected("an array", value))
    return value


def _in_cases(values: dict[str, list[str]]) -> dict[str, str]:
    """One key for each value: repeated names differ in their letters' case."""
    return {
        key: value
        for name, given in values.items()
        for key, value in zip(_cases(name), given, strict=False)
    }


def _cases(name: str) -> Iterator[str]:
    """`name` in every mix of cases, counting in binary: the first letter is the lowest bit."""
    mixes = [
        (letter.lower(), letter.upper()) if letter.lower() != letter.upper() else (letter,)
        for letter in reversed(name)
    ]
    return ("".join(reversed(mix)) for mix in product(*mixes))
