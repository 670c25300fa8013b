"""Who may call where nobody signs: this machine's programs, but not the pages in its browsers.

A page of any site can have a browser send requests to this machine, and one POST makes
a function, which is to run code here. But a browser says where a page's POST comes from
(`Origin`); and a site that has its own name lead to this machine, so that its page may
read the answers, too, gives itself away by that name (`Host`).
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from warmstart.service.api.errors import ApiError
from warmstart.service.api.exchange import Request

__all__ = ["LocalCallers"]

_PRIVATE = (".localhost", ".local", ".internal", ".test")
"""What names end in that nobody can have in the public DNS."""


class LocalCallers:
    """Lets unsigned requests pass, unless they are a web page's."""

    def verify(self, request: Request, service: str) -> None:
        """Raises `ApiError` if a web page may have made the request."""
        origin = request.headers.get("origin")
        if origin is not None:
            raise _refused(f"a web page's ({origin})")
        host = request.headers.get("host", "localhost")
        if not _is_private(host):
            raise _refused(f"for the public name {host}, not for an address of this machine")


def _refused(whose: str) -> ApiError:
    return ApiError(
        "AccessDeniedException",
        f"Without access keys nobody has to sign, so a request is refused that is {whose}."
        " With `warmstart serve --keys` it is taken if it is signed.",
    )


@lru_cache(maxsize=64)
def _is_private(host: str) -> bool:
    """Whether a `Host` is an address, or a name that only this machine or its network knows."""
    name = host.rpartition("]")[0].lstrip("[") or host.partition(":")[0].rstrip(".").lower()
    if "." not in name or name.endswith(_PRIVATE):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
