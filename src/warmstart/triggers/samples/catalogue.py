"""All sample events, by name."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from warmstart.triggers.samples.batches import BATCHES
from warmstart.triggers.samples.callbacks import CALLBACKS
from warmstart.triggers.samples.http import HTTP
from warmstart.triggers.samples.notifications import NOTIFICATIONS
from warmstart.triggers.samples.occasion import Occasion, Sample
from warmstart.triggers.samples.storage import STORAGE

__all__ = ["SAMPLES", "UnknownSample", "sample"]

SAMPLES: dict[str, Sample] = HTTP | STORAGE | BATCHES | NOTIFICATIONS | CALLBACKS


class UnknownSample(LookupError):
    """No sample event has that name; the message says which do."""


def sample(name: str, occasion: Occasion) -> dict[str, Any]:
    """The sample event of that name.

    Raises:
        UnknownSample: there is none.
    """
    build = SAMPLES.get(name)
    if build is None:
        near = get_close_matches(name, SAMPLES)
        told = f"Did you mean {' or '.join(near)}?" if near else f"There are {', '.join(SAMPLES)}."
        raise UnknownSample(f"No sample event is called '{name}'. {told}")
    return build(occasion)
