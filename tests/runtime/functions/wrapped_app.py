"""An app with its adapter around it."""

# As its users write it: nothing is annotated, and it prints.
# mypy: ignore-errors

from modes import Namespace

from warmstart import ASGIHandler

handler = ASGIHandler(Namespace.asgi)
