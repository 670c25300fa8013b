from __future__ import annotations

from warmstart.service.environments.host import Host, default_limit


def test_the_default_is_what_an_ordinary_machine_bears() -> None:
    assert 8 <= default_limit() <= 1000


def test_a_host_that_has_more_than_it_may_have_has_no_room() -> None:
    host = Host(2)
    host.environments = 3

    assert host.free == 0
