"""The states of a version of a function, as AWS's members tell them, and what they allow.

https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
"""

from __future__ import annotations

from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members
from warmstart.service.control.records import FunctionVersion

__all__ = [
    "ACTIVE",
    "CREATING",
    "NON_INVOCABLE",
    "UPDATED",
    "UPDATING",
    "check_active",
    "check_settled",
    "failed",
    "failed_update",
    "not_now",
]

_REASON = "The function is being created."

ACTIVE: Members = {"State": "Active"}
NON_INVOCABLE: Members = {"State": "ActiveNonInvocable"}  # $LATEST on Managed Instances
CREATING: Members = {"State": "Pending", "StateReason": _REASON, "StateReasonCode": "Creating"}
UPDATED: Members = {"LastUpdateStatus": "Successful"}
UPDATING: Members = {  # AWS really gives the creation's reason to updates, too
    "LastUpdateStatus": "InProgress",
    "LastUpdateStatusReason": _REASON,
    "LastUpdateStatusReasonCode": "Creating",
}


def failed(code: str, reason: str) -> Members:
    """A creation failed; `code` is of the model's StateReasonCode."""
    return {"State": "Failed", "StateReason": reason, "StateReasonCode": code}


def failed_update(code: str, reason: str) -> Members:
    """An update failed; `code` is of the model's LastUpdateStatusReasonCode."""
    return {
        "LastUpdateStatus": "Failed",
        "LastUpdateStatusReason": reason,
        "LastUpdateStatusReasonCode": code,
    }


def check_settled(version: FunctionVersion, arn: str) -> None:
    """Raise `ApiError` if a version is being created or updated."""
    if version.is_pending:
        raise ApiError("ResourceConflictException", not_now(version))
    if version.is_updating:
        raise ApiError(
            "ResourceConflictException",
            "The operation cannot be performed at this time. An update is in progress for"
            f" resource: {arn}",
        )


def check_active(version: FunctionVersion, arn: str) -> None:
    """Raise `ApiError` unless a version is Active and not being updated."""
    check_settled(version, arn)
    if version.state not in (ACTIVE, NON_INVOCABLE):
        raise ApiError("ResourceConflictException", not_now(version))


def not_now(version: FunctionVersion) -> str:
    """AWS's words for a function whose state does not allow an operation."""
    return (
        "The operation cannot be performed at this time. The function is currently in the"
        f" following state: {version.state['State']}"
    )
