"""A difference over seeds that each run on the same splits: the error over seeds and splits together."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bench.reports.statistics.comparison import CONFIDENCE, Comparison
from bench.reports.statistics.mean import with_interval
from bench.reports.statistics.moments import RESOLUTION
from bench.reports.statistics.two_way import Crossed, crossed

BySplit = Mapping[int, Mapping[str, float]]
"""seed → split → value."""


def compared_over_splits(
    arms: Sequence[tuple[float, BySplit]],
    *,
    against: float | None = None,
    ratio: bool = False,
    confidence: float = CONFIDENCE,
    test_to_train: float = 0.0,
) -> Crossed:
    """Test a weighted sum of arms, of a ratio of their logarithms, less `against` (its logarithm), over seeds and splits.

    arms: the weight of each, and its values; seeds count that have a value of every arm on every split. test_to_train: see
    `over_splits`. The comparison has a reason where there is no p: other splits, no such seed, a ratio of what is not above 0.
    """
    blank = Comparison(test="splits", ratio=ratio, confidence=confidence)
    run_on = [set().union(*by_seed.values()) for _, by_seed in arms]
    splits = sorted(run_on[0])
    if any(other != run_on[0] for other in run_on):
        return Crossed(replace(blank, reason="the arms do not run on the same splits"))
    seeds = sorted(set.intersection(*({seed for seed, of in by_seed.items() if len(of) == len(splits)} for _, by_seed in arms)))
    if ratio:
        low = [seed for seed in seeds if min(value for _, by_seed in arms for value in by_seed[seed].values()) <= 0]
        if low or (against is not None and against <= 0):
            what = f"that of seed {low[0]}" if low else "the number"
            return Crossed(replace(blank, n=len(seeds), reason=f"a ratio needs values above 0, and {what} is not"))
    put = math.log if ratio else float
    less = 0.0 if against is None else put(against)
    sums = {
        seed: [math.fsum(weight * put(by_seed[seed][split]) for weight, by_seed in arms) - less for split in splits]
        for seed in seeds
    }
    largest = max((abs(put(value)) for _, by_seed in arms for seed in seeds for value in by_seed[seed].values()), default=0.0)
    scale = max(largest, abs(less), float(ratio))
    return over_splits(sums, scale, ratio=ratio, confidence=confidence, test_to_train=test_to_train)


def over_splits(
    quantities: Mapping[int, Sequence[float]],
    scale: float,
    *,
    ratio: bool = False,
    confidence: float = CONFIDENCE,
    test_to_train: float = 0.0,
) -> Crossed:
    """Test the mean of quantities by seed and split against 0 with the crossed error, see `crossed`; splits are its items.

    quantities: seed → one of each split, in one order; of a ratio logarithms, and estimate and interval are exponentiated.
    scale: the size of the values that they come from; what is below their rounding is 0. test_to_train: of what is measured on
    images that each split holds out anew, their number to that of the images trained on; 0 where they are the same in all.
    The comparison has a reason where there is no p.
    """
    import numpy as np

    rows = dict(sorted(quantities.items()))
    if not rows:
        nothing = Comparison(test="splits", ratio=ratio, confidence=confidence, reason="no seed has a value on every split")
        return Crossed(nothing)
    d = np.array(list(rows.values()), dtype=float)
    d[np.abs(d) <= RESOLUTION * scale] = 0.0
    result = crossed(d, np.zeros_like(d), confidence=confidence, seeds=list(rows), test_to_train=test_to_train)
    found = replace(result.comparison, test="splits", ratio=ratio, reason=result.comparison.reason.replace("item", "split"))
    if ratio and found.difference is not None:
        exponentials = {seed: math.exp(delta) for seed, delta in found.deltas.items()}
        found = replace(found, difference=math.exp(found.difference), deltas=exponentials)
        found = with_interval(found) if found.p is not None else found
    return replace(result, comparison=found)
