"""What a service may use: the account's quotas as AWS sets them, and what the machine bears."""

from __future__ import annotations

from dataclasses import dataclass, field

from warmstart.service.environments.host import default_limit

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The account's `concurrency`, of which `unreserved` can never be reserved, and more.

    `request_rate` is how many requests a second may begin for each place of
    concurrency, 10 on AWS; `scaling_rate` holds each function to AWS's 1,000 more
    environments in 10 seconds. Both are left out unless asked for: a laptop's few
    places would be used up at once. `environments` is how many there may be on this
    machine at the same time, of all functions.

    https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html
    """

    concurrency: int = 1000
    unreserved: int = 100
    request_rate: float | None = None
    scaling_rate: bool = False
    environments: int = field(default_factory=default_limit)
