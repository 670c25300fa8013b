"""The Amazon resource names of what the service holds."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Arns"]


@dataclass(frozen=True, slots=True)
class Arns:
    """Builds ARNs in one region and one account."""

    region: str
    account: str

    @property
    def partition(self) -> str:
        """The group of regions that the region is in."""
        if self.region.startswith("cn-"):
            return "aws-cn"
        return "aws-us-gov" if self.region.startswith("us-gov-") else "aws"

    def function(self, name: str, qualifier: str | None = None) -> str:
        """A function, or one of its versions or aliases."""
        return self._lambda("function", name, qualifier)

    def layer(self, name: str, version: int | None = None) -> str:
        """A layer, or one of its versions."""
        return self._lambda("layer", name, None if version is None else str(version))

    def event_source_mapping(self, uuid: str) -> str:
        """An event source mapping."""
        return self._lambda("event-source-mapping", uuid)

    def code_signing_config(self, identifier: str) -> str:
        """A code signing configuration."""
        return self._lambda("code-signing-config", identifier)

    def capacity_provider(self, name: str) -> str:
        """A capacity provider."""
        return self._lambda("capacity-provider", name)

    def runtime(self, digest: str) -> str:
        """A version of a runtime; those belong to AWS, not to an account."""
        return f"arn:{self.partition}:lambda:{self.region}::runtime:{digest}"

    def _lambda(self, kind: str, name: str, part: str | None = None) -> str:
        arn = f"arn:{self.partition}:lambda:{self.region}:{self.account}:{kind}:{name}"
        return arn if part is None else f"{arn}:{part}"
