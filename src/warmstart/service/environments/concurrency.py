"""How many invocations may run at the same time, and how many may begin in a second. Pure.

The account's concurrency is cut into allotments: one for each function with a
reservation, and one that all others share. An allotment's places are taken by
the environments of its fleets, from the moment one is started for somebody
until it is done with its invocation; idle environments take none. Places that
are promised to provisioned environments are nobody else's.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html
"""

from __future__ import annotations

import sys
from collections.abc import Hashable
from enum import StrEnum

from warmstart.service.environments.environment import Environment

__all__ = ["PATIENCE", "Account", "Allotment", "Bucket", "Reason"]

PATIENCE = 1.0
"""Seconds a waiter without a place waits for an environment that has answered to be done.

It takes it well under a millisecond, but on a loaded host the few microseconds
may become many. One that takes longer is busy with background work.
"""


class Reason(StrEnum):
    """Why an invocation is refused: AWS's words for the `Reason` of a 429, and one of ours."""

    CONCURRENCY = "ConcurrentInvocationLimitExceeded"
    RATE = "FunctionInvocationRateLimitExceeded"
    RESERVED_CONCURRENCY = "ReservedFunctionConcurrentInvocationLimitExceeded"
    RESERVED_RATE = "ReservedFunctionInvocationRateLimitExceeded"
    HOST = "HostEnvironmentLimitExceeded"


class Bucket:
    """Tokens that are filled up continuously: `per_second`, and at most `size` of them."""

    def __init__(self, size: float, per_second: float) -> None:
        self._size = size
        self._per_second = per_second
        self._tokens = size
        self._at: float | None = None

    def tokens(self, now: float) -> int:
        """How many there are."""
        if self._at is not None:
            gained = (now - self._at) * self._per_second
            self._tokens = min(self._size, self._tokens + gained)
        self._at = now
        return int(self._tokens)

    def take(self, count: int, now: float) -> None:
        """Take as many, which must be there."""
        self.tokens(now)
        self._tokens -= count

    def resize(self, size: float, per_second: float) -> None:
        """Change both; what was taken stays taken."""
        self._tokens += size - self._size
        self._size = size
        self._per_second = per_second


class Allotment:
    """Concurrency that one function has for itself, or many functions share.

    `patient` says how many waiters of which fleet have no place and wait for
    one; `answered` are the environments whose place may become free any moment.
    """

    def __init__(self, limit: int, reason: Reason, rate_reason: Reason, rate: float | None) -> None:
        self.limit = limit
        self.reason = reason
        self.rate_reason = rate_reason
        self.provisioned = 0
        self.taken = 0
        self.answered: dict[Environment, None] = {}
        self.patient: dict[Hashable, int] = {}
        self._rate = rate
        self._requests = Bucket(limit * rate, limit * rate) if rate is not None else None

    @classmethod
    def boundless(cls) -> Allotment:
        """For what the account's concurrency does not count."""
        return cls(sys.maxsize, Reason.CONCURRENCY, Reason.RATE, None)

    @property
    def free(self) -> int:
        """How many more invocations may run on demand."""
        return max(self.limit - self.provisioned - self.taken, 0)

    def admit(self, now: float) -> bool:
        """Whether one more request may come in this second; it has then come."""
        if self._requests is None or not self.limit:
            return True
        if not self._requests.tokens(now):
            return False
        self._requests.take(1, now)
        return True

    def resize(self, limit: int) -> None:
        """Change the limit. What runs beyond it goes on running."""
        self.limit = limit
        if self._requests is not None and self._rate is not None:
            self._requests.resize(limit * self._rate, limit * self._rate)

    def advance(self, now: float) -> None:
        """Count no longer on environments that have answered too long ago."""
        while self.answered:
            first = next(iter(self.answered))
            if first.since + PATIENCE > now:
                return
            del self.answered[first]


class Account:
    """The account's concurrency, and who has reserved how much of it.

    `unreserved_minimum` of it can never be reserved. `rate` is how many requests
    a second may begin for each place; `None` is without limit.
    """

    def __init__(
        self, concurrency: int = 1000, unreserved_minimum: int = 100, rate: float | None = 10.0
    ) -> None:
        self._concurrency = concurrency
        self._minimum = unreserved_minimum
        self._rate = rate
        self._reserved: dict[str, Allotment] = {}
        self._provisioned: dict[str, int] = {}
        self._unreserved = Allotment(concurrency, Reason.CONCURRENCY, Reason.RATE, rate)

    def allotment(self, function: str) -> Allotment:
        """Where the function's invocations take their places now."""
        return self._reserved.get(function, self._unreserved)

    @property
    def unreserved(self) -> int:
        """What no function has for itself: `UnreservedConcurrentExecutions`."""
        return self._left(None)

    def reserve(self, function: str, count: int | None) -> None:
        """Set aside `count` places for a function, which then has no others; `None` gives back.

        Raises:
            ValueError: too few would be left unreserved, or the function has more
                provisioned environments than that.
        """
        old = self._reserved.get(function)
        if count is None:
            self._reserved.pop(function, None)
        else:
            self._check_reservable(function, count)
            if old is None:
                self._reserved[function] = Allotment(
                    count, Reason.RESERVED_CONCURRENCY, Reason.RESERVED_RATE, self._rate
                )
            else:
                old.resize(count)
        self._balance()

    def _check_reservable(self, function: str, count: int) -> None:
        if self._left(function) - count < self._minimum:
            raise ValueError(
                "Specified ReservedConcurrentExecutions for function decreases account's "
                f"UnreservedConcurrentExecution below its minimum value of [{self._minimum}]."
            )
        if count < self._provisioned.get(function, 0):
            raise ValueError(
                "Specified ReservedConcurrentExecutions for function is less than its "
                f"provisioned concurrency [{self._provisioned[function]}]."
            )

    def provision(self, function: str, count: int) -> None:
        """Promise places to the function's provisioned environments, in place of what it had.

        Raises:
            ValueError: there are not as many.
        """
        if count > self._provisioned.get(function, 0):
            self._check_provisionable(function, count)
        self._provisioned[function] = count
        if not count:
            del self._provisioned[function]
        self._balance()

    def _check_provisionable(self, function: str, count: int) -> None:
        if function in self._reserved:
            if count > self._reserved[function].limit:
                raise ValueError(
                    "Requested Provisioned Concurrency should not be greater than the "
                    "reservedConcurrentExecution for function"
                )
            return
        left = self._left(function)
        if count > left:
            raise ValueError(
                "Specified ConcurrentExecutions for function is greater than account's "
                f"unreserved concurrency [{left}]."
            )
        if left - count < self._minimum:
            raise ValueError(
                "Specified ConcurrentExecutions for function decreases account's "
                f"UnreservedConcurrentExecution below its minimum value of [{self._minimum}]."
            )

    def _left(self, function: str | None) -> int:
        """What all functions but this one leave."""
        reserved = {name: each.limit for name, each in self._reserved.items()}
        claims = self._provisioned | reserved
        return self._concurrency - sum(n for name, n in claims.items() if name != function)

    def _balance(self) -> None:
        for function, allotment in self._reserved.items():
            allotment.provisioned = self._provisioned.get(function, 0)
        reserved = sum(each.limit for each in self._reserved.values())
        self._unreserved.resize(self._concurrency - reserved)
        self._unreserved.provisioned = sum(
            count for name, count in self._provisioned.items() if name not in self._reserved
        )
