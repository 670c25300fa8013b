"""Which shards of a stream are to be read. Pure.

A key's records move to a child when its shard is split or merged, so a shard is read
only after its parents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from warmstart.triggers.streams.model import Position, Shard

__all__ = ["beginnings", "readable"]


def beginnings(
    shards: Iterable[Shard], known: Mapping[str, Position], start: Position
) -> dict[str, Position]:
    """The positions of shards that were not seen before.

    Of shards that there are when a mapping begins with the latest records, closed ones are
    of no interest. What comes later has parents that were read, and is read as a whole.
    """
    if start.latest and known:
        start = Position()
    return {
        shard.id: replace(start, finished=start.latest and shard.closed)
        for shard in shards
        if shard.id not in known
    }


def readable(shards: Iterable[Shard], known: Mapping[str, Position]) -> list[Shard]:
    """Those that are not finished, while their parents are, or are gone."""
    listed = {shard.id: shard for shard in shards}

    def is_finished(shard_id: str) -> bool:
        return shard_id not in listed or known[shard_id].finished

    return [
        shard
        for shard in listed.values()
        if not known[shard.id].finished and all(map(is_finished, shard.parents))
    ]
