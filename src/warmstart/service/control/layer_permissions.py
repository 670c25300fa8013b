"""Who else may use a layer's version.

https://docs.aws.amazon.com/lambda/latest/dg/permissions-layer-cross-account.html
"""

from __future__ import annotations

import json

from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members, operation
from warmstart.service.control.layers import Layers, LayerVersion
from warmstart.service.control.registry import Registry

__all__ = ["LayerPermissions"]


class LayerPermissions:
    """AddLayerVersionPermission, RemoveLayerVersionPermission and GetLayerVersionPolicy."""

    def __init__(self, registry: Registry, layers: Layers) -> None:
        self._registry = registry
        self._layers = layers

    @operation("AddLayerVersionPermission")
    def add(self, parameters: Members) -> Members:
        """Add a statement to the version's policy."""
        version, document = self._find(parameters)
        statements = document.get("Policy", {}).get("Statement", [])
        sid = parameters["StatementId"]
        if any(statement["Sid"] == sid for statement in statements):
            raise ApiError(
                "ResourceConflictException",
                f"The statement id ({sid}) provided already exists. Please provide a new statement"
                " id, or remove the existing statement.",
            )
        _check_revision(parameters, document)
        statement = self._statement(version, parameters)
        revision = self._put(version, document, [*statements, statement])
        return {"Statement": json.dumps(statement), "RevisionId": revision}

    @operation("RemoveLayerVersionPermission")
    def remove(self, parameters: Members) -> Members:
        """Remove a statement from the version's policy."""
        version, document = self._find(parameters)
        _check_revision(parameters, document)
        statements = document.get("Policy", {}).get("Statement", [])
        kept = [each for each in statements if each["Sid"] != parameters["StatementId"]]
        if len(kept) == len(statements):
            raise ApiError(
                "ResourceNotFoundException",
                f"Statement {parameters['StatementId']} is not found in resource policy.",
            )
        self._put(version, document, kept)
        return {}

    @operation("GetLayerVersionPolicy")
    def get(self, parameters: Members) -> Members:
        """The version's policy."""
        _, document = self._find(parameters)
        policy = document.get("Policy")
        if policy is None:
            raise ApiError(
                "ResourceNotFoundException", "No policy is associated with the given resource."
            )
        shown = {"Version": "2012-10-17", "Id": "default", "Statement": policy["Statement"]}
        return {"Policy": json.dumps(shown), "RevisionId": policy["RevisionId"]}

    def _find(self, parameters: Members) -> tuple[LayerVersion, Members]:
        version = self._layers.version(parameters)
        return version, self._layers.document(version)

    def _statement(self, version: LayerVersion, parameters: Members) -> Members:
        principal = parameters["Principal"]
        arns = self._registry.arns
        statement: Members = {
            "Sid": parameters["StatementId"],
            "Effect": "Allow",
            "Principal": principal
            if principal == "*" or principal.startswith("arn:")
            else {"AWS": f"arn:{arns.partition}:iam::{principal}:root"},
            "Action": parameters["Action"],
            "Resource": arns.layer(version.name, version.number),
        }
        if "OrganizationId" in parameters:
            organization = {"aws:PrincipalOrgID": parameters["OrganizationId"]}
            statement["Condition"] = {"StringEquals": organization}
        return statement

    def _put(self, version: LayerVersion, document: Members, statements: list[Members]) -> str:
        revision = self._registry.new_revision()
        policy = {"RevisionId": revision, "Statement": statements}
        new = {name: value for name, value in document.items() if name != "Policy"}
        self._layers.put(version, new | ({"Policy": policy} if statements else {}))
        return revision


def _check_revision(parameters: Members, document: Members) -> None:
    latest = document.get("Policy", {}).get("RevisionId")
    if parameters.get("RevisionId") not in (None, latest):
        raise ApiError(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the"
            " GetLayerPolicy API to retrieve the latest Revision Id",
        )
