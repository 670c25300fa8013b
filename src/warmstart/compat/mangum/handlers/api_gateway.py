"""API Gateway: REST APIs, and HTTP APIs with either payload format, as Function URLs have one."""

from __future__ import annotations

from typing import Any

from warmstart.compat.mangum.handlers.base import Handler
from warmstart.compat.mangum.handlers.request import encode_query, require, strip_base_path
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
from warmstart.events.fields import read_list, read_object, read_text, require_text, utf8

__all__ = ["APIGateway", "HTTPGateway"]


class _Format1(Handler):
    """Payload format 1.0."""

    @property
    def scope(self) -> Scope:
        context = read_object(self.event, "requestContext")
        identity = read_object(context, "identity", "requestContext.")
        return self._scope(
            method=require_text(self.event, "httpMethod"),
            path=self._strip(read_text(self.event, "path")),
            query_string=self._query_string(),
            headers=self._merged_headers(),
            client=identity.get("sourceIp"),
        )

    def _strip(self, path: str) -> str:
        return strip_base_path(path, self.config["api_gateway_base_path"])

    def _query_string(self) -> bytes:
        for field in ("multiValueQueryStringParameters", "queryStringParameters"):
            if params := read_object(self.event, field):
                return encode_query(params, field)
        return b""

    def _merged_headers(self) -> dict[str, Any]:
        headers = {name.lower(): v for name, v in read_object(self.event, "headers").items()}
        for name, values in read_object(self.event, "multiValueHeaders").items():
            field = f"multiValueHeaders.{name}"
            given = values if isinstance(values, list) else []
            headers[name.lower()] = ", ".join([require(value, field) for value in given])
        return headers

    def __call__(self, response: Response) -> dict[str, Any]:
        headers, repeated = split_repeated(response["headers"])
        body, encoded = encode_body(
            response["body"], headers.get("content-type", ""), self.config["text_mime_types"]
        )
        return {
            "statusCode": response["status"],
            "headers": headers,
            "multiValueHeaders": repeated,
            "body": body,
            "isBase64Encoded": encoded,
        }


class APIGateway(_Format1):
    """A request that came through a REST API."""

    @classmethod
    def infer(cls, event: Any, context: LambdaContext, config: LambdaConfig) -> bool:
        return isinstance(event, dict) and "resource" in event and "requestContext" in event

    def __call__(self, response: Response) -> dict[str, Any]:
        answer = super().__call__(response)
        for part in ("headers", "multiValueHeaders"):
            answer[part] = without_excluded(answer[part], self.config)
        return answer


class HTTPGateway(_Format1):
    """A request that came through an HTTP API or a Function URL. Excludes no headers."""

    @classmethod
    def infer(cls, event: Any, context: LambdaContext, config: LambdaConfig) -> bool:
        return isinstance(event, dict) and "version" in event and "requestContext" in event

    @property
    def scope(self) -> Scope:
        if self.event["version"] != "2.0":
            return super().scope
        context = read_object(self.event, "requestContext")
        http = read_object(context, "http", "requestContext.")
        headers = {name.lower(): v for name, v in read_object(self.event, "headers").items()}
        if cookies := read_list(self.event, "cookies"):
            headers["cookie"] = "; ".join([require(cookie, "cookies") for cookie in cookies])
        return self._scope(
            method=require_text(http, "method", "requestContext.http."),
            path=self._strip(read_text(http, "path", "requestContext.http.")),
            query_string=utf8(read_text(self.event, "rawQueryString"), "rawQueryString"),
            headers=headers,
            client=http.get("sourceIp"),
        )

    def __call__(self, response: Response) -> dict[str, Any]:
        if self.event["version"] != "2.0":
            return super().__call__(response)
        headers: dict[str, str] = {}
        cookies: list[str] = []
        for name, value in decode_pairs(response["headers"]):
            if name == "set-cookie":
                cookies.append(value)
            else:
                headers[name] = f"{headers[name]},{value}" if name in headers else value
        content_type = headers.setdefault("content-type", "application/json")
        body, encoded = encode_body(response["body"], content_type, self.config["text_mime_types"])
        answer = {
            "statusCode": response["status"],
            "body": body,
            "headers": headers,
            "isBase64Encoded": encoded,
        }
        return answer | {"cookies": cookies} if cookies else answer
