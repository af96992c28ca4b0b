"""What the seeds that two arms share are worth: how the arms go together, and what comparing them seed by seed gains."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.reports.statistics.comparison import ALPHA
from bench.reports.statistics.moments import RESOLUTION, logs, moments, size, unusable
from bench.reports.statistics.power import detectable, detectable_independent

FEWEST = 3
"""Seeds: two points always lie on a line."""


@dataclass(frozen=True)
class Pairing:
    """r: Pearson's correlation of two arms over their seeds; None where an arm never varies.

    efficiency: the variance that their difference would have if they were independent, by the variance that it has; above 1
    pairing gained, below 1 it cost. None where the difference never varies.
    """

    r: float | None
    efficiency: float | None


def pairing(a: Mapping[int, float], b: Mapping[int, float], *, ratio: bool = False) -> Pairing | None:
    """Return the correlation of two arms, value by seed, and the relative efficiency of pairing, over the seeds of both.

    ratio: of their logarithms, as a ratio is compared by these. None of fewer than three seeds, or of values that cannot be
    reckoned with. Source: Cochran and Cox (1957), Experimental Designs, chapter 4, on the efficiency of blocks.
    """
    seeds = sorted(a.keys() & b.keys())
    left, right = ({seed: arm[seed] for seed in seeds} for arm in (a, b))
    if len(seeds) < FEWEST or unusable(left, ratio=ratio) or unusable(right, ratio=ratio):
        return None
    if ratio:
        left, right = logs(left), logs(right)
    rounding = RESOLUTION * max(size(left, ratio=ratio), size(right, ratio=ratio))

    def spread(values: list[float]) -> float:
        sd = moments(values)[1] or 0.0
        return sd if sd > rounding else 0.0

    sd_left, sd_right = spread([*left.values()]), spread([*right.values()])
    sd_difference = spread([left[seed] - right[seed] for seed in seeds])
    apart = sd_left**2 + sd_right**2
    r = (apart - sd_difference**2) / (2 * sd_left * sd_right) if sd_left and sd_right else None
    return Pairing(
        r=None if r is None else max(-1.0, min(r, 1.0)), efficiency=apart / sd_difference**2 if sd_difference else None
    )


def pairing_pays_from(n: int, alpha: float = ALPHA) -> float | None:
    """Return the relative efficiency from which on n pairs find a smaller difference than n independent seeds an arm, both with
    80 % power: pairing has half the degrees of freedom, and must make up for it. None of fewer than two seeds."""
    together, apart = detectable(n, alpha), detectable_independent(n, alpha)
    return None if together is None or apart is None else 2 * (together / apart) ** 2
