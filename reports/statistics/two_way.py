"""Two methods on the same items: the error over seeds and items together.

McNemar's test and a t-test over the seeds each see one source of chance; a method that is to be judged for other seeds and
other items has both.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench.reports.statistics.comparison import CONFIDENCE, Comparison, check_share
from bench.reports.statistics.mean import with_interval
from bench.reports.statistics.moments import LARGEST, RESOLUTION

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Crossed:
    """A comparison over n seeds and `items`, and the standard deviations of the difference between seeds, between items, and
    of the rest, per prediction; all None where they cannot be told."""

    comparison: Comparison
    items: int = 0
    seed_sd: float | None = None
    item_sd: float | None = None
    residual_sd: float | None = None
    error_of_seeds: float | None = None
    """The part of the squared error of the mean that more seeds would lower, from 0 to 1; the rest is that of the items."""
    constant: bool = False
    """Whether the difference is the same for each of several seeds and items."""


def crossed(
    correct_a: "ArrayLike",
    correct_b: "ArrayLike",
    *,
    confidence: float = CONFIDENCE,
    seeds: Sequence[int] | None = None,
    test_to_train: float = 0.0,
) -> Crossed:
    """Compare two methods by their predictions, [S, N] each: seeds by items, 1 where right (or any score of an item).

    With D = correct_a - correct_b and the mean squares of its two-way layout, SE^2 = (MS_seed + MS_item - MS_residual) / (S N);
    degrees of freedom are Satterthwaite's. p and interval go by Cochran's critical value, as Satterthwaite's is too small for two
    or three seeds: the mean of t's with S - 1 and N - 1 degrees of freedom, weighted by MS_seed and MS_item - MS_residual (0 if
    that is less). seeds: the number of each row, its index if left out.
    test_to_train: of items that are overlapping splits of one set of images, images measured on to images trained on. The mean of
    N values of such items has the variance s^2 (1 / N + test / train); so test / train MS_item / S is added to SE^2, MS_item / S
    being the s^2 of the items' means over seeds. MS_residual is not taken from that: with few items it would often leave nothing.
    Returns a Comparison whose reason says why there is no p: one seed, one item, no spread, unlike shapes, not finite.
    ValueError where an array has not two dimensions, or confidence or test_to_train is out of range.
    Source: Cochran (1964), Approximate significance levels of the Behrens-Fisher test; Satterthwaite (1946), An approximate
    distribution of estimates of variance components; Cornfield and Tukey (1956), Average values of mean squares in factorials; of
    overlap Nadeau and Bengio (2003), Inference for the generalization error.
    """
    import numpy as np

    check_share("confidence", confidence)
    if not 0 <= test_to_train < math.inf:
        raise ValueError(f"the ratio of test to training items must be a finite number of at least 0, not {test_to_train}")
    a, b = (np.asarray(correct, dtype=float) for correct in (correct_a, correct_b))
    if a.ndim != 2 or b.ndim != 2:
        raise ValueError(f"predictions must be seeds by items, not of {a.ndim} and {b.ndim} dimensions")
    n, items = a.shape
    blank = Comparison(n, test="crossed", confidence=confidence, test_to_train=test_to_train)
    if a.shape != b.shape:
        (n_b, items_b) = b.shape
        unlike = f"one arm has {n} seeds by {items} items, the other {n_b} by {items_b}"
        return Crossed(replace(blank, n=min(n, n_b), reason=unlike))
    if n == 0 or items == 0:
        return Crossed(replace(blank, reason="there are no predictions"), items)
    if not all((np.abs(scores) <= LARGEST).all() for scores in (a, b)):
        return Crossed(replace(blank, reason="a prediction's score is not a finite number that can be squared"), items)
    scale = float(max(np.abs(a).max(), np.abs(b).max()))
    d = a - b
    mean, by_seed, by_item = float(d.mean()), d.mean(axis=1), d.mean(axis=0)
    deltas = dict(zip(seeds or range(n), by_seed.tolist(), strict=True))
    comparison = replace(blank, difference=mean, deltas=deltas, scale=scale)
    if n < 2 or items < 2:
        few = "one seed" if n < 2 else "one item"
        return Crossed(replace(comparison, reason=f"{few}; a test over seeds and items needs two of each"), items)
    if np.ptp(d) <= RESOLUTION * scale:
        constant = "the difference is the same for every seed and item, so there is no spread to test it against"
        return Crossed(replace(comparison, reason=constant), items, constant=True)
    # in units of the largest difference, so that squares of squares neither vanish nor overflow
    unit = float(np.abs(d).max())
    d, by_seed, by_item, middle = d / unit, by_seed / unit, by_item / unit, mean / unit
    rest = d - by_seed[:, None] - by_item[None, :] + middle
    dfs = np.array([n - 1, items - 1, (n - 1) * (items - 1)])
    sums = np.array([items * ((by_seed - middle) ** 2).sum(), n * ((by_item - middle) ** 2).sum(), (rest**2).sum()])
    between_seeds, between_items, residual = (float(square) for square in sums / dfs)
    result = Crossed(
        comparison,
        items,
        seed_sd=unit * math.sqrt(max(0.0, between_seeds - residual) / items),
        item_sd=unit * math.sqrt(max(0.0, between_items - residual) / n),
        residual_sd=unit * math.sqrt(residual),
    )
    # items that vary by less than the rest does would take from the error: with few items, and many seeds, too much
    overlap = items * test_to_train
    of_items = max(0.0, between_items - residual) + overlap * between_items
    square = between_seeds + of_items
    if square <= RESOLUTION * (between_seeds + between_items + residual):
        return replace(result, comparison=replace(comparison, reason="neither seeds nor items vary by more than the rest does"))
    df = square**2 / float(((np.array([1, 1 + overlap, 1]) * sums / dfs) ** 2 / dfs).sum())
    error = unit * math.sqrt(square / (n * items))
    t = mean / error
    sd = unit * float(np.std(by_seed, ddof=1))
    errors = ((between_seeds, n - 1), (of_items, items - 1))
    tested = replace(comparison, t=t, df=df, error=error, sd=sd, errors=errors)
    tested = with_interval(replace(tested, p=2 * tested.tail(abs(t))))
    lowered = between_seeds + overlap * min(between_items, residual)  # what varies from item to item by seed alone
    return replace(result, comparison=tested, error_of_seeds=lowered / square)
