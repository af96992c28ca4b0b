"""Number, mean and sample standard deviation of a few values, and what counts as rounding."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

RESOLUTION = 1e-12
"""A spread below this share of the values is the rounding of binary fractions, not a spread."""
LARGEST = 1e150
"""Values beyond this size cannot be squared."""


@dataclass(frozen=True)
class Moments:
    """Number of values, their mean (None of none) and sample standard deviation (None of fewer than two)."""

    n: int
    mean: float | None
    sd: float | None


def summary(values: Iterable[float]) -> Moments:
    """Return n, mean and sample standard deviation (ddof=1); neither of values that are not finite or cannot be squared."""
    values = list(values)
    if not values or unusable(dict(enumerate(values))):
        return Moments(len(values), None, None)
    mean, sd = moments(values)
    return Moments(len(values), mean, sd)


def moments(values: Sequence[float]) -> tuple[float, float | None]:
    """Return the mean and the sample standard deviation (ddof=1) of at least one value."""
    n = len(values)
    mean = math.fsum(values) / n
    if n < 2:
        return mean, None
    return mean, math.hypot(*(value - mean for value in values)) / math.sqrt(n - 1)


def unusable(values: Mapping[int, float], whose: str = "seed", *, ratio: bool = False) -> str:
    """Return a sentence part about the first value that cannot be reckoned with; "" where there is none.

    values: by seed, or by whatever else `whose` names. ratio: they must also be above 0.
    """
    for number, value in values.items():
        if not math.isfinite(value):
            return f"the value of {whose} {number} is {value}, not a finite number"
        if abs(value) > LARGEST:
            return f"the value of {whose} {number}, {value:.3g}, is too large to be compared"
    low = [number for number, value in values.items() if ratio and value <= 0]
    return f"a ratio needs values above 0, and that of {whose} {low[0]} is {values[low[0]]:g}" if low else ""


def logs(values: Mapping[int, float]) -> dict[int, float]:
    """Return the natural logarithm of each value, all of them above 0."""
    return {seed: math.log(value) for seed, value in values.items()}


def size(values: Mapping[int, float], *, ratio: bool = False) -> float:
    """Return the size that the rounding of at least one value is a share of; ratio: they are logarithms."""
    # a value's rounding is a share of it, so that its logarithm is never more exact than a share of 1
    return max(float(ratio), *map(abs, values.values()))
