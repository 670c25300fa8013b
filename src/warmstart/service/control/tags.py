"""Tags of functions and of the other resources that have an ARN.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members, operation
from warmstart.service.control.configuration import invalid
from warmstart.service.control.registry import Registry

__all__ = ["Tags"]


class Tags:
    """ListTags, TagResource and UntagResource.

    `checks` raise `ApiError` if there is no such resource, by the kind that its ARN
    names (`function`); they are given what follows it there.
    """

    def __init__(self, registry: Registry, checks: Mapping[str, Callable[[str], None]]) -> None:
        self._registry = registry
        self._checks = checks

    @operation("ListTags")
    def list(self, parameters: Members) -> Members:
        """A resource's tags."""
        return {"Tags": self._registry.tags(self._find(parameters))}

    @operation("TagResource")
    def tag(self, parameters: Members) -> Members:
        """Add tags, or change the values of those that are there."""
        arn = self._find(parameters)
        if not parameters["Tags"]:
            raise invalid("An error occurred and the request cannot be processed.")
        self._registry.put_tags(arn, self._registry.tags(arn) | parameters["Tags"])
        return {}

    @operation("UntagResource")
    def untag(self, parameters: Members) -> Members:
        """Remove tags; to remove what is not there is no error."""
        arn = self._find(parameters)
        kept = self._registry.tags(arn)
        for key in parameters["TagKeys"]:
            kept.pop(key, None)
        self._registry.put_tags(arn, kept)
        return {}

    def _find(self, parameters: Members) -> str:
        arn: str = parameters["Resource"]
        kind, _, name = arn.split(":", 5)[5].partition(":")
        if kind == "function" and ":" in name:
            raise invalid(
                "Tags on function aliases and versions are not supported. Please specify a"
                " function ARN."
            )
        arns = self._registry.arns
        if arn.split(":")[:5] != ["arn", arns.partition, "lambda", arns.region, arns.account]:
            raise ApiError(
                "ResourceNotFoundException",
                f"The resource {arn} is not in this region and account ({arns.region},"
                f" {arns.account}).",
            )
        self._checks[kind](name)
        return arn
