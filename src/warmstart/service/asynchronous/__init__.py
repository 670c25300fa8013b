"""Asynchronous invocation: a durable queue, retries, destinations, and a guard against loops.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
"""

from warmstart.service.asynchronous.configuration import AsyncConfig, Configuration
from warmstart.service.asynchronous.destinations import Destinations
from warmstart.service.asynchronous.invocations import AsyncInvocations
from warmstart.service.asynchronous.recursion import RecursionGuard, RecursiveInvocation

__all__ = [
    "AsyncConfig",
    "AsyncInvocations",
    "Configuration",
    "Destinations",
    "RecursionGuard",
    "RecursiveInvocation",
]
