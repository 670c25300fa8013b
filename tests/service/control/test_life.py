"""Whatever is done in whatever order, the data plane runs what the API says."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.service.control.plane import Control, archive, controlling, function
from warmstart.service.api.errors import ApiError

NAMES = st.sampled_from(["f", "g"])
ALIASES = st.sampled_from(["a", "b"])
VERSIONS = st.sampled_from(["1", "2", "3"])


class Life(RuleBasedStateMachine):
    """Operations, of which many are refused, and restarts."""

    control: Control

    def __init__(self) -> None:
        super().__init__()
        self._directory = tempfile.TemporaryDirectory()
        self._runner = asyncio.Runner()
        self._number = 0

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(coroutine)

    def attempt(self, operation: str, **parameters: Any) -> None:
        with suppress(ApiError):
            self.run(self.control.call(operation, **parameters))

    @initialize()
    def start(self) -> None:
        self._open = controlling(Path(self._directory.name))
        self.control = self.run(self._open.__aenter__())
        self.run(self.control.control.restore())

    def stop(self) -> None:
        self.run(self._open.__aexit__(None, None, None))

    @rule(name=NAMES, publish=st.booleans())
    def create(self, name: str, publish: bool) -> None:
        self.attempt("CreateFunction", **function(name, Publish=publish))

    @rule(name=NAMES, publish=st.booleans())
    def update_code(self, name: str, publish: bool) -> None:
        self._number += 1
        code = archive({"app.py": str(self._number)})
        self.attempt("UpdateFunctionCode", FunctionName=name, ZipFile=code, Publish=publish)

    @rule(name=NAMES, timeout=st.integers(1, 3))
    def update_configuration(self, name: str, timeout: int) -> None:
        self.attempt("UpdateFunctionConfiguration", FunctionName=name, Timeout=timeout)

    @rule(name=NAMES)
    def publish(self, name: str) -> None:
        self.attempt("PublishVersion", FunctionName=name)

    @rule(name=NAMES, alias=ALIASES, version=VERSIONS, other=st.none() | VERSIONS)
    def create_alias(self, name: str, alias: str, version: str, other: str | None) -> None:
        routing = {"AdditionalVersionWeights": {} if other is None else {other: 0.5}}
        alias_of = {"FunctionName": name, "Name": alias, "FunctionVersion": version}
        self.attempt("CreateAlias", **alias_of, RoutingConfig=routing)
        self.attempt("UpdateAlias", **alias_of, RoutingConfig=routing)

    @rule(name=NAMES, qualifier=VERSIONS | ALIASES, count=st.integers(1, 3))
    def provision(self, name: str, qualifier: str, count: int) -> None:
        which = {"FunctionName": name, "Qualifier": qualifier}
        self.attempt(
            "PutProvisionedConcurrencyConfig", **which, ProvisionedConcurrentExecutions=count
        )

    @rule(name=NAMES, count=st.integers(0, 9))
    def reserve(self, name: str, count: int) -> None:
        self.attempt(
            "PutFunctionConcurrency", FunctionName=name, ReservedConcurrentExecutions=count
        )

    @rule(name=NAMES, alias=ALIASES)
    def delete_alias(self, name: str, alias: str) -> None:
        self.attempt("DeleteAlias", FunctionName=name, Name=alias)

    @rule(name=NAMES, version=st.none() | VERSIONS)
    def delete(self, name: str, version: str | None) -> None:
        which = {} if version is None else {"Qualifier": version}
        self.attempt("DeleteFunction", FunctionName=name, **which)

    @rule()
    def settle(self) -> None:
        self.run(self.control.settled())

    @rule()
    def restart(self) -> None:
        self.stop()
        self.start()

    @invariant()
    def the_data_plane_is_as_the_api_says_once_all_is_settled(self) -> None:
        if not hasattr(self, "control"):
            return
        registry, plane = self.control.control.registry, self.control.plane
        versions = registry.versions()
        if any(version.is_pending or version.is_updating for version in versions):
            return
        assert {(each.name, each.version) for each in versions} == set(plane.functions)
        for each in versions:
            assert plane.functions[each.name, each.version].timeout == each.settings["Timeout"]
        names = registry.functions()
        assert {key: dict(plane.aliases[key]) for key in plane.aliases} == {
            (name, alias["Name"]): weights(alias)
            for name in names
            for alias in registry.aliases(name)
        }
        assert {name: plane.reserved.get(name) for name in names} == {
            name: registry.reserved_concurrency(name) for name in names
        }
        assert plane.provisioned == {
            (name, qualifier): count
            for name in names
            for qualifier, count in registry.provisioned_concurrency(name).items()
        }

    def teardown(self) -> None:
        if hasattr(self, "control"):
            self.stop()
        self._runner.close()
        self._directory.cleanup()


def weights(alias: dict[str, Any]) -> dict[str, float]:
    """Where an alias leads, by AWS's documentation of its routing."""
    others = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    return {alias["FunctionVersion"]: 1 - sum(others.values()), **others}


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
