"""The table `buses`: the queues that get the events of buses elsewhere. Pure."""

from __future__ import annotations

from collections.abc import Collection

from warmstart.triggers.configuration.buckets import QUEUE_ARN
from warmstart.triggers.configuration.tables import Table

__all__ = ["read_buses"]


def read_buses(table: Table, taken: Collection[str]) -> dict[str, str]:
    """The buses' names by the ARNs of their queues. Those that are `taken` have other messages.

    Raises:
        InvalidTriggers: a queue is none, or is another's.
    """
    buses: dict[str, str] = {}
    for name in table:
        arn = table.text(name)
        if QUEUE_ARN.fullmatch(arn) is None:
            raise table.wrong(
                f"'{arn}' is no ARN of a standard queue, to which a rule of the bus sends its"
                " events; write it as in arn:aws:sqs:us-east-1:123456789012:events"
            )
        if arn in buses or arn in taken:
            raise table.wrong(f"{arn} is read already: each bus and each bucket has its own")
        buses[arn] = name
    return buses
