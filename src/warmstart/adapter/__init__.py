"""ASGI on Lambda: the HTTP cycle, lifespan, and the handler object that drives them."""

from warmstart.adapter.handler import ASGIHandler

__all__ = ["ASGIHandler"]
