"""Function URLs: their configurations, and which function an URL leads to.

On AWS a URL is https://ID.lambda-url.REGION.on.aws/; here it leads to the service's
own port, http://ID.lambda-url.REGION.localhost:PORT/, as names under `localhost` are
this machine's (RFC 6761, section 6.3).

https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members, given, operation
from warmstart.service.control.names import FunctionName
from warmstart.service.control.pagination import page
from warmstart.service.control.registry import Registry, does_not_exist

__all__ = ["FunctionUrl", "FunctionUrls"]

_KIND = "url"
_ALPHABET = string.ascii_lowercase + string.digits
_SETTINGS = ("AuthType", "Cors", "InvokeMode")


@dataclass(frozen=True, slots=True)
class FunctionUrl:
    """What the front door must know of a URL; `cors` has the members of AWS's `Cors`."""

    url_id: str
    function: str
    qualifier: str | None
    auth_type: str
    invoke_mode: str
    cors: Members | None


class FunctionUrls:
    """Create-, Get-, Update-, Delete- and ListFunctionUrlConfig(s).

    `endpoint` tells the service's own URL.
    """

    def __init__(self, registry: Registry, endpoint: Callable[[], str]) -> None:
        self._registry = registry
        self._endpoint = endpoint
        registry.own(_KIND)
        # Where a URL's document may be. It goes with its function or alias, or gives way to
        # another, so that only the document itself tells whether the URL is still there.
        self._keys: dict[str, str] = {
            document["Id"]: key for key, document in registry.store.all(_KIND)
        }

    def find(self, url_id: str) -> FunctionUrl | None:
        """The URL with that id, the first label of its host, if there is such a one."""
        key = self._keys.get(url_id)
        document = None if key is None else self._registry.store.get(_KIND, key)
        if key is None or document is None or document["Id"] != url_id:
            return None
        function, _, qualifier = key.partition(":")
        return FunctionUrl(
            url_id,
            function,
            qualifier or None,
            document["AuthType"],
            document.get("InvokeMode", "BUFFERED"),
            document.get("Cors"),
        )

    @operation("CreateFunctionUrlConfig")
    def create(self, parameters: Members) -> Members:
        """Give a function or an alias a URL."""
        name = self._existing_function(parameters)
        arn = self._arn(name)
        if self._registry.store.get(_KIND, _key(name)) is not None:
            raise ApiError(
                "ResourceConflictException",
                f"Failed to create function url config for [functionArn = {arn}]. Error message:"
                "  FunctionUrlConfig exists for this Lambda function",
            )
        now = self._registry.now()
        document: Members = {
            "Id": "".join(secrets.choice(_ALPHABET) for _ in range(32)),
            "CreationTime": now,
            "LastModifiedTime": now,
            **given(parameters, _SETTINGS),
        }
        self._put(name, document)
        output = self._output(name, document)
        del output["LastModifiedTime"]
        return output

    @operation("GetFunctionUrlConfig")
    def get(self, parameters: Members) -> Members:
        """A URL's configuration."""
        name = self._registry.name(parameters)
        return {"InvokeMode": "BUFFERED", **self._output(name, self._existing(name))}

    @operation("UpdateFunctionUrlConfig")
    def update(self, parameters: Members) -> Members:
        """Change what is given of a URL's configuration."""
        name = self._existing_function(parameters)
        document = {
            **self._existing(name),
            **given(parameters, _SETTINGS),
            "LastModifiedTime": self._registry.now(),
        }
        self._put(name, document)
        return self._output(name, document)

    @operation("DeleteFunctionUrlConfig")
    def delete(self, parameters: Members) -> Members:
        """Take a URL away; its id is never given again."""
        name = self._registry.name(parameters)
        self._keys.pop(self._existing(name)["Id"], None)
        self._registry.store.delete(_KIND, _key(name))
        return {}

    @operation("ListFunctionUrlConfigs")
    def list_urls(self, parameters: Members) -> Members:
        """The URLs of a function and its aliases."""
        function = self._existing_function(parameters).name
        urls = []
        for key, document in self._of(function):
            name = FunctionName(function, key.removeprefix(function).removeprefix(":") or None)
            urls.append({"InvokeMode": "BUFFERED", **self._output(name, document)})
        return page("FunctionUrlConfigs", urls, parameters, lambda url: str(url["FunctionArn"]))

    def _of(self, function: str) -> list[tuple[str, Members]]:
        own = self._registry.store.get(_KIND, function)
        aliases = self._registry.store.all(_KIND, f"{function}:")
        return aliases if own is None else [(function, own), *aliases]

    def _put(self, name: FunctionName, document: Members) -> None:
        self._registry.store.put(_KIND, _key(name), document)
        self._keys[document["Id"]] = _key(name)

    def _existing_function(self, parameters: Members) -> FunctionName:
        """The function or alias that is named."""
        name = self._registry.name(parameters)
        known = self._registry.has_function(name.name) and (
            name.qualifier is None or self._registry.alias(name.name, name.qualifier) is not None
        )
        if not known:
            raise ApiError("ResourceNotFoundException", "Function does not exist")
        return name

    def _existing(self, name: FunctionName) -> Members:
        document = self._registry.store.get(_KIND, _key(name))
        if document is None:
            raise does_not_exist()
        return document

    def _arn(self, name: FunctionName) -> str:
        return self._registry.arns.function(name.name, name.qualifier)

    def _output(self, name: FunctionName, document: Members) -> Members:
        shown = {member: value for member, value in document.items() if member != "Id"}
        return {
            "FunctionUrl": self._url(document["Id"]),
            "FunctionArn": self._arn(name),
            **shown,
        }

    def _url(self, url_id: str) -> str:
        endpoint = urlsplit(self._endpoint())
        port = "" if endpoint.port is None else f":{endpoint.port}"
        region = self._registry.arns.region
        return f"{endpoint.scheme}://{url_id}.lambda-url.{region}.localhost{port}/"


def _key(name: FunctionName) -> str:
    return name.name if name.qualifier is None else f"{name.name}:{name.qualifier}"
