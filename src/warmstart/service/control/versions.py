"""Versions: what was published of a function, never to change again.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import NamedTuple

from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members, operation
from warmstart.service.control.configuration import invalid
from warmstart.service.control.deployment import Deployments, alias_weights
from warmstart.service.control.names import LATEST_PUBLISHED
from warmstart.service.control.pagination import page
from warmstart.service.control.records import FunctionVersion
from warmstart.service.control.registry import Registry, check_revision
from warmstart.service.control.states import (
    ACTIVE,
    CREATING,
    UPDATING,
    check_active,
    check_settled,
)
from warmstart.service.qualifiers import LATEST

__all__ = ["Published", "Versions"]


class Published(NamedTuple):
    """A version, and whether it has to be deployed."""

    version: FunctionVersion
    is_new: bool


class Versions:
    """PublishVersion and ListVersionsByFunction."""

    def __init__(self, registry: Registry, deployments: Deployments) -> None:
        self._registry = registry
        self._deployments = deployments

    @operation("PublishVersion")
    async def publish(self, parameters: Members) -> Members:
        """Make a version of `$LATEST`; the last one again, if nothing has changed since.

        As on AWS the answer shows it Active at once, except where a snapshot is taken.
        """
        registry = self._registry
        name = registry.unqualified_name(parameters)
        latest = registry.latest(name)
        check_revision(parameters, latest.revision_id)
        check_active(latest, registry.arns.function(name))
        _check_code(parameters, latest)
        with registry.transaction():
            published = self.add(latest, parameters)
        version = published.version
        if published.is_new:
            deployed = self._deployments.begin(version)
            if not version.is_managed and version.settings["SnapStart"]["ApplyOn"] == "None":
                await asyncio.wait([deployed])
                version = registry.version(name, version.version)
        return version.configuration(registry.arns.function(name, version.version))

    @operation("ListVersionsByFunction")
    def list(self, parameters: Members) -> Members:
        """All versions of a function, `$LATEST` first."""
        name = self._registry.unqualified_name(parameters)
        self._registry.check_function(name)
        versions = {_number(each): each for each in self._registry.versions(name)}
        output = page("Versions", versions, parameters, lambda number: number)
        arn = self._registry.arns.function
        output["Versions"] = [
            versions[number].summary(arn(name, versions[number].version))
            for number in output["Versions"]
        ]
        return output

    def add(self, latest: FunctionVersion, parameters: Members) -> Published:
        """Write down a version of `$LATEST`, to be deployed; or find that it is there.

        To be called in a transaction. The revision of `$LATEST` changes with it, as on AWS.

        Raises:
            ApiError: there is no such version to publish to.
        """
        registry = self._registry
        if "PublishTo" in parameters:
            version = self._republished(latest)
        else:
            last = registry.last_version(latest.name)
            if last is not None and last.published_from == latest.fingerprint:
                return Published(last, is_new=False)
            version = replace(
                latest,
                version=registry.next_version(latest.name),
                state=CREATING,
                last_update={},
            )
        version = replace(
            version,
            settings=_published(latest.settings, parameters.get("Description")),
            revision_id=registry.new_revision(),
            last_modified=registry.now(),
            published_from=latest.fingerprint,
        )
        registry.put_version(version)
        registry.put_version(replace(latest, revision_id=registry.new_revision()))
        return Published(version, is_new=True)

    def _republished(self, latest: FunctionVersion) -> FunctionVersion:
        """`$LATEST.PUBLISHED`, which a function on Managed Instances may publish to again."""
        # https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-version-publishing.html
        if not latest.is_managed:
            raise invalid(
                f"The function {latest.name} has no CapacityProviderConfig: only functions on"
                f" Lambda Managed Instances have a version {LATEST_PUBLISHED}."
            )
        version = replace(latest, version=LATEST_PUBLISHED)
        before = self._registry.existing_version(latest.name, LATEST_PUBLISHED)
        if before is None or before.state != ACTIVE:
            return replace(version, state=CREATING, last_update={})
        check_settled(before, self._registry.arns.function(latest.name, LATEST_PUBLISHED))
        return replace(version, state=ACTIVE, last_update=UPDATING)

    def delete(self, name: str, version: str) -> None:
        """Forget a version, if it is there.

        Raises:
            ApiError: an alias leads to it.
        """
        users = [
            alias["Name"]
            for alias in self._registry.aliases(name)
            if version in alias_weights(alias)
        ]
        if users:
            raise ApiError(
                "ResourceConflictException",
                "Unable to delete version because the following aliases reference it:"
                f" [{', '.join(users)}]",
            )
        self._registry.delete_qualifier(name, version)


def _published(settings: Members, description: str | None) -> Members:
    new = dict(settings)
    if description is not None:
        new["Description"] = description
    if settings["SnapStart"]["ApplyOn"] == "PublishedVersions":
        new["SnapStart"] = {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}
    return new


def _check_code(parameters: Members, latest: FunctionVersion) -> None:
    wanted, current = parameters.get("CodeSha256"), latest.settings.get("CodeSha256")
    if wanted and wanted != current:
        raise invalid(
            f"CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST ({current})."
            " Please try again with the CodeSHA256 in $LATEST."
        )


def _number(version: FunctionVersion) -> int:
    """Where it is in the list of versions."""
    special = {LATEST: -1, LATEST_PUBLISHED: 0}
    return special[version.version] if version.version in special else int(version.version)
