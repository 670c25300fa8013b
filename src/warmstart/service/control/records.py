"""A version of a function, as it is stored and as the API shows it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from warmstart.service.api.operations import Members

__all__ = ["FunctionVersion", "timestamp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionVersion:
    """`$LATEST`, or what was published of it.

    `settings` are the members of AWS's FunctionConfiguration that requests set
    and answers show as they are; `state` and `last_update` hold those of its two
    states. `layer_code` has the code of `settings["Layers"]`, which stays a
    function's own when the layer's version is deleted. `published_from` is the
    fingerprint of the `$LATEST` that a version was made from.
    """

    name: str
    version: str
    settings: Members
    state: Members
    last_update: Members = field(default_factory=dict)
    revision_id: str
    last_modified: str
    image_uri: str | None = None
    layer_code: list[str] = field(default_factory=list)
    published_from: str | None = None

    @property
    def fingerprint(self) -> str:
        """The same for two versions if neither code nor configuration differ."""
        content = [self.settings, self.image_uri, self.layer_code]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def is_pending(self) -> bool:
        """Whether it is being created."""
        return bool(self.state["State"] == "Pending")

    @property
    def is_updating(self) -> bool:
        """Whether an update is in progress."""
        return self.last_update.get("LastUpdateStatus") == "InProgress"

    @property
    def is_managed(self) -> bool:
        """Whether it runs on Lambda Managed Instances."""
        return "CapacityProviderConfig" in self.settings

    def configuration(self, arn: str) -> Members:
        """AWS's FunctionConfiguration, as operations on a single function show it."""
        return {**self.summary(arn), **self.settings, **self.state, **self.last_update}

    def summary(self, arn: str) -> Members:
        """AWS's FunctionConfiguration, as lists show it: without what may change by itself."""
        settings = {name: value for name, value in self.settings.items() if name not in _UNLISTED}
        return {
            "FunctionName": self.name,
            "FunctionArn": arn,
            "Version": self.version,
            "RevisionId": self.revision_id,
            "LastModified": self.last_modified,
            **settings,
        }

    def document(self) -> dict[str, Any]:
        """What the store keeps."""
        return asdict(self)


_UNLISTED = {"RuntimeVersionConfig"}


def timestamp(seconds: float) -> str:
    """Epoch seconds as the API writes them in members that are strings."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}+0000"
