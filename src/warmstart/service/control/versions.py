"""Versions: what was published of a function, never to change again.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members, operation
from warmstart.service.control.configuration import invalid
from warmstart.service.control.deployment import Deployments, alias_weights
from warmstart.service.control.pagination import page
from warmstart.service.control.records import FunctionVersion
from warmstart.service.control.registry import Registry, check_revision
from warmstart.service.control.states import CREATING, check_active
from warmstart.service.qualifiers import LATEST

__all__ = ["Versions"]


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
        name = registry.name(parameters).name
        latest = registry.latest(name)
        check_revision(parameters, latest.revision_id)
        check_active(latest, registry.arns.function(name))
        _check_code(parameters, latest)
        with registry.transaction():
            version = self.add(latest, parameters.get("Description"))
        if version.is_pending:
            deployed = self._deployments.begin(version)
            if version.settings["SnapStart"]["OptimizationStatus"] == "Off":
                await asyncio.wait([deployed])
                version = registry.version(name, version.version)
        return version.configuration(registry.arns.function(name, version.version))

    @operation("ListVersionsByFunction")
    def list(self, parameters: Members) -> Members:
        """All versions of a function, `$LATEST` first."""
        name = self._registry.name(parameters).name
        self._registry.check_function(name)
        versions = {_number(each): each for each in self._registry.versions(name)}
        output = page("Versions", versions, parameters, lambda number: number)
        arn = self._registry.arns.function
        output["Versions"] = [
            versions[number].summary(arn(name, versions[number].version))
            for number in output["Versions"]
        ]
        return output

    def add(self, latest: FunctionVersion, description: str | None = None) -> FunctionVersion:
        """Write down a new version of `$LATEST`, to be deployed; or find that it is there.

        To be called in a transaction. The revision of `$LATEST` changes with it, as on AWS.
        """
        registry = self._registry
        last = registry.last_version(latest.name)
        if last is not None and last.published_from == latest.fingerprint:
            return last
        version = replace(
            latest,
            version=registry.next_version(latest.name),
            settings=_published(latest.settings, description),
            state=CREATING,
            last_update={},
            revision_id=registry.new_revision(),
            last_modified=registry.now(),
            published_from=latest.fingerprint,
        )
        registry.put_version(version)
        registry.put_version(replace(latest, revision_id=registry.new_revision()))
        return version

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
    return 0 if version.version == LATEST else int(version.version)
