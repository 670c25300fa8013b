from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from warmstart.service.asynchronous.lines import Lines


def test_work_starts_when_it_is_due_and_in_that_order() -> None:
    lines = Lines(10)
    lines.push("f", 1, 20.0)
    lines.push("f", 2, 10.0)
    lines.push("f", 3, 30.0)

    assert list(lines.take(9.0)) == []
    assert lines.next_due() == 10.0
    assert list(lines.take(20.0)) == [("f", 2), ("f", 1)]
    assert lines.next_due() == 30.0
    assert len(lines) == 1


def test_no_more_than_the_concurrency_are_under_way() -> None:
    lines = Lines(3)
    for number in range(5):
        lines.push(f"f{number}", number, 0.0)

    assert len(list(lines.take(1.0))) == 3
    assert list(lines.take(1.0)) == []
    lines.finished("f0", 1.0, refused=False)
    assert list(lines.take(1.0)) == [("f3", 3)]
    assert lines.under_way == 3
    assert len(lines) == 1


def test_keys_take_turns() -> None:
    lines = Lines(6)
    for number in range(100):
        lines.push("busy", number, 0.0)
    lines.push("other", 100, 0.5)
    lines.push("third", 101, 0.5)

    assert [key for key, _ in lines.take(1.0)] == [
        "busy",
        "other",
        "third",
        "busy",
        "busy",
        "busy",
    ]


def test_a_key_that_refuses_is_tried_less_and_does_not_hold_up_others() -> None:
    lines = Lines(1000)
    for number in range(1000):
        lines.push("full", number, 0.0)
    started = len(list(lines.take(1.0)))
    for _ in range(started - 3):  # three are being processed, the rest were throttled
        lines.finished("full", 1.0, refused=True)

    assert list(lines.take(1.0)) == []
    lines.push("other", 1000, 0.0)
    assert list(lines.take(1.0)) == [("other", 1000)]
    lines.finished("full", 1.0, refused=False)
    assert len(list(lines.take(1.0))) == 1


def test_a_key_that_takes_all_gets_more() -> None:
    lines = Lines(1000)
    for number in range(5000):
        lines.push("f", number, 0.0)
    for second in range(6):
        for key, _ in list(lines.take(second)):
            lines.finished(key, second, refused=False)

    assert len(list(lines.take(6.0))) == 1000


def test_a_key_gets_no_more_than_twice_as_much_within_a_second() -> None:
    lines = Lines(1000)
    for number in range(5000):
        lines.push("f", number, 0.0)
    first = len(list(lines.take(1.0)))
    for step in range(9):
        for _ in range(first):
            lines.finished("f", 1.0 + step / 10, refused=False)
        list(lines.take(1.0))
    assert lines.under_way == 2 * first

    lines.finished("f", 2.0, refused=False)
    list(lines.take(2.0))
    assert lines.under_way == 2 * first + 1


def test_a_key_whose_work_does_not_wait_gets_no_more() -> None:
    lines = Lines(1000)
    for number in range(500):
        lines.push("f", number, number)
        list(lines.take(number))
        lines.finished("f", number, refused=False)
    for number in range(100):
        lines.push("f", number, 500.0)
    first = len(list(lines.take(500.0)))

    new = Lines(1000)
    for number in range(100):
        new.push("f", number, 0.0)
    assert first == len(list(new.take(0.0)))


def test_a_key_that_refused_all_is_tried_again() -> None:
    lines = Lines(10)
    lines.push("f", 1, 0.0)
    for due in (1.0, 2.0, 3.0):
        assert list(lines.take(due)) == [("f", 1)]
        lines.push("f", 1, due + 1)
        lines.finished("f", due, refused=True)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 10)), max_size=60),
    st.data(),
)
def test_all_work_is_started_once(work: list[tuple[str, float]], data: st.DataObject) -> None:
    lines = Lines(data.draw(st.integers(1, 5)))
    for number, (key, due) in enumerate(work):
        lines.push(key, number, due)
    now = 0.0
    started: list[int] = []
    under_way: list[str] = []
    while len(started) < len(work):
        for key, number in lines.take(now):
            assert work[number] == (key, work[number][1])
            assert work[number][1] <= now
            started.append(number)
            under_way.append(key)
        assert lines.under_way == len(under_way)
        if under_way:
            key = under_way.pop(data.draw(st.integers(0, len(under_way) - 1)))
            lines.finished(key, now, refused=data.draw(st.booleans()))
        else:
            following = lines.next_due()
            assert following is not None
            now = following

    assert sorted(started) == list(range(len(work)))
    assert len(lines) == 0
