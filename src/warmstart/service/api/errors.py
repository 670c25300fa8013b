"""Errors that an API answers with, and what the model says of each.

A service's own errors are shapes of its model: the status, whether the message's
member is called `message` or `Message`, and what else there is. Errors that all of
AWS's services share are in no model:
https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from warmstart.service.api.model import Model, Shape

__all__ = ["ApiError", "Refusal", "description"]


class ApiError(Exception):
    """An operation refuses a request.

    `code` is the name of an error shape of the service's model
    (`ResourceNotFoundException`), which gives the HTTP status and the spelling of
    the message's member; `members` are the shape's further members.
    """

    def __init__(self, code: str, message: str, **members: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.members = members


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error as a response: `shape` is `None` for one that is in no model."""

    status: int
    shape: Shape | None
    members: dict[str, Any]


_COMMON = {
    "AccessDeniedException": 403,
    "ExpiredTokenException": 403,
    "IncompleteSignatureException": 403,
    "InvalidSignatureException": 403,
    "MissingAuthenticationTokenException": 403,
    "NotImplementedException": 501,
    "RequestEntityTooLargeException": 413,
    "SerializationException": 400,
    "ServiceException": 500,  # what the Lambda API calls it; not all services do
    "UnknownOperationException": 404,
    "UnrecognizedClientException": 403,
    "ValidationException": 400,
}


def description(model: Model, error: ApiError) -> Refusal:
    """What a response says of an error.

    Raises:
        TypeError: there is no such error, or it has no such member.
    """
    shape = model.shape_for_error_code(error.code)
    if shape is None:
        if error.code not in _COMMON:
            raise TypeError(f"{error.code} is no error of {model.service_name}.")
        return Refusal(_COMMON[error.code], None, {"message": error.message})
    members = {**error.members}
    for name in shape.members:
        if name.lower() == "message":
            members[name] = error.message
    details = shape.metadata.get("error", {})
    if "Type" in shape.members:
        members["Type"] = "User" if details.get("senderFault") else "Service"
    return Refusal(details.get("httpStatusCode", 400), shape, dict(sorted(members.items())))
