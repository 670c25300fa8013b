"""CloudWatch Logs' operations on log groups and log streams.

A group is a directory of `LogFiles`; what has been said of it besides its name
(when it was created, retention, tags) is a document, which a group that a
function's first line made does not have yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members, operation
from warmstart.service.clock import Clock
from warmstart.service.control.arns import Arns
from warmstart.service.logs.files import LogFiles, Stream
from warmstart.service.logs.tokens import decoded, encoded
from warmstart.service.state.store import Store

__all__ = ["LogGroups", "existing_group", "page"]

KIND = "log-group"

_RETENTION = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557),
    *(2922, 3288, 3653),
)
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""


class LogGroups:
    """Groups and their streams. All is done at once: what is read is short.

    `on_delete` is told of groups that are deleted.
    """

    def __init__(
        self,
        files: LogFiles,
        store: Store,
        arns: Arns,
        clock: Clock,
        on_delete: Callable[[str], None] | None = None,
    ) -> None:
        self._on_delete = on_delete
        self._files = files
        self._store = store
        self._arns = arns
        self._clock = clock

    # Groups

    @operation("CreateLogGroup")
    def create_group(self, parameters: Members) -> Members:
        name = parameters["logGroupName"]
        if not self._files.create_group(_short(name, "log group")):
            raise _exists("log group")
        document: Members = {"creationTime": self._now(), "tags": parameters.get("tags", {})}
        for member in ("kmsKeyId", "logGroupClass"):
            if member in parameters:
                document[member] = parameters[member]
        self._store.put(KIND, name, document)
        return {}

    @operation("DeleteLogGroup")
    def delete_group(self, parameters: Members) -> Members:
        name = existing_group(self._files, parameters)
        self._files.delete_group(name)
        self._store.delete(KIND, name)
        if self._on_delete is not None:
            self._on_delete(name)
        return {}

    @operation("DescribeLogGroups")
    def describe_groups(self, parameters: Members) -> Members:
        self._files.flush()
        prefix = parameters.get("logGroupNamePrefix", "")
        part = parameters.get("logGroupNamePattern", "").lower()
        names = [
            name
            for name in self._files.groups()
            if name.startswith(prefix) and part in name.lower()
        ]
        if "logGroupIdentifiers" in parameters:
            wanted = {_group_name(identifier) for identifier in parameters["logGroupIdentifiers"]}
            names = [name for name in names if name in wanted]
        names, token = page(names, parameters)
        return {"logGroups": [self._group(name) for name in names], "nextToken": token}

    @operation("PutRetentionPolicy")
    def put_retention(self, parameters: Members) -> Members:
        name = existing_group(self._files, parameters)
        days = parameters["retentionInDays"]
        if days not in _RETENTION:
            allowed = ", ".join(map(str, _RETENTION))
            raise ApiError(
                "InvalidParameterException",
                f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to"
                f" satisfy constraint: Member must satisfy enum value set: [{allowed}]",
            )
        self._store.put(KIND, name, self._document(name) | {"retentionInDays": days})
        return {}

    @operation("DeleteRetentionPolicy")
    def delete_retention(self, parameters: Members) -> Members:
        name = existing_group(self._files, parameters)
        document = self._document(name)
        document.pop("retentionInDays", None)
        self._store.put(KIND, name, document)
        return {}

    def expire(self) -> None:
        """Delete the streams whose last event is older than their group's retention."""
        for name, document in self._store.all(KIND):
            days = document.get("retentionInDays")
            if days is None or not self._files.has_group(name):
                continue
            oldest = self._now() - days * 86_400_000
            for stream in self._files.streams(name):
                last = self._files.describe(name, stream).last
                if last is not None and last.timestamp < oldest:
                    self._files.delete_stream(name, stream)

    # Tags

    @operation("ListTagsForResource")
    def list_tags(self, parameters: Members) -> Members:
        return {"tags": self._document(self._named_by_arn(parameters))["tags"]}

    @operation("TagResource")
    def tag(self, parameters: Members) -> Members:
        name = self._named_by_arn(parameters)
        document = self._document(name)
        document["tags"] = document["tags"] | parameters["tags"]
        self._store.put(KIND, name, document)
        return {}

    @operation("UntagResource")
    def untag(self, parameters: Members) -> Members:
        name = self._named_by_arn(parameters)
        document = self._document(name)
        for key in parameters["tagKeys"]:
            document["tags"].pop(key, None)
        self._store.put(KIND, name, document)
        return {}

    # Streams

    @operation("CreateLogStream")
    def create_stream(self, parameters: Members) -> Members:
        group = existing_group(self._files, parameters)
        if not self._files.create_stream(group, _short(parameters["logStreamName"], "log stream")):
            raise _exists("log stream")
        return {}

    @operation("DeleteLogStream")
    def delete_stream(self, parameters: Members) -> Members:
        group = existing_group(self._files, parameters)
        if not self._files.delete_stream(group, parameters["logStreamName"]):
            raise ApiError("ResourceNotFoundException", "The specified log stream does not exist.")
        return {}

    @operation("DescribeLogStreams")
    def describe_streams(self, parameters: Members) -> Members:
        group = existing_group(self._files, parameters)
        prefix = parameters.get("logStreamNamePrefix", "")
        names = self._files.streams(group, prefix)
        if parameters.get("orderBy") == "LastEventTime":
            if prefix:
                raise ApiError(
                    "InvalidParameterException",
                    "Cannot order by LastEventTime with a logStreamNamePrefix.",
                )
            names.sort(key=lambda name: _last_time(self._files.describe(group, name)))
        if parameters.get("descending"):
            names.reverse()
        names, token = page(names, parameters)
        streams = [self._stream(group, self._files.describe(group, name)) for name in names]
        return {"logStreams": streams, "nextToken": token}

    # What they look like

    def _group(self, name: str) -> Members:
        document = self._document(name)
        arn = self._arn(name)
        return {
            "logGroupName": name,
            "metricFilterCount": 0,
            "logGroupClass": "STANDARD",
            **{member: value for member, value in document.items() if member != "tags"},
            "storedBytes": self._files.size(name),
            "arn": f"{arn}:*",
            "logGroupArn": arn,
        }

    def _stream(self, group: str, stream: Stream) -> Members:
        described: Members = {
            "logStreamName": stream.name,
            "creationTime": stream.created,
            "arn": f"{self._arn(group)}:log-stream:{stream.name}",
            "storedBytes": stream.size,
        }
        if stream.first is not None and stream.last is not None:
            described["firstEventTimestamp"] = stream.first.timestamp
            described["lastEventTimestamp"] = stream.last.timestamp
            described["lastIngestionTime"] = stream.last.ingested
        return described

    def _document(self, name: str) -> Members:
        document: Members | None = self._store.get(KIND, name)
        if document is None:
            document = {"creationTime": self._files.created(name), "tags": {}}
        return document

    def _named_by_arn(self, parameters: Members) -> str:
        return existing_group(self._files, {"logGroupIdentifier": parameters["resourceArn"]})

    def _arn(self, group: str) -> str:
        arns = self._arns
        return f"arn:{arns.partition}:logs:{arns.region}:{arns.account}:log-group:{group}"

    def _now(self) -> int:
        return int(self._clock.time() * 1000)


