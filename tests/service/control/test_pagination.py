from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members
from warmstart.service.control.pagination import page


def pages(items: list[str], size: int) -> list[list[str]]:
    found = []
    parameters: Members = {"MaxItems": size}
    while True:
        output = page("Functions", items, parameters, str)
        found.append(output["Functions"])
        if "NextMarker" not in output:
            return found
        parameters = {"MaxItems": size, "Marker": output["NextMarker"]}


@given(st.lists(st.text(max_size=5), unique=True, max_size=12), st.integers(1, 5))
def test_the_pages_together_are_the_whole_list_in_order(items: list[str], size: int) -> None:
    found = pages(items, size)

    assert [item for one in found for item in one] == sorted(items)
    assert all(len(one) == size for one in found[:-1])


def test_the_last_page_has_no_marker_even_if_it_is_full() -> None:
    assert page("Functions", ["a", "b"], {"MaxItems": 2}, str) == {"Functions": ["a", "b"]}


def test_a_page_goes_on_where_the_last_one_ended_though_its_last_item_is_gone() -> None:
    first = page("Functions", ["a", "b", "c"], {"MaxItems": 2}, str)
    second = page("Functions", ["a", "aa", "c"], {"Marker": first["NextMarker"]}, str)

    assert second == {"Functions": ["c"]}


def test_no_page_is_longer_than_what_aws_gives_at_once() -> None:
    assert len(page("Versions", range(120), {"MaxItems": 10000}, int)["Versions"]) == 50
    assert len(page("Versions", range(120), {}, int)["Versions"]) == 50


@pytest.mark.parametrize("marker", ["?", "abc", "bm90IGpzb24=", "MQ==", "bnVsbA=="])
def test_a_marker_that_the_list_did_not_give_is_refused(marker: str) -> None:
    with pytest.raises(ApiError) as caught:
        page("Functions", ["a"], {"Marker": marker}, str)

    assert caught.value.code == "InvalidParameterValueException"
