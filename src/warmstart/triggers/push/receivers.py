"""Who takes the pushes of each kind."""

from __future__ import annotations

from collections.abc import Mapping

from warmstart.triggers.configuration import Triggers
from warmstart.triggers.enqueuer import Enqueuer
from warmstart.triggers.push.push import Receiver
from warmstart.triggers.push.sns.topics import Topics
from warmstart.triggers.push.webhooks import Webhooks

__all__ = ["receivers"]


def receivers(
    triggers: Triggers, enqueuer: Enqueuer, endpoints: Mapping[str, str]
) -> Mapping[str, Receiver]:
    """The receivers of a configuration, by the kind that their paths begin with.

    `endpoints` are the URLs of what stands in for AWS's services: `sns`.
    """
    found: dict[str, Receiver] = {}
    if triggers.topics:
        found["sns"] = Topics(triggers.topics, enqueuer, endpoints.get("sns"))
    if triggers.webhooks:
        found["webhooks"] = Webhooks(triggers.webhooks, enqueuer)
    return found
