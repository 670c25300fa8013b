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
    from collections.abc import Mapping
    from typing import Any

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Serve the handler that the first argument or `_HANDLER` names; return the exit code."""
    name = arguments[0] if arguments else os.environ.get("_HANDLER")
    if not name:
        sys.exit("Name the handler: python -m warmstart.runtime app.handler, or set _HANDLER.")
    if "LAMBDA_TASK_ROOT" in os.environ:
        _make_importable(os.environ["LAMBDA_TASK_ROOT"])
    try:
        return _serve(name, os.environ)
    except KeyboardInterrupt:
        return 130  # as a shell has it for a program that Ctrl-C ended


def _serve(name: str, environ: Mapping[str, str]) -> int:
    """Serve where the environment says: Lambda's Runtime API, or plain HTTP where there is none."""
    address = environ.get("AWS_LAMBDA_RUNTIME_API")
    if address is None or "AWS_LAMBDA_HTTP_ENDPOINT" in environ:
        from warmstart.runtime.plain_http import serve

        return serve(name, environ)
    concurrency = environ.get("AWS_LAMBDA_MAX_CONCURRENCY")
    if concurrency is not None:
        from warmstart.runtime.concurrent import ConcurrentEnvironment

        workers = int(environ.get("WARMSTART_WORKERS") or len(os.sched_getaffinity(0)))
        return ConcurrentEnvironment(
            address, name, as_handler, concurrency=int(concurrency), workers=workers
        ).run()
    from warmstart.runtime.loop import Environment

    return Environment(address, name, as_handler).run()


def as_handler(found: Any) -> Any:
    """A handler for `found`: the adapter's if it is an ASGI app, else itself."""
    if not hasattr(found, "serve_invocation") and is_asgi_app(found):
        from warmstart.adapter import ASGIHandler

        return ASGIHandler(found)
    return found


def _make_importable(task_root: str, layers: str = "/opt/python") -> None:
    """Put the function's code and its layers where imports look, as Lambda's own client does."""
    version = "{}.{}".format(*sys.version_info)
    for path in (layers, f"{layers}/lib/python{version}/site-packages", task_root):
        if path not in sys.path and os.path.isdir(path):
            sys.path.insert(0, path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
