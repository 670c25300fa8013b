"""Who may use a function besides its account: resource-based policies.

A policy belongs to a function, a version or an alias, and its revision is theirs: a
new policy gives them a new `RevisionId`. AddPermission and RemovePermission change one
statement of it; Put-, Get- and DeleteResourcePolicy all of it. Policies are kept and
shown, not enforced: whoever may call the service may invoke.

https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members, operation
from warmstart.service.control.configuration import invalid
from warmstart.service.control.names import FunctionName, function_name, is_alias
from warmstart.service.control.registry import Registry, check_revision, does_not_exist
from warmstart.service.control.statements import statement_of
from warmstart.service.qualifiers import LATEST

__all__ = ["Policies"]

_KIND = "policy"
_MAX_LENGTH = 20_480
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""


class Policies:
    """The six operations on the policies of functions."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        registry.own(_KIND)

    @operation("AddPermission")
    def add(self, parameters: Members) -> Members:
        """Add a statement; it may be the first."""
        name = self._changeable(self._registry.name(parameters))
        check_revision(parameters, self._revision(name))
        policy = self._policy(name) or {"Version": "2012-10-17", "Id": "default", "Statement": []}
        sid = parameters["StatementId"]
        if any(statement.get("Sid") == sid for statement in policy["Statement"]):
            raise ApiError(
                "ResourceConflictException",
                f"The statement id ({sid}) provided already exists. Please provide a new statement"
                " id, or remove the existing statement.",
            )
        statement = statement_of(parameters, self._arn(name), self._registry.arns.partition)
        policy["Statement"].append(statement)
        self._put(name, policy)
        return {"Statement": _json(statement)}

    @operation("RemovePermission")
    def remove(self, parameters: Members) -> Members:
        """Remove a statement; with the last one the policy goes."""
        name = self._registry.name(parameters)
        if not self._registry.has_function(name.name):
            arn = self._registry.arns.function(name.name)
            raise ApiError("ResourceNotFoundException", f"No policy found for: {arn}")
        self._check_exists(name)
        policy = self._policy(name)
        if policy is None:
            raise _no_policy()
        sid = parameters["StatementId"]
        kept = [statement for statement in policy["Statement"] if statement.get("Sid") != sid]
        if len(kept) == len(policy["Statement"]):
            raise ApiError(
                "ResourceNotFoundException", f"Statement {sid} is not found in resource policy."
            )
        check_revision(parameters, self._revision(name))
        self._put(name, {**policy, "Statement": kept} if kept else None)
        return {}

    @operation("GetPolicy")
    def get(self, parameters: Members) -> Members:
        """The policy and its revision."""
        name = self._registry.name(parameters)
        self._registry.check_function(name.name)
        return self._shown(name)

    @operation("PutResourcePolicy")
    def put_resource_policy(self, parameters: Members) -> Members:
        """Set the whole policy in the place of any that is there."""
        name = self._changeable(self._resource(parameters))
        policy = _parsed(parameters["Policy"])
        _check_statements(policy, self._arn(name))
        check_revision(parameters, self._revision(name))
        self._put(name, policy)
        return self._shown(name)

    @operation("GetResourcePolicy")
    def get_resource_policy(self, parameters: Members) -> Members:
        """The policy of the function, version or alias with that ARN."""
        return self._shown(self._resource(parameters))

    @operation("DeleteResourcePolicy")
    def delete_resource_policy(self, parameters: Members) -> Members:
        """Delete the whole policy."""
        name = self._resource(parameters)
        self._check_exists(name)
        if self._policy(name) is None:
            raise _no_policy()
        check_revision(parameters, self._revision(name))
        self._put(name, None)
        return {}

    def _resource(self, parameters: Members) -> FunctionName:
        arn: str = parameters["ResourceArn"]
        if ":function:" not in arn:  # a runtime, and those are AWS's
            raise does_not_exist()
        return function_name(self._registry.arns, arn)

    def _changeable(self, name: FunctionName) -> FunctionName:
        """The name again, if a policy can belong to it."""
        if name.qualifier == LATEST:
            raise invalid("We currently do not support adding policies for $LATEST.")
        self._check_exists(name)
        return name

    def _check_exists(self, name: FunctionName) -> None:
        self._registry.check_function(name.name)
        if name.qualifier is not None and is_alias(name.qualifier):
            if self._registry.alias(name.name, name.qualifier) is None:
                arn = self._arn(name)
                raise ApiError("ResourceNotFoundException", f"Cannot find alias arn: {arn}")
        else:
            self._registry.find(name)

    def _arn(self, name: FunctionName) -> str:
        return self._registry.arns.function(name.name, name.qualifier)

    def _policy(self, name: FunctionName) -> Members | None:
        return self._registry.store.get(_KIND, _key(name))

    def _shown(self, name: FunctionName) -> Members:
        policy = self._policy(name)
        if policy is None:
            raise does_not_exist()
        return {"Policy": _json(policy), "RevisionId": self._revision(name)}

    def _put(self, name: FunctionName, policy: Members | None) -> None:
        """Keep a policy, or none, and give its resource a new revision."""
        length = len(_json(policy)) if policy else 0
        if length > _MAX_LENGTH:
            raise ApiError(
                "PolicyLengthExceededException",
                f"The final policy size ({length}) is bigger than the limit ({_MAX_LENGTH}).",
            )
        with self._registry.transaction():
            if policy is None:
                self._registry.store.delete(_KIND, _key(name))
            else:
                self._registry.store.put(_KIND, _key(name), policy)
            self._renew_revision(name)

    def _revision(self, name: FunctionName) -> str:
        if (alias := self._alias(name)) is not None:
            return str(alias["RevisionId"])
        return self._registry.find(name).revision_id

    def _renew_revision(self, name: FunctionName) -> None:
        revision = self._registry.new_revision()
        if (alias := self._alias(name)) is not None:
            self._registry.put_alias(name.name, {**alias, "RevisionId": revision})
        else:
            version = self._registry.find(name)
            self._registry.put_version(replace(version, revision_id=revision))

    def _alias(self, name: FunctionName) -> Members | None:
        return self._registry.alias(name.name, name.qualifier) if name.qualifier else None


