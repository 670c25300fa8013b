from __future__ import annotations

from warmstart.triggers.streams.model import Position, Shard
from warmstart.triggers.streams.shards import beginnings, readable

PARENT = Shard("parent", (), True)
CHILDREN = [Shard("left", ("parent",)), Shard("right", ("parent",))]
DONE, BEGUN = Position(finished=True), Position()


def ids(shards: list[Shard]) -> list[str]:
    return [shard.id for shard in shards]


def test_children_wait_for_their_parents() -> None:
    shards = [*CHILDREN, PARENT]
    known = dict.fromkeys(("parent", "left", "right"), BEGUN)

    assert ids(readable(shards, known)) == ["parent"]
    assert ids(readable(shards, {**known, "parent": DONE})) == ["left", "right"]


def test_a_parent_that_is_gone_is_not_waited_for() -> None:
    assert ids(readable(CHILDREN, dict.fromkeys(("left", "right"), BEGUN))) == ["left", "right"]


def test_merged_shards_are_both_waited_for() -> None:
    merged = Shard("merged", ("left", "right"))
    known = {"left": DONE, "right": BEGUN, "merged": BEGUN}

    assert ids(readable([*CHILDREN, merged], known)) == ["right"]
    assert ids(readable([*CHILDREN, merged], {**known, "right": DONE})) == ["merged"]


def test_the_latest_are_of_the_open_shards_there_are() -> None:
    latest = Position(latest=True)
    begun = beginnings([PARENT, *CHILDREN], {}, latest)

    assert begun["parent"].finished
    assert begun["left"] == latest


def test_a_shard_that_comes_later_is_read_as_a_whole() -> None:
    latest = Position(latest=True)

    assert beginnings(CHILDREN, {"parent": DONE}, latest) == {"left": BEGUN, "right": BEGUN}
