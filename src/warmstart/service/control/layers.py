"""Layers: archives that functions share, in numbered versions.

https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html

Documents: `layer` by name, with the next version's number, and `layer_version` by
`name:number`, with the members that answers show and `Policy`, its permissions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members, operation
from warmstart.service.control.code import FunctionCode
from warmstart.service.control.configuration import invalid
from warmstart.service.control.pagination import page
from warmstart.service.control.registry import Registry, does_not_exist

__all__ = ["LayerVersion", "Layers"]

_MAX_LAYERS = 5

_ARN = re.compile(
    r"arn:[a-zA-Z0-9-]+:lambda:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):layer:(?P<name>[^:]+)"
    r"(?::(?P<version>\d+))?"
)

# What lists show of a version.
_LISTED = (
    "Version",
    "Description",
    "CreatedDate",
    "CompatibleArchitectures",
    "CompatibleRuntimes",
    "LicenseInfo",
)


@dataclass(frozen=True, slots=True)
class LayerVersion:
    """A layer's version, by its plain name and number."""

    name: str
    number: int

    @property
    def key(self) -> str:
        """Its key in the store; keys sort as numbers do."""
        return f"{self.name}:{self.number:012}"


class Layers:
    """PublishLayerVersion, GetLayerVersion(ByArn), DeleteLayerVersion, ListLayer(Version)s."""

    def __init__(self, registry: Registry, code: FunctionCode) -> None:
        self._registry = registry
        self._store = registry.store
        self._code = code

    @operation("PublishLayerVersion")
    async def publish(self, parameters: Members) -> Members:
        """Make the next version of a layer, which needs not exist before."""
        name = self._name(parameters["LayerName"])
        code = await self._code.add(parameters["Content"])
        document = {
            "Description": parameters.get("Description", ""),
            "CreatedDate": self._registry.now(),
            "CodeSha256": code.sha256,
            "CodeSize": code.size,
        }
        for member in ("CompatibleArchitectures", "CompatibleRuntimes", "LicenseInfo"):
            if member in parameters:
                document[member] = parameters[member]
        with self._registry.transaction():
            number = (self._store.get("layer", name) or {"next_version": 1})["next_version"]
            version = LayerVersion(name, number)
            self._store.put("layer", name, {"next_version": number + 1})
            self._store.put("layer_version", version.key, {**document, "Version": number})
        return self._output(version, self.document(version))

    @operation("GetLayerVersion")
    def get(self, parameters: Members) -> Members:
        """A layer's version."""
        version = self.version(parameters)
        return self._output(version, self._existing(version))

    @operation("GetLayerVersionByArn")
    def get_by_arn(self, parameters: Members) -> Members:
        """A layer's version by its ARN."""
        version = self._parse(parameters["Arn"])
        return self._output(version, self._existing(version))

    @operation("DeleteLayerVersion")
    def delete(self, parameters: Members) -> Members:
        """Delete a version; functions that have it keep it. Its number is not given again."""
        self._store.delete("layer_version", self.version(parameters).key)
        return {}

    @operation("ListLayerVersions")
    def list_versions(self, parameters: Members) -> Members:
        """A layer's versions, newest first."""
        name = self._name(parameters["LayerName"])
        versions = {
            -document["Version"]: self._listed(name, document)
            for document in self._versions(name)
            if _is_compatible(document, parameters)
        }
        output = page("LayerVersions", versions, parameters, lambda number: number)
        output["LayerVersions"] = [versions[number] for number in output["LayerVersions"]]
        return output

    @operation("ListLayers")
    def list_layers(self, parameters: Members) -> Members:
        """All layers, each with its latest version that fits."""
        layers = []
        for name, _ in self._store.all("layer"):
            fitting = [each for each in self._versions(name) if _is_compatible(each, parameters)]
            if fitting:
                layers.append(
                    {
                        "LayerName": name,
                        "LayerArn": self._registry.arns.layer(name),
                        "LatestMatchingVersion": self._listed(name, fitting[-1]),
                    }
                )
        return page("Layers", layers, parameters, lambda layer: str(layer["LayerName"]))

    # For functions and permissions

    def resolve(self, arns: Sequence[str]) -> tuple[list[Members], list[str]]:
        """A function's `Layers`, and the code of each, in the order in which they are merged.

        Raises:
            ApiError: they are too many, not there, or two of one layer.
        """
        if len(arns) > _MAX_LAYERS:
            raise invalid("Cannot reference more than 5 layers.")
        references, code = [], []
        seen: dict[str, str] = {}
        for arn in arns:
            version = self._parse(arn)
            document = self._store.get("layer_version", version.key)
            if document is None:
                raise invalid(f"Layer version {arn} does not exist.")
            if version.name in seen:
                raise invalid(
                    "Two different versions of the same layer are not allowed to be referenced in"
                    f" the same function. {seen[version.name]} and {arn} are versions of the same"
                    " layer."
                )
            seen[version.name] = arn
            references.append({"Arn": arn, "CodeSize": document["CodeSize"]})
            code.append(document["CodeSha256"])
        return references, code

    def version(self, parameters: Members) -> LayerVersion:
        """What `LayerName` and `VersionNumber` name. Raises `ApiError` if they name nothing."""
        if parameters["VersionNumber"] < 1:
            raise invalid("Layer Version Cannot be less than 1")
        return LayerVersion(self._name(parameters["LayerName"]), parameters["VersionNumber"])

    def document(self, version: LayerVersion) -> Members:
        """What is kept of a version. Raises `ApiError` if it is not there."""
        found = self._store.get("layer_version", version.key)
        if found is None:
            arn = self._registry.arns.layer(version.name, version.number)
            raise ApiError("ResourceNotFoundException", f"Layer version {arn} does not exist.")
        return found

    def put(self, version: LayerVersion, document: Members) -> None:
        """Keep a version's document in the place of what was there."""
        self._store.put("layer_version", version.key, document)

    def code(self) -> Iterator[str]:
        """The code of all versions."""
        return (document["CodeSha256"] for _, document in self._store.all("layer_version"))

    def code_size(self) -> int:
        """The bytes of the archives of all versions."""
        return sum(document["CodeSize"] for _, document in self._store.all("layer_version"))

    def _existing(self, version: LayerVersion) -> Members:
        found = self._store.get("layer_version", version.key)
        if found is None:
            raise does_not_exist()
        return found

    def _versions(self, name: str) -> Sequence[Members]:
        return [document for _, document in self._store.all("layer_version", f"{name}:")]

    def _listed(self, name: str, document: Members) -> Members:
        shown = {member: document[member] for member in _LISTED if member in document}
        return {"LayerVersionArn": self._registry.arns.layer(name, document["Version"]), **shown}

    def _output(self, version: LayerVersion, document: Members) -> Members:
        return {
            "Content": {
                "Location": self._code.location(document["CodeSha256"]),
                "CodeSha256": document["CodeSha256"],
                "CodeSize": document["CodeSize"],
            },
            "LayerArn": self._registry.arns.layer(version.name),
            **self._listed(version.name, document),
        }

    def _name(self, name_or_arn: str) -> str:
        return name_or_arn if ":" not in name_or_arn else self._match(name_or_arn)["name"]

    def _parse(self, arn: str) -> LayerVersion:
        match = self._match(arn)
        return LayerVersion(match["name"], int(match["version"] or 0))

    def _match(self, arn: str) -> re.Match[str]:
        """An ARN's parts, where it is one of this region and account."""
        arns = self._registry.arns
        match = _ARN.fullmatch(arn)
        if match is None or match["account"] != arns.account:
            # AWS's words, up to who asks: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
            raise ApiError(
                "AccessDeniedException",
                f"User: arn:{arns.partition}:iam::{arns.account}:root is not authorized to perform:"
                f" lambda:GetLayerVersion on resource: {arn} because no resource-based policy"
                " allows the lambda:GetLayerVersion action",
            )
        if match["region"] != arns.region:
            raise invalid(
                "Layers are not in the same region as the function. Layers are expected to be in"
                f" region {arns.region}."
            )
        return match


def _is_compatible(document: Members, parameters: Members) -> bool:
    """Whether a version passes the filters of a list."""
    for member, wanted in (
        ("CompatibleRuntimes", parameters.get("CompatibleRuntime")),
        ("CompatibleArchitectures", parameters.get("CompatibleArchitecture")),
    ):
        if wanted is not None and wanted not in document.get(member, []):
            return False
    return True
