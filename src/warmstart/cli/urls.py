"""`warmstart serve`'s one port: Function URLs by their hosts, the API for all else."""

from __future__ import annotations

from typing import Any

from warmstart.events.http import HTTPRequest
from warmstart.gateways.function_url import Authorize, Forbidden
from warmstart.gateways.function_urls import FunctionURLs, is_function_url
from warmstart.service.api.errors import ApiError
from warmstart.service.api.exchange import Request
from warmstart.service.api.signature import SignatureVerifier, signer
from warmstart.service.endpoints.endpoint import Application
from warmstart.service.platform import Platform, Settings

__all__ = ["with_function_urls"]

# https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
_FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see:"
    " https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)


def with_function_urls(
    application: Application, platform: Platform, settings: Settings
) -> Application:
    """The ASGI application of all functions' URLs, and of `application` on other hosts."""
    urls = FunctionURLs(
        platform.control.urls.find,
        platform.invoker,
        authorize=_authorize(settings),
        region=settings.region,
    )

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        await (urls if is_function_url(scope) else application)(scope, receive, send)

    return serve


def _authorize(settings: Settings) -> Authorize:
    """Lets those pass who sign, and with keys, those who sign with one of them.

    Whoever has a key of the account may do everything, as the account's root user.
    """
    verifier = SignatureVerifier(settings.keys) if settings.keys else None

    def authorize(request: HTTPRequest) -> dict[str, Any]:
        signed = _signed(request)
        try:
            access_key = signer(signed)
            if verifier is not None:
                verifier.verify(signed, "lambda")
        except ApiError as error:
            if error.code == "MissingAuthenticationTokenException":
                raise Forbidden("AccessDeniedException", _FORBIDDEN) from None
            raise Forbidden(error.code, error.message) from None
        return {
            "accessKey": access_key,
            "accountId": settings.account,
            "callerId": settings.account,
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": f"arn:aws:iam::{settings.account}:root",
            "userId": settings.account,
        }

    return authorize


def _signed(request: HTTPRequest) -> Request:
    return Request(
        request.method,
        request.raw_path.decode("latin-1"),
        request.query_string.decode("latin-1"),
        {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers},
        request.body,
    )