def _key(name: FunctionName) -> str:
    """Of a function without a qualifier, its name: its policy is no version's."""
    return name.name if name.qualifier in (None, LATEST) else f"{name.name}:{name.qualifier}"


def _json(policy: Any) -> str:
    return json.dumps(policy, separators=(",", ":"), ensure_ascii=False)


def _no_policy() -> ApiError:
    message = "No policy is associated with the given resource."
    return ApiError("ResourceNotFoundException", message)


def _parsed(text: str) -> Members:
    try:
        policy = json.loads(text)
    except ValueError as error:
        raise invalid(f"The policy is not valid JSON: {error}") from None
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    if isinstance(statements, dict):  # a policy may write its only statement without a list
        policy["Statement"] = statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise invalid("The policy must be an object with at least one Statement.")
    return dict(policy)


def _check_statements(policy: Members, arn: str) -> None:
    for statement in policy["Statement"]:
        for member in ("Effect", "Principal", "Action", "Resource"):
            if not isinstance(statement, dict) or member not in statement:
                raise invalid(f"Each statement of the policy must have a {member}.")
        resources = statement["Resource"]
        if any(each != arn for each in (resources if isinstance(resources, list) else [resources])):
            raise invalid(f"The Resource of each statement must be {arn}.")
        if _is_public(statement):
            raise ApiError(
                "PublicPolicyException",
                "The resource-based policy would grant public access to the Lambda resource: name a"
                " principal other than *, or add a condition.",
            )


def _is_public(statement: Members) -> bool:
    principal = statement["Principal"]
    if isinstance(principal, dict):
        principal = principal.get("AWS")
    everyone = "*" in principal if isinstance(principal, list) else principal == "*"
    return everyone and statement["Effect"] == "Allow" and not statement.get("Condition")
