"""What the parameters `FunctionName` and `Qualifier` name.

A function is named by its name, a partial ARN (`123456789012:function:name`) or
a full one, each with or without `:qualifier`; the qualifier is a version's number,
`$LATEST` or an alias.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from warmstart.service.api.errors import ApiError
from warmstart.service.control.arns import Arns
from warmstart.service.qualifiers import LATEST

__all__ = [
    "LATEST_PUBLISHED",
    "FunctionName",
    "function_name",
    "is_alias",
    "is_version",
    "unqualified_name",
]

LATEST_PUBLISHED = "$LATEST.PUBLISHED"
"""What an invocation without a qualifier runs on Lambda Managed Instances."""

# The model's pattern of `NamespacedFunctionName`, with names for its parts.
_FUNCTION = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:)?"
    r"(?:(?P<region>(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?"
    r"(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[a-zA-Z0-9-_.]+)(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)
_VERSION = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class FunctionName:
    """A function's plain name, and the version or alias that was asked for."""

    name: str
    qualifier: str | None = None

    @property
    def version_or_alias(self) -> str:
        """The qualifier; `$LATEST` where none was given."""
        return self.qualifier or LATEST


def function_name(arns: Arns, name: str, qualifier: str | None = None) -> FunctionName:
    """The function that the two parameters name.

    Raises:
        ApiError: they do not fit together, or lead to another region or account.
    """
    match = _FUNCTION.fullmatch(name)
    if match is None:
        raise ApiError("InvalidParameterValueException", f"Invalid function name: {name}")
    region, account = match["region"], match["account"]
    if region and region != arns.region:
        raise ApiError(
            "ResourceNotFoundException",
            f"Functions from '{region}' are not reachable in this region ('{arns.region}')",
        )
    if account and account != arns.account:
        raise ApiError(
            "AccessDeniedException",
            f"The functions of account {account} are not reachable in this one ({arns.account})",
        )
    if qualifier and match["qualifier"] and qualifier != match["qualifier"]:
        raise ApiError(
            "InvalidParameterValueException",
            "The derived qualifier from the function name does not match the specified qualifier.",
        )
    return FunctionName(match["name"], qualifier or match["qualifier"])


def unqualified_name(arns: Arns, name: str) -> str:
    """The name of a function where neither a version nor an alias makes sense.

    Raises:
        ApiError: there is a qualifier, or the name leads to another region or account.
    """
    found = function_name(arns, name)
    if found.qualifier is not None:
        raise ApiError(
            "InvalidParameterValueException",
            "This operation is permitted on Lambda functions only. Aliases and versions do not"
            " support this operation. Please specify either a function name or an unqualified"
            " function ARN.",
        )
    return found.name


def is_version(qualifier: str) -> bool:
    """Whether a qualifier is the number of a published version."""
    return _VERSION.fullmatch(qualifier) is not None


def is_alias(qualifier: str) -> bool:
    """Whether a qualifier can only be an alias."""
    return not qualifier.startswith("$") and not is_version(qualifier)
