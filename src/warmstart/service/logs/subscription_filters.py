"""CloudWatch Logs' operations on subscription filters, whose destinations are functions here.

A filter is a document under `GROUP:NAME`, neither of which may have a colon. Beside these
there are filters of the configuration, which no operation shows or deletes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members, given, operation
from warmstart.service.clock import Clock
from warmstart.service.logs.files import LogFiles
from warmstart.service.logs.groups import existing_group, page
from warmstart.service.logs.patterns import InvalidPattern, matcher
from warmstart.service.logs.subscribed import Filter
from warmstart.service.state.store import Store

__all__ = ["SubscriptionFilters"]

_KIND = "subscription-filter"

_MOST = 2
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"""

Functions = Callable[[str], str]
"""The log group of the function that an ARN names. Raises `ApiError` if there is none."""


class SubscriptionFilters:
    """All filters; in memory, too, since each write to a log asks for its group's."""

    def __init__(self, files: LogFiles, store: Store, functions: Functions, clock: Clock) -> None:
        self.configured: Sequence[Filter] = ()
        self._files = files
        self._store = store
        self._functions = functions
        self._clock = clock
        self._filters: dict[str, Filter] = {}
        for key, document in store.all(_KIND):
            self._filters[key] = self._filter(document)

    def of_group(self, group: str) -> list[Filter]:
        """Those that a group's events go through."""
        if not self._filters and not self.configured:
            return []
        every = (*self.configured, *self._filters.values())
        return [each for each in every if each.group == group]

    def forget_group(self, group: str) -> None:
        """Delete the filters of a group that is deleted."""
        for key, _ in self._documents(group):
            self._store.delete(_KIND, key)
            self._filters.pop(key, None)

    @operation("PutSubscriptionFilter")
    def put(self, parameters: Members) -> Members:
        group = existing_group(self._files, given(parameters, ["logGroupName"]))
        name = parameters["filterName"]
        if self._log_group(parameters["destinationArn"]) == group:
            raise _invalid(
                "The log group provided is reserved for the function logs of the destination"
                " function."
            )
        known = dict(self._documents(group))
        key = f"{group}:{name}"
        if key not in known and len(known) >= _MOST:
            raise ApiError("LimitExceededException", "Resource limit exceeded.")
        created = known.get(key, {}).get("creationTime", int(self._clock.time() * 1000))
        members = ("filterName", "filterPattern", "destinationArn", "roleArn")
        document = {
            **given(parameters, members),
            "logGroupName": group,
            "distribution": parameters.get("distribution", "ByLogStream"),
            "creationTime": created,
        }
        try:
            compiled = self._filter(document)
        except InvalidPattern as error:
            raise _invalid(f"Invalid filter pattern: {error}") from None
        self._store.put(_KIND, key, document)
        self._filters[key] = compiled
        return {}

    @operation("DescribeSubscriptionFilters")
    def describe(self, parameters: Members) -> Members:
        group = existing_group(self._files, given(parameters, ["logGroupName"]))
        prefix = parameters.get("filterNamePrefix", "")
        found = {
            document["filterName"]: document
            for _, document in self._documents(group)
            if document["filterName"].startswith(prefix)
        }
        names, token = page(list(found), parameters)
        return {"subscriptionFilters": [found[name] for name in names], "nextToken": token}

    @operation("DeleteSubscriptionFilter")
    def delete(self, parameters: Members) -> Members:
        group = existing_group(self._files, given(parameters, ["logGroupName"]))
        key = f"{group}:{parameters['filterName']}"
        self._filters.pop(key, None)
        if not self._store.delete(_KIND, key):
            raise ApiError(
                "ResourceNotFoundException", "The specified subscription filter does not exist."
            )
        return {}

    def _documents(self, group: str) -> list[tuple[str, Members]]:
        return self._store.all(_KIND, f"{group}:")

    def _log_group(self, arn: str) -> str:
        if ":lambda:" not in arn or ":function:" not in arn:
            raise _invalid(f"Only functions can be destinations here, and not {arn}.")
        try:
            return self._functions(arn)
        except ApiError as error:
            raise _invalid(f"Could not execute the lambda function: {error.message}") from None

    @staticmethod
    def _filter(document: Members) -> Filter:
        name, _, qualifier = document["destinationArn"].partition(":function:")[2].partition(":")
        return Filter(
            name=document["filterName"],
            group=document["logGroupName"],
            matches=matcher(document["filterPattern"]),
            function=name,
            qualifier=qualifier or None,
        )


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidParameterException", message)
