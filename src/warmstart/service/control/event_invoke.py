"""How functions are invoked asynchronously: retries, age, destinations.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html
"""

from __future__ import annotations

from datetime import UTC, datetime

from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members, given, operation
from warmstart.service.asynchronous.configuration import AsyncConfig
from warmstart.service.clock import Clock
from warmstart.service.control.configuration import invalid
from warmstart.service.control.names import FunctionName, function_name
from warmstart.service.control.pagination import page
from warmstart.service.control.registry import Registry

__all__ = ["EventInvokeConfigs"]

_KIND = "event_invoke"
_SERVICES = ("lambda", "sqs", "sns", "events", "s3")
_MEMBERS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")


class EventInvokeConfigs:
    """The configurations by `name:qualifier`; also what asynchronous invocations read them by."""

    def __init__(self, registry: Registry, clock: Clock | None = None) -> None:
        self._registry = registry
        self._clock = clock or Clock()
        registry.own(_KIND)

    @operation("PutFunctionEventInvokeConfig")
    def put(self, parameters: Members) -> Members:
        """Set a configuration; what is not given is AWS's default."""
        return self._set(self._find(parameters), parameters, {})

    @operation("UpdateFunctionEventInvokeConfig")
    def update(self, parameters: Members) -> Members:
        """Change what is given of a configuration."""
        name = self._find(parameters)
        return self._set(name, parameters, self._existing(name))

    @operation("GetFunctionEventInvokeConfig")
    def get(self, parameters: Members) -> Members:
        """A configuration."""
        name = self._registry.name(parameters)
        return self._shown(name.name, name.version_or_alias, self._existing(name))

    @operation("DeleteFunctionEventInvokeConfig")
    def delete(self, parameters: Members) -> Members:
        """Go back to the defaults."""
        name = self._registry.name(parameters)
        self._existing(name)
        self._registry.store.delete(_KIND, _key(name))
        return {}

    @operation("ListFunctionEventInvokeConfigs")
    def list(self, parameters: Members) -> Members:
        """All of a function's."""
        name = self._registry.name(parameters).name
        if not self._registry.has_function(name):
            raise _no_function()
        found = [
            self._shown(name, key.removeprefix(f"{name}:"), document)
            for key, document in self._registry.store.all(_KIND, f"{name}:")
        ]
        return page("FunctionEventInvokeConfigs", found, parameters, _arn)

    def async_config(self, function: str, qualifier: str) -> AsyncConfig:
        """What holds for an asynchronous invocation of a version or an alias."""
        document: Members = self._registry.store.get(_KIND, f"{function}:{qualifier}") or {}
        destinations = document.get("DestinationConfig", {})
        return AsyncConfig(
            maximum_retry_attempts=document.get("MaximumRetryAttempts", 2),
            maximum_event_age_in_seconds=document.get("MaximumEventAgeInSeconds", 21_600),
            on_success=destinations.get("OnSuccess", {}).get("Destination") or None,
            on_failure=destinations.get("OnFailure", {}).get("Destination") or None,
            dead_letter=self._dead_letter(function, qualifier),
            reserved_concurrency=self._registry.reserved_concurrency(function),
        )

    def _dead_letter(self, function: str, qualifier: str) -> str | None:
        try:
            version = self._registry.find(FunctionName(function, qualifier))
        except ApiError:  # deleted since it was invoked
            return None
        return version.settings.get("DeadLetterConfig", {}).get("TargetArn") or None

    def _set(self, name: FunctionName, parameters: Members, before: Members) -> Members:
        new = given(parameters, _MEMBERS)
        if not new:
            raise invalid("You must specify at least one of error handling or destination setting.")
        self._check_destinations(name, new.get("DestinationConfig", {}))
        document = {**before, **new, "LastModified": self._clock.time()}
        self._registry.store.put(_KIND, _key(name), document)
        return self._shown(name.name, name.version_or_alias, document)

    def _check_destinations(self, name: FunctionName, config: Members) -> None:
        own = self._registry.arns.function(name.name)
        for when, destination in config.items():
            arn = destination.get("Destination")
            if not arn:
                continue
            service = arn.split(":")[2]
            if service not in _SERVICES or (service == "s3" and when == "OnSuccess"):
                raise invalid(f"The provided destination config {_written(config)} is invalid.")
            if arn == own or arn.startswith(f"{own}:"):
                raise invalid("You can't specify the function as a destination for itself.")
            if service == "lambda" and not self._may_be_invoked(arn):
                raise invalid(f"The destination ARN {arn} is invalid.")

    def _may_be_invoked(self, arn: str) -> bool:
        """Whether a function is there, as far as it is to be known here."""
        try:
            return self._registry.has_function(function_name(self._registry.arns, arn).name)
        except ApiError:  # of another region or account
            return True

    def _find(self, parameters: Members) -> FunctionName:
        name = self._registry.name(parameters)
        try:
            self._registry.find(name)
        except ApiError:
            raise _no_function() from None
        return name

    def _existing(self, name: FunctionName) -> Members:
        document = self._registry.store.get(_KIND, _key(name))
        if document is None:
            arn = self._registry.arns.function(name.name, name.version_or_alias)
            raise ApiError(
                "ResourceNotFoundException",
                f"The function {arn} doesn't have an EventInvokeConfig",
            )
        return document

    def _shown(self, name: str, qualifier: str, document: Members) -> Members:
        destinations = document.get("DestinationConfig", {})
        return {
            **document,
            "FunctionArn": self._registry.arns.function(name, qualifier),
            "LastModified": datetime.fromtimestamp(document["LastModified"], UTC),
            "DestinationConfig": {"OnSuccess": {}, "OnFailure": {}, **destinations},
        }


def _key(name: FunctionName) -> str:
    return f"{name.name}:{name.version_or_alias}"


def _no_function() -> ApiError:
    return ApiError("ResourceNotFoundException", "The function doesn't exist.")


def _written(config: Members) -> str:
    """A DestinationConfig as AWS's errors write it."""
    parts = []
    for member in ("OnSuccess", "OnFailure"):
        destination = config.get(member)
        text = "null"
        if destination is not None:
            text = f"{member}(destination={destination.get('Destination', 'null')})"
        parts.append(f"{member[0].lower()}{member[1:]}={text}")
    return f"DestinationConfig({', '.join(parts)})"


def _arn(config: Members) -> str:
    return str(config["FunctionArn"])
