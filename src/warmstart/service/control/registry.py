"""The functions, their versions and aliases: where all operations look them up.

Documents of the store, by kind and key:

    function     name            {"next_version": 3}
    version      name:version    a `FunctionVersion`
    alias        name:alias      AWS's AliasConfiguration without its ARN
    concurrency  name            AWS's Concurrency: what is reserved for the function
    provisioned  name:qualifier  AWS's Requested…Executions and LastModified
    tags         ARN             the tags of a function or another resource

Whoever keeps more about functions does so under the key `name`, `name:version` or
`name:alias` and claims the kind with `own`: then it goes when the function, the
version or the alias goes.
"""

from __future__ import annotations

import uuid
from contextlib import AbstractContextManager

from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members
from warmstart.service.clock import Clock
from warmstart.service.control.arns import Arns
from warmstart.service.control.names import FunctionName, function_name, is_alias, unqualified_name
from warmstart.service.control.records import FunctionVersion, timestamp
from warmstart.service.qualifiers import LATEST
from warmstart.service.state.store import Store

__all__ = ["Registry", "check_revision", "does_not_exist"]

_MAX_TAGS = 50  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html


class Registry:
    """Reads and writes the documents of functions. `now` and `new_revision` are for all."""

    def __init__(self, store: Store, arns: Arns, clock: Clock | None = None) -> None:
        self.store = store
        self.arns = arns
        self._clock = clock or Clock()
        self._owned = {"version", "alias", "concurrency", "provisioned"}

    def own(self, kind: str) -> None:
        """Let documents of this kind go with the function, version or alias in their key."""
        self._owned.add(kind)

    def transaction(self) -> AbstractContextManager[None]:
        """Several writes as one; never await in it."""
        return self.store.transaction()

    def now(self) -> str:
        """The time as members like `LastModified` tell it."""
        return timestamp(self._clock.time())

    def new_revision(self) -> str:
        """A `RevisionId`."""
        return str(uuid.uuid4())

    # Functions

    def name(self, parameters: Members) -> FunctionName:
        """What `FunctionName` and `Qualifier` name. Raises `ApiError` if they cannot name it."""
        return function_name(self.arns, parameters["FunctionName"], parameters.get("Qualifier"))

    def unqualified_name(self, parameters: Members) -> str:
        """The function that `FunctionName` names. Raises `ApiError` if it has a qualifier."""
        return unqualified_name(self.arns, parameters["FunctionName"])

    def has_function(self, name: str) -> bool:
        """Whether there is such a function."""
        return self.store.get("function", name) is not None

    def check_function(self, name: str, qualifier: str | None = None) -> None:
        """Raise `ApiError` if there is no such function; its text has the qualifier."""
        if not self.has_function(name):
            raise self.not_found(name, qualifier)

    def not_found(self, name: str, qualifier: str | None = None) -> ApiError:
        """AWS's error for a function, version or alias that is not there."""
        arn = self.arns.function(name, qualifier)
        return ApiError("ResourceNotFoundException", f"Function not found: {arn}")

    def functions(self) -> list[str]:
        """The names of all functions, sorted."""
        return [name for name, _ in self.store.all("function")]

    def put_function(self, name: str) -> None:
        """Make place for a function; its first version will be 1."""
        self.store.put("function", name, {"next_version": 1})

    def delete_function(self, name: str) -> None:
        """Forget a function and all that belongs to it."""
        with self.transaction():
            self.store.delete("function", name)
            self.store.delete("tags", self.arns.function(name))
            for kind in self._owned:
                self.store.delete(kind, name)
                for key, _ in self.store.all(kind, f"{name}:"):
                    self.store.delete(kind, key)

    # Versions

    def version(self, name: str, version: str = LATEST) -> FunctionVersion:
        """A version by its number, or `$LATEST`. Raises `ApiError` if it is not there."""
        found = self.existing_version(name, version)
        if found is None:
            raise self.not_found(name, version)
        return found

    def existing_version(self, name: str, version: str) -> FunctionVersion | None:
        """A version, if it is there."""
        document = self.store.get("version", f"{name}:{version}")
        return None if document is None else FunctionVersion(**document)

    def latest(self, name: str) -> FunctionVersion:
        """`$LATEST`; the error's text is that for a function without a qualifier."""
        self.check_function(name)
        return self.version(name)

    def find(self, name: FunctionName) -> FunctionVersion:
        """The version that a qualifier leads to: of an alias, its main one.

        Raises:
            ApiError: there is no such function, version or alias.
        """
        qualifier = name.qualifier
        self.check_function(name.name, qualifier)
        if qualifier is not None and is_alias(qualifier):
            alias = self.alias(name.name, qualifier)
            if alias is None:
                raise self.not_found(name.name, qualifier)
            qualifier = alias["FunctionVersion"]
        return self.version(name.name, qualifier or LATEST)

    def versions(self, name: str | None = None) -> list[FunctionVersion]:
        """All versions, of one function or of all."""
        prefix = "" if name is None else f"{name}:"
        return [FunctionVersion(**document) for _, document in self.store.all("version", prefix)]

    def put_version(self, version: FunctionVersion) -> None:
        """Keep a version in the place of what was there."""
        self.store.put("version", f"{version.name}:{version.version}", version.document())

    def next_version(self, name: str) -> str:
        """Take the next version's number; no number is given twice."""
        document = self.store.get("function", name)
        assert document is not None
        number: int = document["next_version"]
        self.store.put("function", name, {**document, "next_version": number + 1})
        return str(number)

    def last_version(self, name: str) -> FunctionVersion | None:
        """The version that was published last, if it is still there."""
        document = self.store.get("function", name)
        assert document is not None
        return self.existing_version(name, str(document["next_version"] - 1))

    def delete_qualifier(self, name: str, qualifier: str) -> bool:
        """Forget a version or an alias and what belongs to it; tells whether it was there."""
        with self.transaction():
            deleted = {kind: self.store.delete(kind, f"{name}:{qualifier}") for kind in self._owned}
        return deleted["version"] or deleted["alias"]

    # Aliases

    def alias(self, name: str, alias: str) -> Members | None:
        """An alias, if there is such a one."""
        return self.store.get("alias", f"{name}:{alias}")

    def aliases(self, name: str) -> list[Members]:
        """A function's aliases, sorted by name."""
        return [document for _, document in self.store.all("alias", f"{name}:")]

    def put_alias(self, name: str, alias: Members) -> None:
        """Keep an alias in the place of what was there."""
        self.store.put("alias", f"{name}:{alias['Name']}", alias)

    # Concurrency

    def reserved_concurrency(self, name: str) -> int | None:
        """How many environments are reserved for a function, and its limit."""
        document = self.store.get("concurrency", name)
        return None if document is None else document["ReservedConcurrentExecutions"]

    def put_reserved_concurrency(self, name: str, count: int | None) -> None:
        """Reserve environments for a function, or do so no more."""
        if count is None:
            self.store.delete("concurrency", name)
        else:
            self.store.put("concurrency", name, {"ReservedConcurrentExecutions": count})

    def provisioned_concurrency(self, name: str) -> dict[str, int]:
        """How many environments are requested ahead, by version or alias."""
        return {
            key.removeprefix(f"{name}:"): document["RequestedProvisionedConcurrentExecutions"]
            for key, document in self.store.all("provisioned", f"{name}:")
        }

    # Tags

    def tags(self, arn: str) -> dict[str, str]:
        """A resource's tags."""
        return self.store.get("tags", arn) or {}

    def put_tags(self, arn: str, tags: dict[str, str]) -> None:
        """Set a resource's tags. Raises `ApiError` if they are too many."""
        if len(tags) > _MAX_TAGS:
            raise ApiError(
                "InvalidParameterValueException", "Number of tags exceeds resource tag limit."
            )
        self.store.put("tags", arn, tags)


def does_not_exist() -> ApiError:
    """AWS's error where it does not say what it is that is not there."""
    return ApiError("ResourceNotFoundException", "The resource you requested does not exist.")


def check_revision(parameters: Members, latest: str) -> None:
    """Compare the request's `RevisionId`, if it has one, with the latest.

    Raises:
        ApiError: they differ: somebody else was faster.
    """
    if parameters.get("RevisionId") not in (None, latest):
        raise ApiError(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the"
            " GetFunction/GetAlias API to retrieve the latest Revision Id",
        )
