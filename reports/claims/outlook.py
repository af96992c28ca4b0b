"""What the seeds at hand could have found, and how many would settle a claim at its declared margin.

The spread is the pilot's, the size is the margin that was declared: never the difference that was observed (no post-hoc power).
"""

import math
from typing import TYPE_CHECKING

from bench.reports.numbers import digits, number
from bench.reports.statistics import Comparison, detectable, seeds_to_detect, seeds_to_show_equivalence

if TYPE_CHECKING:
    from bench.reports.claims.grammar import Claim

POWER = 0.8


def smallest_found(tested: Comparison, alpha: float) -> float | None:
    """Return the difference (factor, correlation) that the test finds with 80 % power at this n and spread."""
    if tested.p is None or tested.error is None:
        return None
    if tested.test in ("pearson", "spearman"):
        return math.tanh(_quantiles(alpha) * tested.error)
    if tested.sd is not None:
        effect = detectable(tested.n, alpha, POWER)
        size = None if effect is None else effect * tested.sd
    else:  # two arms, or two error terms: by the standard error and its degrees of freedom
        assert tested.df is not None  # as all have that are tested, but correlations
        like = max(2, round(tested.df) + 1)
        effect = detectable(like, alpha, POWER)
        size = None if effect is None else effect * math.sqrt(like) * tested.error
    return None if size is None else math.exp(size) if tested.ratio else size


def seeds_needed(claim: "Claim", tested: Comparison, alpha: float) -> int | None:
    """Return how many seeds (cells, classes) have 80 % power to settle a claim at its margin; None where none can be told."""
    if claim.margin is None or tested.p is None or tested.error is None or tested.test in ("crossed", "mcnemar"):
        return None
    if tested.test in ("pearson", "spearman"):
        return 3 + math.ceil((_quantiles(alpha) / math.atanh(min(claim.margin, 0.999))) ** 2)
    margin = math.log1p(claim.margin) if tested.ratio else claim.margin
    # unpaired arms of n seeds each have the error of n differences whose SD is the root of twice their variance
    sd = tested.sd if tested.sd is not None else tested.error * math.sqrt(tested.n / 2)
    find = seeds_to_show_equivalence if claim.kind == "equivalent" else seeds_to_detect
    return find(margin / sd, alpha, POWER)


def unsettled(claim: "Claim", tested: Comparison, alpha: float) -> str:
    """Say what these seeds could have found, and how many would settle the claim."""
    what = "items" if claim.kind == "correlation" else "images" if tested.test == "mcnemar" else "seeds"
    told = "Neither equal within the margin nor beyond it" if claim.kind == "equivalent" else "Not significant"
    if (smallest := smallest_found(tested, alpha)) is not None:
        unit = "factor" if tested.ratio else "correlation" if claim.kind == "correlation" else "difference"
        told += f"; n={tested.n} {what} find a {unit} of {smallest:.3g} with 80 % power"
    if tested.test == "mcnemar":
        return f"{told}. Other test images would be needed, or several seeds."
    if claim.margin is None:
        return f"{told}. Declare a margin to learn how many {what} would settle it."
    if tested.test == "crossed":
        return f"{told}. More seeds help only as far as the images' share of the error allows."
    at = band(claim.margin, tested)
    needed = seeds_needed(claim, tested, alpha)
    if needed is None:
        return f"{told}. More than 10,000 {what} would be needed at the margin, {at}."
    if needed <= tested.n:
        near = "the margin" if claim.kind == "equivalent" else "zero"
        return f"{told}. At the margin, {at}, {needed} {what} have 80 % power already: the effect seems to lie near {near}."
    return f"{told}. About {needed} {what} would settle it at the margin, {at}."


def band(margin: float, tested: Comparison) -> str:
    """Return the margin as one reads it."""
    return f"{1 / (1 + margin):.3g} to {1 + margin:.3g} times" if tested.ratio else f"±{margin:g}"


def span(low: float, high: float, ratio: bool) -> str:
    """Return an interval as one reads it."""
    places = digits((high - low) / 2, 2)
    return f"{number(low, places)} to {number(high, places)}" + (" times" if ratio else "")


def _quantiles(alpha: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(1 - alpha / 2) + ndtri(POWER))
