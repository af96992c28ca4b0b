"""What the seeds at hand could have found, and how many would settle a claim at its declared margin.

The spread is the pilot's, the size is the margin that was declared: never the difference that was observed (no post-hoc power).
"""

import math

from bench.reports.claims.kinds import KINDS, Claim
from bench.reports.numbers import digits, number
from bench.reports.statistics import Comparison, seeds_to_detect, seeds_to_show_equivalence, smallest_detectable
from bench.reports.statistics.power import POWER, quantiles


def seeds_needed(claim: Claim, tested: Comparison, alpha: float) -> int | None:
    """Return how many seeds (cells, classes) have 80 % power to settle a claim at its margin; None where none can be told."""
    if claim.margin is None or tested.p is None or tested.error is None or tested.test in ("crossed", "mcnemar"):
        return None
    if tested.correlates:
        return 3 + math.ceil((quantiles(alpha) / math.atanh(min(claim.margin, 0.999))) ** 2)
    margin = math.log1p(claim.margin) if tested.ratio else claim.margin
    # unpaired arms of n seeds each have the error of n differences whose SD is the root of twice their variance
    sd = tested.sd if tested.sd is not None else tested.error * math.sqrt(tested.n / 2)
    find = seeds_to_detect if KINDS[claim.kind].direction(claim) else seeds_to_show_equivalence
    return find(margin / sd, alpha, POWER)


def unsettled(claim: Claim, tested: Comparison, alpha: float) -> str:
    """Say what these seeds could have found, and how many would settle the claim."""
    kind = KINDS[claim.kind]
    what, directed = "images" if tested.test == "mcnemar" else kind.sample, bool(kind.direction(claim))
    text = "Not significant" if directed else "Neither equal within the margin nor beyond it"
    if (smallest := smallest_detectable(tested, alpha)) is not None:
        unit = "factor" if tested.ratio else kind.effect
        text += f"; n={tested.n} {what} find a {unit} of {smallest:.3g} with 80 % power"
    if tested.error is None:
        return f"{text}; it is the same in every seed, so that more of them would not be others."
    if tested.test == "mcnemar":
        return f"{text}. Other test images would be needed, or several seeds."
    if claim.margin is None:
        return f"{text}. Declare a margin to learn how many {what} would settle it."
    if tested.test == "crossed":
        return f"{text}. More seeds help only as far as the images' share of the error allows."
    at = band(claim.margin, tested)
    needed = seeds_needed(claim, tested, alpha)
    if needed is None:
        return f"{text}. More than 10,000 {what} would be needed at the margin, {at}."
    apart = min(tested.n_left, tested.n_right)  # seeds of each arm, where they are not paired
    if needed <= (apart or tested.n):
        there = f"{apart} an arm" if apart else tested.n
        return f"{text}; at the margin, {at}, {needed} {what} have 80 % power, and there are {there}."
    return f"{text}. About {needed} {what}{' an arm' if apart else ''} would settle it at the margin, {at}."


def band(margin: float, tested: Comparison) -> str:
    """Return the margin as one reads it."""
    return f"{1 / (1 + margin):.3g} to {1 + margin:.3g} times" if tested.ratio else f"±{margin:g}"


def span(low: float, high: float, ratio: bool) -> str:
    """Return an interval as one reads it."""
    places = digits((high - low) / 2, 2)
    return f"{number(low, places)} to {number(high, places)}" + (" times" if ratio else "")
