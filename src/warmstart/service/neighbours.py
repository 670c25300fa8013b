"""How the service speaks to AWS's other services, or to what stands in for them."""

from __future__ import annotations

from typing import Any

__all__ = ["session"]


def session(*, made_up: bool) -> Any:
    """A botocore session with the credentials that variables or files give.

    If they give none, stand-ins take `made_up` ones. A machine's own role is not asked for:
    where there is none, to find that out takes seconds.
    """
    from botocore.session import get_session

    found = get_session()
    found.get_component("credential_provider").remove("iam-role")
    if made_up and found.get_credentials() is None:
        found.set_credentials("test", "test")
    return found
