"""A difference over seeds that each run on the same splits: the error over seeds and splits together."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bench.reports.statistics.comparison import CONFIDENCE, Comparison
from bench.reports.statistics.mean import with_interval
from bench.reports.statistics.moments import RESOLUTION
from bench.reports.statistics.two_way import Crossed, crossed


def over_splits(
    quantities: Mapping[int, Sequence[float]], scale: float, *, ratio: bool = False, confidence: float = CONFIDENCE
) -> Crossed:
    """Test the mean of quantities by seed and split against 0 with the crossed error, see `crossed`; splits are its items.

    quantities: seed → one of each split, in one order; of a ratio logarithms, and estimate and interval are exponentiated.
    scale: the size of the values that they come from; what is below their rounding is 0.
    The comparison has a reason where there is no p.
    """
    import numpy as np

    rows = dict(sorted(quantities.items()))
    if not rows:
        nothing = Comparison(test="splits", ratio=ratio, confidence=confidence, reason="no seed has a value on every split")
        return Crossed(nothing)
    d = np.array(list(rows.values()), dtype=float)
    d[np.abs(d) <= RESOLUTION * scale] = 0.0
    result = crossed(d, np.zeros_like(d), confidence=confidence, seeds=list(rows))
    found = replace(result.comparison, test="splits", ratio=ratio, reason=result.comparison.reason.replace("item", "split"))
    if ratio and found.difference is not None:
        exponentials = {seed: math.exp(delta) for seed, delta in found.deltas.items()}
        found = replace(found, difference=math.exp(found.difference), deltas=exponentials)
        found = with_interval(found) if found.p is not None else found
    return replace(result, comparison=found)
