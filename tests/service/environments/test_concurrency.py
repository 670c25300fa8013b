from __future__ import annotations

import pytest

from warmstart.service.environments.concurrency import Account, Allotment, Bucket, Reason


def test_a_bucket_fills_continuously_up_to_its_size() -> None:
    bucket = Bucket(10, 4)
    assert bucket.tokens(100.0) == 10
    bucket.take(10, 100.0)

    assert [bucket.tokens(100.0 + t) for t in (0.0, 0.25, 0.5, 1.0, 60.0)] == [0, 1, 2, 4, 10]


def test_a_bucket_that_grows_keeps_what_was_taken() -> None:
    bucket = Bucket(10, 1)
    bucket.take(8, 0.0)
    bucket.resize(20, 1)

    assert bucket.tokens(0.0) == 12


def test_ten_requests_a_second_for_each_place_may_begin() -> None:
    allotment = Allotment(2, Reason.RESERVED_CONCURRENCY, Reason.RESERVED_RATE, 10.0)

    assert [allotment.admit(0.0) for _ in range(21)] == [True] * 20 + [False]
    assert allotment.admit(0.05)
    assert not allotment.admit(0.05)
    allotment.resize(3)
    assert [allotment.admit(0.05) for _ in range(11)] == [True] * 10 + [False]


def test_what_has_no_concurrency_is_not_refused_for_its_rate() -> None:
    allotment = Allotment(0, Reason.RESERVED_CONCURRENCY, Reason.RESERVED_RATE, 10.0)

    assert allotment.admit(0.0)


def test_functions_share_what_is_not_reserved() -> None:
    account = Account(1000)
    shared = account.allotment("a")
    assert account.allotment("b") is shared
    assert (shared.limit, shared.reason) == (1000, Reason.CONCURRENCY)

    account.reserve("a", 300)
    assert account.allotment("a").limit == 300
    assert account.allotment("a").reason is Reason.RESERVED_CONCURRENCY
    assert (shared.limit, account.unreserved) == (700, 700)

    account.reserve("a", 200)
    assert (account.allotment("a").limit, shared.limit) == (200, 800)
    account.reserve("a", None)
    account.reserve("a", None)
    assert account.allotment("a") is shared
    assert shared.limit == 1000


def test_a_hundred_places_are_always_unreserved() -> None:
    account = Account(1000)
    account.reserve("a", 500)
    account.provision("b", 100)
    with pytest.raises(ValueError, match="below its minimum value of \\[100\\]"):
        account.reserve("c", 301)
    account.reserve("c", 300)
    account.reserve("a", 500)
    with pytest.raises(ValueError, match="decreases account's"):
        account.reserve("a", 501)
    with pytest.raises(ValueError, match="decreases account's"):
        account.provision("b", 101)

    assert account.unreserved == 100


def test_provisioned_places_are_taken_from_what_the_function_runs_in() -> None:
    account = Account(1000)
    shared = account.allotment("a")
    account.provision("a", 50)
    assert (shared.free, account.unreserved) == (950, 950)

    account.reserve("a", 60)
    assert (account.allotment("a").free, shared.free, account.unreserved) == (10, 940, 940)
    account.provision("a", 60)
    assert (account.allotment("a").free, account.unreserved) == (0, 940)
    account.provision("a", 0)
    assert account.allotment("a").free == 60


def test_provisioned_places_must_be_there() -> None:
    account = Account(1000)
    with pytest.raises(ValueError, match="unreserved concurrency \\[1000\\]"):
        account.provision("a", 1001)
    account.reserve("a", 5)
    with pytest.raises(ValueError, match="greater than the reservedConcurrentExecution"):
        account.provision("a", 6)
    account.provision("a", 5)
    with pytest.raises(ValueError, match="less than its provisioned concurrency \\[5\\]"):
        account.reserve("a", 4)
