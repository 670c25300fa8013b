"""The Runtime API client: asks Lambda for events, runs the handler, posts the answers.

    python -m warmstart.runtime app.handler

A handler needs nothing of this package. One that wants other JSON rules calls
`use_marshaller` when it is imported.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from warmstart.runtime.context import LambdaContext
    from warmstart.runtime.marshaller import JSONMarshaller, use_marshaller

__all__ = ["JSONMarshaller", "LambdaContext", "use_marshaller"]


def __getattr__(name: str) -> object:
    if name == "LambdaContext":
        from warmstart.runtime.context import LambdaContext

        return LambdaContext
    if name in __all__:
        from warmstart.runtime import marshaller

        return getattr(marshaller, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
