"""Sample events of all sources, for trying a function: whole, and of values that mean nothing."""

from warmstart.triggers.samples.catalogue import SAMPLES, UnknownSample, sample
from warmstart.triggers.samples.changes import InvalidChange, changed
from warmstart.triggers.samples.occasion import Occasion

__all__ = ["SAMPLES", "InvalidChange", "Occasion", "UnknownSample", "changed", "sample"]
