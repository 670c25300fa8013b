"""Functions: to create, read, change and delete them.

https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
"""

from __future__ import annotations

from dataclasses import replace

from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members, operation
from warmstart.service.control.code import FunctionCode
from warmstart.service.control.code_signing import CodeSigning
from warmstart.service.control.configuration import changed, initial, invalid
from warmstart.service.control.deployment import Deployments
from warmstart.service.control.layers import Layers
from warmstart.service.control.names import is_alias
from warmstart.service.control.pagination import page
from warmstart.service.control.records import FunctionVersion
from warmstart.service.control.registry import Registry, check_revision
from warmstart.service.control.states import CREATING, UPDATING, check_settled
from warmstart.service.control.versions import Versions
from warmstart.service.qualifiers import LATEST

__all__ = ["Functions"]

_MAX_NAME = 64


class Functions:
    """Create-, Get-, Update- and DeleteFunction and their like, and ListFunctions."""

    def __init__(
        self,
        registry: Registry,
        deployments: Deployments,
        code: FunctionCode,
        layers: Layers,
        versions: Versions,
        signing: CodeSigning,
    ) -> None:
        self._registry = registry
        self._deployments = deployments
        self._code = code
        self._layers = layers
        self._versions = versions
        self._signing = signing

    @operation("CreateFunction")
    async def create(self, parameters: Members) -> Members:
        """Create a function; it becomes Active a little later."""
        registry = self._registry
        name = self._new_name(parameters)
        settings = initial(parameters, name, registry.arns)
        references, layer_code = self._layers.resolve(parameters.get("Layers", []))
        if references:
            settings["Layers"] = references
        _check_source(settings["PackageType"], parameters["Code"], "creating")
        if signing := parameters.get("CodeSigningConfigArn"):
            self._signing.check(signing)
        code = await self._store(settings["PackageType"], parameters["Code"])
        self._check_new(name)  # others ran in between
        version = FunctionVersion(
            name=name,
            version=LATEST,
            settings=settings | code,
            state=CREATING,
            revision_id=registry.new_revision(),
            last_modified=registry.now(),
            image_uri=parameters["Code"].get("ImageUri"),
            layer_code=layer_code,
        )
        arn = registry.arns.function(name)
        with registry.transaction():
            registry.put_function(name)
            registry.put_version(version)
            if parameters.get("Tags"):
                registry.put_tags(arn, parameters["Tags"])
            if signing:
                self._signing.put(name, signing)
            published = self._versions.add(version, parameters) if _publishes(parameters) else None
        self._deployments.begin(version)
        if published is None:
            return version.configuration(arn)
        self._deployments.begin(published.version)
        # About the version, but with the function's own ARN, as AWS answers.
        return published.version.configuration(arn)

    @operation("GetFunction")
    def get(self, parameters: Members) -> Members:
        """A function's configuration, tags, reserved concurrency and where its code is."""
        name = self._registry.name(parameters)
        version = self._registry.find(name)
        output: Members = {
            "Configuration": version.configuration(
                self._registry.arns.function(name.name, name.qualifier)
            ),
            "Code": self._location(version),
        }
        if tags := self._registry.tags(self._registry.arns.function(name.name)):
            output["Tags"] = tags
        reserved = self._registry.reserved_concurrency(name.name)
        if reserved is not None:
            output["Concurrency"] = {"ReservedConcurrentExecutions": reserved}
        return output

    @operation("GetFunctionConfiguration")
    def get_configuration(self, parameters: Members) -> Members:
        """A version's configuration."""
        name = self._registry.name(parameters)
        arn = self._registry.arns.function(name.name, name.qualifier)
        return self._registry.find(name).configuration(arn)

    @operation("ListFunctions")
    def list(self, parameters: Members) -> Members:
        """All functions; with `FunctionVersion=ALL` all versions of all functions."""
        arns = self._registry.arns
        if parameters.get("FunctionVersion") == "ALL":
            functions = [
                each.summary(arns.function(each.name, each.version))
                for each in self._registry.versions()
            ]
        else:
            functions = [
                self._registry.version(name).summary(arns.function(name))
                for name in self._registry.functions()
            ]
        return page("Functions", functions, parameters, lambda each: str(each["FunctionArn"]))

    @operation("UpdateFunctionCode")
    async def update_code(self, parameters: Members) -> Members:
        """Give `$LATEST` new code."""
        latest = self._changeable(parameters)
        package_type = latest.settings["PackageType"]
        _check_source(package_type, parameters, "updating")
        code = await self._store(package_type, parameters)
        if "Architectures" in parameters:
            code["Architectures"] = parameters["Architectures"]
        latest = self._changeable(parameters)  # others ran in between
        new = replace(latest, settings=latest.settings | code, image_uri=parameters.get("ImageUri"))
        return self._update(new, parameters)

    @operation("UpdateFunctionConfiguration")
    def update_configuration(self, parameters: Members) -> Members:
        """Give `$LATEST` another configuration."""
        latest = self._changeable(parameters)
        settings = changed(latest.settings, parameters, self._registry.arns)
        layer_code = latest.layer_code
        if "Layers" in parameters:
            references, layer_code = self._layers.resolve(parameters["Layers"])
            settings.pop("Layers", None)
            if references:
                settings["Layers"] = references
        return self._update(replace(latest, settings=settings, layer_code=layer_code), parameters)

    @operation("DeleteFunction")
    async def delete(self, parameters: Members) -> Members:
        """Delete a function, or one version of it."""
        name = self._registry.name(parameters)
        if name.qualifier == LATEST:
            raise invalid("$LATEST version cannot be deleted without deleting the function.")
        if name.qualifier is not None and is_alias(name.qualifier):
            raise invalid("Deletion of aliases is not currently supported.")
        self._registry.check_function(name.name)
        if name.qualifier is None:
            self._registry.delete_function(name.name)
        else:
            self._versions.delete(name.name, name.qualifier)
        await self._deployments.delete(name.name, name.qualifier)
        return {"StatusCode": 204}

    def _new_name(self, parameters: Members) -> str:
        name = self._registry.name(parameters)
        if name.qualifier is not None:
            raise invalid(f"A new function has no version or alias: {parameters['FunctionName']}")
        if len(name.name) > _MAX_NAME:
            raise invalid(
                f"1 validation error detected: Value '{name.name}' at 'functionName' failed to"
                f" satisfy constraint: Member must have length less than or equal to {_MAX_NAME}"
            )
        self._check_new(name.name)
        return name.name

    def _check_new(self, name: str) -> None:
        if self._registry.has_function(name):
            raise ApiError("ResourceConflictException", f"Function already exist: {name}")

    async def _store(self, package_type: str, source: Members) -> Members:
        """Keep the code; the settings that it makes."""
        if package_type == "Image":
            digest = source["ImageUri"].partition("@sha256:")[2]
            return {"CodeSize": 0} | ({"CodeSha256": digest} if digest else {})
        code = await self._code.add(source)
        return {"CodeSize": code.size, "CodeSha256": code.sha256}

    def _location(self, version: FunctionVersion) -> Members:
        if version.image_uri is None:
            location = self._code.location(version.settings["CodeSha256"])
            return {"RepositoryType": "S3", "Location": location}
        resolved = {"ResolvedImageUri": version.image_uri} if "@" in version.image_uri else {}
        return {"RepositoryType": "ECR", "ImageUri": version.image_uri} | resolved

    def _changeable(self, parameters: Members) -> FunctionVersion:
        """`$LATEST`, if the request may change it."""
        name = self._registry.unqualified_name(parameters)
        latest = self._registry.latest(name)
        check_revision(parameters, latest.revision_id)
        check_settled(latest, self._registry.arns.function(name))
        return latest

    def _update(self, new: FunctionVersion, parameters: Members) -> Members:
        """Write down a new `$LATEST` and deploy it, unless the request is a dry run."""
        arn = self._registry.arns.function(new.name)
        if parameters.get("DryRun"):
            return new.configuration(arn)
        new = replace(
            new,
            last_update=UPDATING,
            last_modified=self._registry.now(),
            revision_id=self._registry.new_revision(),
        )
        with self._registry.transaction():
            self._registry.put_version(new)
            published = self._versions.add(new, parameters) if _publishes(parameters) else None
        self._deployments.begin(new)
        if published is None:
            return new.configuration(arn)
        version = published.version
        if published.is_new:
            self._deployments.begin(version)
        return version.configuration(self._registry.arns.function(new.name, version.version))


def _publishes(parameters: Members) -> bool:
    return bool(parameters.get("Publish") or parameters.get("PublishTo"))


def _check_source(package_type: str, source: Members, doing: str) -> None:
    if package_type == "Image" and not source.get("ImageUri"):
        raise invalid(f"Please provide ImageUri when {doing} a function with packageType Image.")
    if package_type == "Zip" and source.get("ImageUri"):
        raise invalid(
            f"Please don't provide ImageUri when {doing} a function with packageType Zip."
        )
