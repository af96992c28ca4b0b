"""What the seeds at hand could have found, and how many would settle a claim at its declared margin.

The spread is the pilot's, the size is the margin that was declared: never the difference that was observed (no post-hoc power).
"""

import math
from dataclasses import dataclass

from bench.reports.claims.rules import Rule, band
from bench.reports.statistics import Comparison, seeds_to_detect, seeds_to_show_equivalence, smallest_detectable
from bench.reports.statistics.power import POWER, quantiles

UNSIZED = {
    "crossed": "its test is over images too",
    "mcnemar": "its test is over images",
    "splits": "its test is over splits too",
    "pitman-morgan": "its test is of spreads",
}
"""Tests for which no number of seeds can be told, and why."""
SURE = 0.8
"""How sure the upper bound of a spread is: with three seeds it is twice the estimate."""


@dataclass(frozen=True)
class Needed:
    """Seeds with 80 % power to settle a contrast at its margin; at_most: if the spread is as large as it may be (80 % bound)."""

    seeds: int | None = None
    at_most: int | None = None


def spread(tested: Comparison) -> float | None:
    """Return the standard deviation that decides how many seeds are needed, on the scale tested: of the differences within each
    seed; of unpaired arms of n seeds each that of n differences. None where the test has none."""
    if tested.error is None or tested.sd is not None:
        return tested.sd
    return tested.error * math.sqrt(tested.n / 2)


def seeds_needed(rule: Rule, tested: Comparison, margin: float | None, alpha: float) -> Needed:
    """Return how many seeds (points) have 80 % power to settle a contrast; None where that cannot be told."""
    from scipy.special import chdtri

    sd = spread(tested)
    if margin is None or tested.p is None or sd is None or tested.test in UNSIZED:
        return Needed()
    if tested.correlates:
        return Needed(3 + math.ceil((quantiles(alpha) / math.atanh(min(margin, 0.999))) ** 2))
    size = math.log1p(margin) if tested.ratio else margin
    df = tested.df or 1.0
    largest = sd * math.sqrt(df / float(chdtri(df, SURE)))

    def find(spread: float) -> int | None:
        if rule.asks == "same":  # each side at half of alpha: one two-sided interval decides
            return seeds_to_show_equivalence(size / spread, alpha / 2, POWER, test_to_train=tested.test_to_train)
        return seeds_to_detect(size / spread, alpha, POWER, test_to_train=tested.test_to_train)

    return Needed(find(sd), find(largest))


def unsettled(rule: Rule, tested: Comparison, margin: float | None, alpha: float, sample: str) -> str:
    """Say what these seeds could have found, and how many would settle the contrast. sample: what the test is over."""
    what = "images" if tested.test == "mcnemar" else sample
    asks = rule.asks if margin else "beyond"
    text = {
        "same": "Neither equal within the margin nor beyond it",
        "not beyond": "Neither above the margin nor below it" if rule.sign > 0 else "Neither below the margin nor above it",
    }.get(asks, "Not significant")
    if tested.floored:
        text += (
            f": the differences hardly vary, and fewer than ten steps of the metric, {tested.resolution:.2g} each, count as none"
        )
    if (smallest := smallest_detectable(tested, alpha)) is not None:
        unit = "correlation" if tested.correlates else "factor" if tested.ratio else "difference"
        text += f"; n={tested.n} {what} find a {unit} of {smallest:.3g} with 80 % power"
    if tested.test in ("permutation", "pearson", "spearman") and tested.error is None:
        return f"{text}."
    if tested.error is None:
        return f"{text}; it is the same in every seed, so that more of them would not be others."
    if tested.test == "mcnemar":
        return f"{text}. Other test images would be needed, or several seeds."
    if tested.test == "pitman-morgan":
        return f"{text}. Standard deviations of few seeds are uncertain: five seeds find a ratio of about 5."
    if margin is None:
        return f"{text}. Declare a margin to learn how many {what} would settle it."
    if tested.test == "splits":
        overlap = "; as they overlap, that does not shrink for good with their number, and it takes more images"
        more = f"more splits lower theirs{overlap if tested.test_to_train else ''}"
        return f"{text}. More seeds help only as far as the splits' share of the error allows; {more}."
    if tested.test == "crossed":
        return f"{text}. More seeds help only as far as the images' share of the error allows."
    return text + _more(seeds_needed(rule, tested, margin, alpha), tested, band(margin, tested), what)


def _more(needed: Needed, tested: Comparison, at: str, what: str) -> str:
    if needed.seeds is None and tested.test_to_train:
        return (
            f". No number of {what} settles it at the margin, {at}: their splits overlap, and that part of the error does not "
            "shrink with them. It takes more images."
        )
    if needed.seeds is None:
        return f". More than 10,000 {what} would be needed at the margin, {at}."
    apart = min(tested.n_left, tested.n_right)  # seeds of each arm, where they are not paired
    if needed.seeds <= (apart or tested.n):
        there = f"{apart} an arm" if apart else tested.n
        return f"; at the margin, {at}, {needed.seeds} {what} have 80 % power, and there are {there}."
    most = needed.at_most or ("more than any number" if tested.test_to_train else "more than 10,000")
    up_to = "" if needed.at_most == needed.seeds else f" (up to {most}, by the spread's 80 % bound)"
    return f". About {needed.seeds} {what}{' an arm' if apart else ''}{up_to} would settle it at the margin, {at}."
