from __future__ import annotations

from typing import Any

import pytest

from warmstart.service.function import Function


def make(**settings: Any) -> Function:
    return Function(**{"name": "f", "handler": "app.handler", "task_root": "/"} | settings)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"name": ""}, "name ''"),
        ({"name": "a/b"}, "name 'a/b'"),
        ({"timeout": 0}, "timeout must be above zero, not 0"),
        ({"timeout": float("nan")}, "timeout must be above zero"),
        ({"memory_size": -1}, "memory_size must be above zero"),
        ({"idle_timeout": 0.0}, "idle_timeout must be above zero"),
        ({"init_timeout": 0.0}, "init_timeout must be above zero"),
        ({"max_age": 0.0}, "max_age must be above zero"),
        (
            {"max_environment_concurrency": 0},
            "max_environment_concurrency must be at least 1, not 0",
        ),
        ({"environment": {"A=B": ""}}, "environment: 'A=B'"),
        ({"environment": {"": ""}}, "environment: ''"),
        ({"environment": {"A": "\0"}}, "environment: 'A'"),
    ],
)
def test_a_setting_out_of_bounds_is_named(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        make(**settings)


def test_its_environment_cannot_be_changed_from_outside() -> None:
    mine = {"A": "1"}
    function = make(environment=mine)
    mine["A"] = "2"

    assert function.environment == {"A": "1"}
