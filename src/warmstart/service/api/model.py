"""AWS's description of each service: the one that botocore carries for its clients.

It is the same document that AWS makes its own servers of, so routes, members,
patterns, limits and errors are read from it and written down nowhere else.
"""

from __future__ import annotations

from functools import cache
from typing import Any

__all__ = ["Model", "Shape", "service_model"]

Model = Any
"""A `botocore.model.ServiceModel`."""

Shape = Any
"""A `botocore.model.Shape`: a structure, list, map, string, number, blob or timestamp."""


@cache
def service_model(service: str) -> Model:
    """The newest model of a service, by botocore's name of it (`lambda`, `logs`).

    The first call imports botocore and reads the model, some tens of milliseconds.
    """
    from botocore.loaders import create_loader
    from botocore.model import ServiceModel

    return ServiceModel(create_loader().load_service_model(service, "service-2"), service)
