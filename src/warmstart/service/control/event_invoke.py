"""How functions are invoked asynchronously: retries, age, destinations.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html
"""

from __future__ import annotations

from datetime import UTC, datetime

from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members, operation
from warmstart.service.asynchronous.configuration import AsyncConfig
from warmstart.service.clock import Clock
from warmstart.service.control.configuration import invalid
from warmstart.service.control.names import FunctionName
from warmstart.service.control.pagination import page
from warmstart.service.control.registry import Registry
from warmstart.service.qualifiers import LATEST

__all__ = ["EventInvokeConfigs"]

_KIND = "event_invoke"
_SERVICES = ("lambda", "sqs", "sns", "events", "s3")


class EventInvokeConfigs:
    """The configurations by `name:qualifier`; also what asynchronous invocations read them by."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock
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
        name = self._find(parameters)
        return self._shown(name.name, name.version_or_alias, self._existing(name))

    @operation("DeleteFunctionEventInvokeConfig")
    def delete(self, parameters: Members) -> Members:
        """Go back to the defaults."""
        name = self._find(parameters)
        self._existing(name)
        self._registry.store.delete(_KIND, _key(name))
        return {}

    @operation("ListFunctionEventInvokeConfigs")
    def list(self, parameters: Members) -> Members:
        """All of a function's."""
        name = self._registry.name(parameters).name
        self._registry.check_function(name)
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
        given: Members = {
            member: parameters[member]
            for member in ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
            if member in parameters
        }
        if not given:
            raise invalid("You must specify at least one of error handling or destination setting.")
        self._check_destinations(name, given.get("DestinationConfig", {}))
        document = {**before, **given, "LastModified": self._clock.time()}
        self._registry.store.put(_KIND, _key(name), document)
        return self._shown(name.name, name.version_or_alias, document)

    def _check_destinations(self, name: FunctionName, config: Members) -> None:
        own = self._registry.arns.function(name.name)
        for when, destination in config.items():
            arn = destination.get("Destination")
            if not arn:
                continue
            service = arn.split(":")[2] if arn.startswith("arn:") else ""
            if service not in _SERVICES or (service == "s3" and when == "OnSuccess"):
                raise invalid(f"The destination ARN {arn} is invalid.")
            if arn == own or arn.startswith(f"{own}:"):
                raise invalid("You can't specify the function as a destination for itself.")

    def _find(self, parameters: Members) -> FunctionName:
        name = self._registry.name(parameters)
        found = self._registry.find(name)
        return FunctionName(found.name, name.qualifier)

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
    return f"{name.name}:{name.qualifier or LATEST}"


def _arn(config: Members) -> str:
    return str(config["FunctionArn"])
