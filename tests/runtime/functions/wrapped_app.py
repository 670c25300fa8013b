"""An app with its adapter around it."""

from modes import Namespace

from warmstart import ASGIHandler

handler = ASGIHandler(Namespace.asgi)
