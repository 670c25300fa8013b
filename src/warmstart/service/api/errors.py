"""An error that an API answers with."""

from __future__ import annotations

from typing import Any

__all__ = ["ApiError"]


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
