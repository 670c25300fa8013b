"""Runs Python web applications the way AWS Lambda runs them.

`handler = ASGIHandler(app)` makes a Lambda handler of any ASGI app, and
`WSGIHandler(app)` of any WSGI app. Importing this package costs next to nothing:
the adapter is loaded when it is asked for.
"""

TYPE_CHECKING = False  # known to type checkers; importing `typing` would take milliseconds
if TYPE_CHECKING:
    from warmstart.adapter import ASGIHandler
    from warmstart.adapter.wsgi import WSGIHandler

__all__ = ["ASGIHandler", "WSGIHandler", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name == "ASGIHandler":
        from warmstart.adapter import ASGIHandler

        return ASGIHandler
    if name == "WSGIHandler":
        from warmstart.adapter.wsgi import WSGIHandler

        return WSGIHandler
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