def existing_group(files: LogFiles, parameters: Members) -> str:
    """The group that `logGroupName` or `logGroupIdentifier` (a name or an ARN) names.

    All that was written is in its files then.

    Raises:
        ApiError: there is none, or both or neither were given.
    """
    name, identifier = parameters.get("logGroupName"), parameters.get("logGroupIdentifier")
    if (name is None) is (identifier is None):
        raise ApiError(
            "InvalidParameterException",
            "Exactly one of logGroupName and logGroupIdentifier is needed.",
        )
    files.flush()
    if identifier is not None:
        name = _group_name(identifier)
    if not name or not files.has_group(name):
        raise ApiError("ResourceNotFoundException", "The specified log group does not exist.")
    return str(name)


def _group_name(identifier: str) -> str:
    """The name in an identifier, which is a name or an ARN."""
    return identifier.rpartition(":log-group:")[2].removesuffix(":*")


def _exists(what: str) -> ApiError:
    return ApiError("ResourceAlreadyExistsException", f"The specified {what} already exists")


def _short(name: str, what: str) -> str:
    """The name, if it can be a file's once it is percent-encoded."""
    if not LogFiles.can_keep(name):
        raise ApiError(
            "InvalidParameterException",
            f"The {what}'s name is too long to be kept as a file here: {name}",
        )
    return name


def _last_time(stream: Stream) -> int:
    return -1 if stream.last is None else stream.last.timestamp


def page(names: list[str], parameters: Members) -> tuple[list[str], str | None]:
    """The names after the one that the token holds, as many as are wanted, and the next token."""
    if "nextToken" in parameters:
        last = decoded(parameters["nextToken"])
        names = names[names.index(last) + 1 :] if last in names else _after(names, str(last))
    limit = parameters.get("limit", 50)
    return names[:limit], encoded(names[limit - 1]) if len(names) > limit else None


def _after(names: Iterable[str], last: str) -> list[str]:
    """Where the last one has been deleted meanwhile."""
    return [name for name in names if name > last]
