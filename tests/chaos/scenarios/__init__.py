"""The faults by name."""

from . import signals, outages, machine, several, damage  # noqa: F401, I001 (in the order in which they are listed)
from .registry import SCENARIOS

__all__ = ["SCENARIOS"]
