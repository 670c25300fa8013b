from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmstart.service.qualifiers import LATEST, Aliases


def test_a_version_leads_to_itself() -> None:
    assert Aliases().version("7", 0.5) == "7"
    assert Aliases().version(LATEST, 0.5) == LATEST


def test_an_alias_leads_to_its_versions_by_their_weights() -> None:
    aliases = Aliases()
    aliases.set("prod", {"1": 0.9, "2": 0.1})

    assert [aliases.version("prod", chance) for chance in (0.0, 0.89, 0.91, 0.999)] == [
        "1",
        "1",
        "2",
        "2",
    ]


def test_an_alias_that_is_deleted_leads_nowhere_else() -> None:
    aliases = Aliases()
    aliases.set("prod", {"1": 1.0})
    aliases.delete("prod")
    aliases.delete("prod")

    assert aliases.version("prod", 0.0) == "prod"


@pytest.mark.parametrize("weights", [{}, {"1": 0.5}, {"1": 1.5, "2": -0.5}])
def test_weights_must_add_up(weights: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="do not add up to 1"):
        Aliases().set("prod", weights)


@given(st.floats(0, 1), st.floats(0, 1, exclude_max=True))
def test_every_chance_leads_somewhere(weight: float, chance: float) -> None:
    aliases = Aliases()
    aliases.set("prod", {"1": 1 - weight, "2": weight})

    assert aliases.version("prod", chance) in ("1", "2")
