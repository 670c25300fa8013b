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
    name = arguments[0] if arguments else os.environ.get("_HANDLER")
    if not name:
        sys.exit("Name the handler: python -m warmstart.runtime app.handler, or set _HANDLER.")
    _make_importable(os.environ.get("LAMBDA_TASK_ROOT"))
    address = os.environ["AWS_LAMBDA_RUNTIME_API"]
    from warmstart.runtime.loop import Environment

    try:
        return Environment(address, name, as_handler).run()
    except KeyboardInterrupt:
        return 130  # as a shell has it for a program that Ctrl-C ended


def as_handler(found: Any) -> Any:
    """A handler for `found`: the adapter's if it is an ASGI app, else itself."""
    if not hasattr(found, "serve_invocation") and is_asgi_app(found):
        from warmstart.adapter import ASGIHandler

        return ASGIHandler(found)
    return found


def _make_importable(task_root: str | None) -> None:
    """Put the function's code where imports look, as Lambda's own entry point does."""
    if task_root and task_root not in sys.path:
        sys.path.insert(0, task_root)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
