"""A policy's statement, made from the parameters of AddPermission. Pure."""

from __future__ import annotations

import re
from typing import Any

from warmstart.service.api.operations import Members
from warmstart.service.control.configuration import invalid

__all__ = ["statement_of"]

_ACCOUNT = re.compile(r"\d{12}")
_IDENTITY = re.compile(r"arn:aws[a-z-]*:(iam|sts)::.+")
_SERVICE = re.compile(r"[a-z0-9.-]+\.(amazonaws\.com(\.cn)?|amazon\.com)")


def statement_of(parameters: Members, resource: str, partition: str) -> Members:
    """The statement that lets a principal use a resource, as AWS writes it.

    Raises:
        ApiError: there is no such principal, or a condition does not fit the action.
    """
    if "FunctionUrlAuthType" in parameters and parameters["Action"] != "lambda:InvokeFunctionUrl":
        raise invalid("FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action")
    statement: Members = {
        "Sid": parameters["StatementId"],
        "Effect": "Allow",
        "Principal": _principal(parameters["Principal"], partition),
        "Action": parameters["Action"],
        "Resource": resource,
    }
    if condition := _condition(parameters):
        statement["Condition"] = condition
    return statement


def _principal(principal: str, partition: str) -> Any:
    if principal == "*":
        return principal
    if _ACCOUNT.fullmatch(principal):
        return {"AWS": f"arn:{partition}:iam::{principal}:root"}
    if _IDENTITY.fullmatch(principal):
        return {"AWS": principal}
    if _SERVICE.fullmatch(principal):
        return {"Service": principal}
    raise invalid("The provided principal was invalid. Please check the principal and try again.")


# Operator and key of each condition, and the parameter that it comes from.
_CONDITIONS = (
    ("StringEquals", "lambda:FunctionUrlAuthType", "FunctionUrlAuthType"),
    ("StringEquals", "aws:PrincipalOrgID", "PrincipalOrgID"),
    ("StringEquals", "AWS:SourceAccount", "SourceAccount"),
    ("StringEquals", "lambda:EventSourceToken", "EventSourceToken"),
    ("Bool", "lambda:InvokedViaFunctionUrl", "InvokedViaFunctionUrl"),
    ("ArnLike", "AWS:SourceArn", "SourceArn"),
)


def _condition(parameters: Members) -> dict[str, dict[str, str]]:
    condition: dict[str, dict[str, str]] = {}
    for operator, key, parameter in _CONDITIONS:
        value = parameters.get(parameter)
        if value is not None:
            text = str(value).lower() if isinstance(value, bool) else value
            condition.setdefault(operator, {})[key] = text
    return condition
