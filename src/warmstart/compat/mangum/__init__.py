"""Mangum's names, for a move that begins with one changed import.

    from warmstart.compat.mangum import Mangum

`Mangum` here takes the parameters of Mangum 0.22, and what passes through it is
the same: the scopes that apps read, the dictionaries that front doors get, the
handler classes, the exceptions, the loggers' names. So are its limits: nothing
is streamed, lifespan runs around each invocation, and events that are not HTTP
need a handler class. `warmstart.ASGIHandler` has none of them.
"""

from warmstart.compat.mangum.adapter import Mangum

__all__ = ["Mangum"]
