"""`python -m warmstart.runtime [HANDLER]`: the program in the environment that asks for events.

The one file of this package that knows the adapter: it makes a handler of an
ASGI app. Everything else is put together here too.
"""

from __future__ import annotations

import os
import sys

from warmstart.runtime.loader import is_asgi_app

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Serve the handler that the first argument or `_HANDLER` names; return the exit code."""
    name = arguments[0] if arguments else os.environ.get("_HANDLER", "")
    address = os.environ["AWS_LAMBDA_RUNTIME_API"]
    from warmstart.runtime.loop import Environment

    return Environment(address, name, as_handler).run()


def as_handler(found: Any) -> Any:
    """A handler for `found`: the adapter's if it is an ASGI app, else itself."""
    if not hasattr(found, "serve_invocation") and is_asgi_app(found):
        from warmstart.adapter import ASGIHandler

        return ASGIHandler(found)
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
