"""The types that custom handler classes are written with."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias, TypedDict

from warmstart.adapter.asgi import ASGIApp, Message, Receive, Scope, Send

__all__ = [
    "ASGI",
    "Headers",
    "LambdaCognitoIdentity",
    "LambdaConfig",
    "LambdaContext",
    "LambdaEvent",
    "LambdaHandler",
    "LambdaMobileClient",
    "LambdaMobileClientContext",
    "LifespanMode",
    "Message",
    "QueryParams",
    "Receive",
    "Response",
    "Scope",
    "Send",
]

ASGI: TypeAlias = ASGIApp
LambdaEvent: TypeAlias = dict[str, Any]
QueryParams: TypeAlias = MutableMapping[str, str | Sequence[str]]
Headers: TypeAlias = Sequence[Sequence[bytes]]
LifespanMode: TypeAlias = Literal["auto", "on", "off"]


class LambdaCognitoIdentity(Protocol):
    """Who called, if a Cognito identity pool vouches for them."""

    cognito_identity_id: str
    cognito_identity_pool_id: str


class LambdaMobileClient(Protocol):
    """The app on the mobile device that called."""

    installation_id: str
    app_title: str
    app_version_name: str
    app_version_code: str
    app_package_name: str


class LambdaMobileClientContext(Protocol):
    """What the mobile SDK sends along."""

    client: LambdaMobileClient
    custom: dict[str, Any]
    env: dict[str, Any]


class LambdaContext(Protocol):
    """The second argument of a Lambda handler.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    function_name: str
    function_version: str
    invoked_function_arn: str
    memory_limit_in_mb: int
    aws_request_id: str
    log_group_name: str
    log_stream_name: str
    identity: LambdaCognitoIdentity | None
    client_context: LambdaMobileClientContext | None

    def get_remaining_time_in_millis(self) -> int: ...


class Response(TypedDict):
    """The app's response, as a handler class is called with it."""

    status: int
    headers: Headers
    body: bytes


class LambdaConfig(TypedDict):
    """The arguments of `Mangum` that handler classes look at."""

    api_gateway_base_path: str
    text_mime_types: list[str]
    exclude_headers: list[str]


class LambdaHandler(Protocol):
    """A handler class: it knows its events, and turns one into a request and a response back."""

    def __init__(self, *args: Any) -> None: ...

    @classmethod
    def infer(cls, event: LambdaEvent, context: LambdaContext, config: LambdaConfig) -> bool: ...

    @property
    def body(self) -> bytes: ...

    @property
    def scope(self) -> Scope: ...

    def __call__(self, response: Response) -> dict[str, Any]: ...
