"""The second argument of a handler, attribute for attribute as AWS's client has it."""

from __future__ import annotations

import os
import time

from warmstart.runtime.faults import LambdaContextUnmarshalError
from warmstart.runtime.marshaller import decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from warmstart.runtime.calls import Invocation

__all__ = ["Client", "ClientContext", "CognitoIdentity", "FunctionFacts", "LambdaContext"]

_W3C_FIELDS = ("traceparent", "tracestate", "baggage")


class FunctionFacts:
    """What every context of this environment says of the function, read once."""

    def __init__(self) -> None:
        get = os.environ.get
        self.log_group_name = get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = get("AWS_LAMBDA_FUNCTION_VERSION")


class _Record:
    """An object made of a JSON object's members; those that are missing are None."""

    __slots__: tuple[str, ...] = ()

    def __init__(self, members: dict[str, Any]) -> None:
        for name in self.__slots__:
            setattr(self, name, members.get(name))

    def __repr__(self) -> str:
        members = ",".join(f"{name}={getattr(self, name)}" for name in self.__slots__)
        return f"{type(self).__name__}([{members}])"


class Client(_Record):
    """The mobile app that called, by its own account."""

    __slots__ = (  # noqa: RUF023 - `repr` has them in AWS's order
        "installation_id",
        "app_title",
        "app_version_name",
        "app_version_code",
        "app_package_name",
    )
    installation_id: str | None
    app_title: str | None
    app_version_name: str | None
    app_version_code: str | None
    app_package_name: str | None


class ClientContext(_Record):
    """What the caller sent in `X-Amz-Client-Context`."""

    __slots__ = ("custom", "env", "client")  # noqa: RUF023
    custom: Any
    env: Any
    client: Client | None

    def __init__(self, members: dict[str, Any]) -> None:
        super().__init__(members)
        if members.get("client") is not None:
            self.client = Client(members["client"])


class CognitoIdentity(_Record):
    """Who called, where Amazon Cognito knows it; both None elsewhere."""

    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")
    cognito_identity_id: str | None
    cognito_identity_pool_id: str | None

    def __init__(self, members: dict[str, Any]) -> None:
        self.cognito_identity_id = members.get("cognitoIdentityId")
        self.cognito_identity_pool_id = members.get("cognitoIdentityPoolId")


class LambdaContext:
    """One invocation, as https://docs.aws.amazon.com/lambda/latest/dg/python-context.html tells.

    Raises:
        LambdaContextUnmarshalError: the caller's client context is not JSON.
    """

    aws_request_id: str
    invoked_function_arn: str | None
    tenant_id: str | None
    log_group_name: str | None
    log_stream_name: str | None
    function_name: str | None
    memory_limit_in_mb: str | None
    function_version: str | None
    client_context: ClientContext | None
    identity: CognitoIdentity

    def __init__(
        self, invocation: Invocation, facts: FunctionFacts, log: Callable[[str], None]
    ) -> None:
        self.log_group_name = facts.log_group_name
        self.log_stream_name = facts.log_stream_name
        self.function_name = facts.function_name
        self.memory_limit_in_mb = facts.memory_limit_in_mb
        self.function_version = facts.function_version
        self.aws_request_id = invocation.request_id
        self.invoked_function_arn = invocation.arn
        self.tenant_id = invocation.tenant_id
        self._epoch_deadline_time_in_ms = invocation.deadline_ms
        self._log = log
        self._w3c: dict[str, str] = {}
        self.client_context = None
        if invocation.client_context:
            members = _parse(invocation.client_context, "Client Context")
            self._w3c = _w3c_fields(members.pop("w3c", None))
            self.client_context = ClientContext(members)
        identity = invocation.cognito_identity
        self.identity = CognitoIdentity(_parse(identity, "Cognito Identity") if identity else {})

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is timed out, never negative."""
        return max(0, self._epoch_deadline_time_in_ms - int(time.time() * 1000))

    def log(self, msg: object) -> None:
        """Write `msg` to the log as it is, with no newline added."""
        self._log(str(msg))

    def w3c(self) -> dict[str, str]:
        """The W3C trace context that came with the invocation: its fields by name."""
        return dict(self._w3c)

    def __repr__(self) -> str:
        names = (
            "aws_request_id",
            "log_group_name",
            "log_stream_name",
            "function_name",
            "memory_limit_in_mb",
            "function_version",
            "invoked_function_arn",
            "client_context",
            "identity",
            "tenant_id",
        )
        members = ",".join(f"{name}={getattr(self, name)}" for name in names)
        return f"{type(self).__name__}([{members}])"


def _parse(text: str, what: str) -> dict[str, Any]:
    try:
        members = decode(text.encode())
        if not isinstance(members, dict):
            raise ValueError(f"it is not an object but {text[:100]}")
    except ValueError as error:
        raise LambdaContextUnmarshalError(f"Unable to parse {what} JSON: {error}") from None
    return members


def _w3c_fields(sent: Any) -> dict[str, str]:
    if not isinstance(sent, dict):
        return {}
    return {name: sent[name] for name in _W3C_FIELDS if isinstance(sent.get(name), str)}
