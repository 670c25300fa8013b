"""One function: its versions and aliases, and its share of what the service may use.

Each version has a pool of environments, or one for each tenant where tenants are
isolated: then an environment that has served one can never come to serve another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, replace
from typing import NamedTuple

from warmstart.invoke import InvalidParameterValue, InvokeError
from warmstart.service.environments.concurrency import Account, Allotment, Bucket
from warmstart.service.environments.life import Settings
from warmstart.service.environments.pool import Counts, Neighbours, Pool, Statistics
from warmstart.service.environments.snapshot import Snapshot
from warmstart.service.function import Function
from warmstart.service.qualifiers import LATEST, Aliases

__all__ = ["Provisioned", "Versions"]

INIT_FAILURE = "FUNCTION_ERROR_INIT_FAILURE"


class Provisioned(NamedTuple):
    """The state of a provisioned concurrency, in the words of `GetProvisionedConcurrencyConfig`.

    `status` is IN_PROGRESS, READY or FAILED, and then there is a `status_reason`.
    Where nothing is provisioned `requested` is zero.
    """

    requested: int
    allocated: int
    available: int
    status: str
    status_reason: str | None = None


class Versions:
    """One function of a service."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        neighbours: Neighbours,
        account: Account,
        growth: Bucket | None,
    ) -> None:
        self.name = name
        self.aliases = Aliases()
        self._settings = settings
        self._neighbours = neighbours
        self._account = account
        self._growth = growth
        self._boundless = Allotment.boundless()
        self._counts = Counts()
        self._functions: dict[str, Function] = {}
        self._snapshots: dict[str, Snapshot] = {}
        self._pools: dict[str, dict[str | None, Pool]] = {}
        self._retired: set[Pool] = set()
        self._provisioned: dict[str, int] = {}

    def __contains__(self, version: object) -> bool:
        return version in self._functions

    @property
    def numbers(self) -> list[str]:
        """All versions, `$LATEST` among them."""
        return list(self._functions)

    @property
    def pools(self) -> Iterator[Pool]:
        """All pools, those of versions that are gone included."""
        for pools in self._pools.values():
            yield from pools.values()
        yield from self._retired

    # Versions

    def create(self, function: Function, snapshot: Snapshot | None = None) -> None:
        """Add a version, which there must not be yet, and its snapshot."""
        self._functions[function.version] = function
        self._replace_snapshot(function.version, snapshot)
        self._pools[function.version] = {}
        self._provision()

    def _replace_snapshot(self, version: str, snapshot: Snapshot | None) -> None:
        before = self._snapshots.pop(version, None)
        if before is not None:
            before.retire()
        if snapshot is not None:
            self._snapshots[version] = snapshot

    def update(self, function: Function, snapshot: Snapshot | None = None) -> None:
        """Change a version; new environments take the place of the old."""
        self._functions[function.version] = function
        self._replace_snapshot(function.version, snapshot)
        for pool in self._pools[function.version].values():
            pool.take_places_from(self._allotment(function))
            pool.update(function, snapshot)

    def delete(self, version: str, error: InvokeError) -> None:
        """Remove a version: what waits is refused with `error`, what runs is finished."""
        del self._functions[version]
        self._replace_snapshot(version, None)
        self._provisioned.pop(version, None)
        self._provision()
        for pool in self._pools.pop(version).values():
            self._retired.add(pool)
            pool.retire(error)
            waiting = asyncio.ensure_future(pool.wait_empty())
            waiting.add_done_callback(self._bury(pool))

    def _bury(self, pool: Pool) -> Callable[[object], None]:
        def done(_: object) -> None:
            if pool in self._retired:
                self._retired.remove(pool)
                pool.dispose()

        return done

    async def wait_empty(self) -> None:
        """Return when no environment is left. There must be no version any more."""
        await asyncio.gather(*(pool.wait_empty() for pool in self.pools))

    async def aclose(self) -> None:
        """Stop all environments; return when no process is left."""
        pools = list(self.pools)
        self._pools.clear()
        self._retired.clear()
        await asyncio.gather(*(pool.aclose() for pool in pools))

    # Aliases

    def set_alias(self, alias: str, versions: Mapping[str, float]) -> None:
        """Create or change an alias, and provision what it leads to from now on.

        Raises:
            ValueError: the weights do not add up to one.
        """
        self.aliases.set(alias, versions)
        self._provision()

    def delete_alias(self, alias: str) -> None:
        """Remove an alias, with what is provisioned for it."""
        self._provisioned.pop(alias, None)
        self.aliases.delete(alias)
        self._provision()

    # Invoking

    def pool(self, qualifier: str, tenant_id: str | None, chance: float) -> Pool | None:
        """Where an invocation is served; `None` if the qualifier leads nowhere.

        Raises:
            InvalidParameterValue: there is no tenant id where one is needed, or the reverse.
        """
        version = self.aliases.version(qualifier, chance)
        pools = self._pools.get(version)
        if pools is None:
            return None
        pool = pools.get(tenant_id)
        if pool is None:
            function = self._functions[version]
            _check_tenant(function, tenant_id)
            pool = pools[tenant_id] = self._pool(function, tenant_id)
        return pool

    def _pool(self, function: Function, tenant_id: str | None) -> Pool:
        def on_empty(pool: Pool) -> None:
            # There may be any number of tenants, and most never come back.
            pools = self._pools.get(function.version, {})
            if tenant_id is not None and pools.get(tenant_id) is pool:
                del pools[tenant_id]
                pool.dispose()

        return Pool(
            function,
            self._settings,
            self._neighbours,
            self._allotment(function),
            self._growth,
            self._counts,
            on_empty,
            self._snapshots.get(function.version),
        )

    def _allotment(self, function: Function) -> Allotment:
        # What runs on Managed Instances is not counted by the account's concurrency.
        managed = function.max_environment_concurrency > 1
        return self._boundless if managed else self._account.allotment(self.name)

    def statistics(self) -> Statistics:
        """The numbers of all versions together."""
        rows = [astuple(pool.statistics()) for pool in self.pools]
        total = Statistics(*map(sum, zip(*rows, strict=True)))
        return replace(total, **{name: getattr(self._counts, name) for name in Counts.__slots__})

    # Concurrency

    def reserve(self, count: int | None) -> None:
        """Give the function a concurrency of its own, which its versions share; `None` ends that.

        Raises:
            ValueError: that cannot be reserved.
        """
        self._account.reserve(self.name, count)
        for pool in list(self.pools):
            pool.take_places_from(self._allotment(pool.function))
        for pool in list(self.pools):
            pool.act(self._settings.clock.monotonic())

    def provision(self, qualifier: str, count: int) -> None:
        """Keep environments of what the qualifier leads to started; zero ends that.

        Raises:
            ValueError: that cannot be had.
        """
        if count:
            self._check_provisionable(qualifier)
        others = sum(self._provisioned.values()) - self._provisioned.get(qualifier, 0)
        self._account.provision(self.name, others + count)
        self._provisioned[qualifier] = count
        if not count:
            del self._provisioned[qualifier]
        self._provision()

    def _check_provisionable(self, qualifier: str) -> None:
        for version in self.aliases.versions(qualifier):
            if version == LATEST:
                raise ValueError(
                    "Provisioned Concurrency Configs cannot be applied to unpublished function"
                    " versions."
                )
            if self._functions[version].tenant_isolation_mode is not None:
                raise ValueError(
                    "Provisioned concurrency is not supported for functions with tenant isolation."
                )

    def provisioned(self, qualifier: str) -> Provisioned:
        """How far it is with the qualifier's provisioned concurrency."""
        requested = self._provisioned.get(qualifier, 0)
        limit = self._neighbours.host.limit
        ready = 0
        failed = None
        if requested > limit:
            failed = f"This machine may run no more than {limit} environments. Allow more of them."
        for version, share in self._shares(qualifier, requested).items():
            for pool in self._pools[version].values():
                count, pool_failed = pool.provisioned
                ready += min(count, share)
                if pool_failed:
                    failed = INIT_FAILURE
        if ready == requested:
            return Provisioned(requested, ready, ready, "READY")
        status = "IN_PROGRESS" if failed is None else "FAILED"
        return Provisioned(requested, ready, ready, status, failed)

    def _provision(self) -> None:
        """Have every version's pool keep what its qualifiers want."""
        self._account.provision(self.name, sum(self._provisioned.values()))
        wanted = dict.fromkeys(self._functions, 0)
        for qualifier, count in self._provisioned.items():
            for version, share in self._shares(qualifier, count).items():
                wanted[version] += share
        for version, count in wanted.items():
            pool = self._pools[version].get(None)
            if pool is None and count:
                pool = self._pools[version][None] = self._pool(self._functions[version], None)
            if pool is not None:
                pool.provision(count)

    def _shares(self, qualifier: str, count: int) -> dict[str, int]:
        """What each version gets of a qualifier's provisioned concurrency, by the weights."""
        weights = self.aliases.versions(qualifier)
        first, *others = sorted(weights, key=weights.__getitem__, reverse=True)
        shares = {version: round(count * weights[version]) for version in others}
        shares[first] = count - sum(shares.values())
        return {version: share for version, share in shares.items() if version in self}


def _check_tenant(function: Function, tenant_id: str | None) -> None:
    if function.tenant_isolation_mode is not None:
        if not tenant_id or not (tenant_id.isascii() and tenant_id.isprintable()):
            raise InvalidParameterValue(
                "The invoked function is enabled with tenancy configuration."
                " Add a valid tenant ID in your request and try again."
            )
    elif tenant_id is not None:
        raise InvalidParameterValue(
            "The invoked function is not enabled with tenancy configuration."
            " Remove the tenant ID from your request and try again."
        )
