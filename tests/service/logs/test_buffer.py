from __future__ import annotations

from warmstart.service.logs.buffer import Buffer


def test_a_portion_is_due_when_its_oldest_record_has_waited_long_enough() -> None:
    buffer = Buffer(1000, 1000, 0.5)
    assert buffer.due_at() is None
    buffer.add(b"a", 10.0)
    buffer.add(b"b", 10.4)

    assert buffer.due_at() == 10.5
    assert buffer.take(10.5) == ([b"a", b"b"], 0, 0)
    assert buffer.due_at() is None


def test_a_portion_is_due_at_once_when_there_are_enough_records_or_bytes() -> None:
    many, large = Buffer(2, 1000, 0.5), Buffer(1000, 10, 0.5)
    many.add(b"a", 1.0)
    many.add(b"b", 1.0)
    large.add(b"x" * 10, 1.0)

    assert many.due_at() == large.due_at() == 0.0


def test_a_portion_has_no_more_records_and_bytes_than_was_asked_for() -> None:
    buffer = Buffer(2, 10, 0.5)
    for record in (b"a", b"b", b"c" * 8, b"d" * 8):
        buffer.add(record, 1.0)

    assert buffer.take(2.0)[0] == [b"a", b"b"]
    assert buffer.take(2.0)[0] == [b"c" * 8]
    assert buffer.due_at() == 2.5
    assert buffer.take(2.5)[0] == [b"d" * 8]


def test_a_record_that_is_larger_than_a_portion_travels_alone() -> None:
    buffer = Buffer(10, 4, 0.5)
    buffer.add(b"x" * 8, 1.0)

    assert buffer.take(1.0)[0] == [b"x" * 8]


def test_what_comes_while_the_subscriber_is_behind_is_dropped_and_told() -> None:
    buffer = Buffer(2, 1000, 0.5)
    for record in (b"a", b"b", b"c", b"d", b"lost", b"too"):
        buffer.add(record, 1.0)

    assert buffer.take(1.0) == ([b"a", b"b"], 2, 7)
    buffer.add(b"e", 1.0)
    assert buffer.take(1.0) == ([b"c", b"d"], 0, 0)
    assert buffer.take(1.0) == ([b"e"], 0, 0)


def test_what_a_subscriber_writes_itself_makes_no_portion_due_but_travels_with_the_next() -> None:
    buffer = Buffer(1000, 1000, 0.5)
    buffer.add(b"own", 1.0, own=True)
    assert buffer.due_at() is None
    buffer.add(b"other", 3.0)

    assert buffer.due_at() == 3.5
    assert buffer.take(3.5)[0] == [b"own", b"other"]


def test_to_flush_makes_what_there_is_due_and_nothing_that_comes_later() -> None:
    buffer = Buffer(1000, 1000, 60.0)
    buffer.flush()
    assert buffer.due_at() is None
    buffer.add(b"own", 1.0, own=True)
    buffer.flush()
    assert buffer.due_at() == 0.0
    buffer.take(1.0)
    buffer.add(b"own", 1.0, own=True)

    assert buffer.due_at() is None
