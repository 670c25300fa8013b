"""Runs Python web applications the way AWS Lambda runs them.

`handler = ASGIHandler(app)` makes a Lambda handler of any ASGI app. Importing
this package costs next to nothing: the adapter is loaded when it is asked for.
"""

TYPE_CHECKING = False  # known to type checkers; importing `typing` would take milliseconds
if TYPE_CHECKING:
    from warmstart.adapter import ASGIHandler

__all__ = ["ASGIHandler", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name == "ASGIHandler":
        from warmstart.adapter import ASGIHandler

        return ASGIHandler
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
