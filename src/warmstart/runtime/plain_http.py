"""The same image where there is no Lambda: the app is served over plain HTTP, by uvicorn.

`docker run`, Knative and Cloud Run say where in `PORT`. Lambda's own HTTP
functions say it in `AWS_LAMBDA_HTTP_ENDPOINT`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from warmstart.runtime.faults import Fault
from warmstart.runtime.loader import is_asgi_app, load

__all__ = ["endpoint", "serve"]


def serve(name: str, environ: Mapping[str, str]) -> int:
    """Serve the ASGI app that `name` stands for until SIGTERM; return the exit code."""
    try:
        import uvicorn
    except ImportError:
        return _complain(
            "AWS_LAMBDA_RUNTIME_API is not set, so this is not Lambda and the app is to be served "
            "over plain HTTP. That takes uvicorn: pip install uvicorn"
        )
    try:
        app = _asgi_app(load(name))
    except Fault as fault:
        return _complain(f"{fault.error_type}: {fault}")
    if app is None:
        return _complain(
            f"{name} is a plain handler, which takes events. Outside Lambda only an ASGI app "
            "can be served."
        )
    host, port = endpoint(environ)
    uvicorn.run(app, host=host, port=port)
    return 0


def endpoint(environ: Mapping[str, str]) -> tuple[str, int]:
    """Host and port to listen on: all addresses by default, as containers want it."""
    given = environ.get("AWS_LAMBDA_HTTP_ENDPOINT")
    if given is None:
        return environ.get("HOST") or "0.0.0.0", int(environ.get("PORT") or 8080)  # noqa: S104
    host, colon, port = given.rpartition("://")[2].rstrip("/").rpartition(":")
    return (host.strip("[]") if colon else port, int(port) if colon else 80)


def _asgi_app(found: Any) -> Any:
    """The app itself, also where the adapter has been put around it already."""
    if hasattr(found, "serve_invocation"):
        return getattr(found, "app", None)
    return found if is_asgi_app(found) else None


def _complain(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return 1
