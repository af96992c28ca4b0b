"""Scenarios by name. Each draws what it does from the round's seed before it begins, so that a round can be repeated."""

from collections.abc import Callable

from ..phases import TRAINING
from ..rounds import Round, Scenario

SCENARIOS: dict[str, Scenario] = {}
WAITS = (*TRAINING, "between rounds")
"""The phases in which a run waits for a store that cannot be reached; before and after them it may end with a sentence."""


def scenario(name: str, about: str, **limits: object) -> Callable[[Callable[[Round], None]], Callable[[Round], None]]:
    """Register a scenario; limits: see `Scenario`."""

    def register(disturb: Callable[[Round], None]) -> Callable[[Round], None]:
        SCENARIOS[name] = Scenario(name, about, disturb, **limits)  # type: ignore[arg-type]
        return disturb

    return register


def hundredths(seconds: float) -> float:
    """Return seconds as they are told."""
    return float(f"{seconds:.2f}")
