"""Two trained models on the same images: what they differ in, and nothing about the methods that made them."""

import math
from collections.abc import Sequence
from dataclasses import replace

from bench.reports.statistics.comparison import CONFIDENCE, Comparison, check_share
from bench.reports.statistics.mean import with_interval
from bench.reports.statistics.moments import moments


def mcnemar(correct_a: Sequence[bool], correct_b: Sequence[bool], *, confidence: float = CONFIDENCE) -> Comparison:
    """Compare two models by the images that each has right: the difference of their accuracies, a - b, with McNemar's test.

    The p is exact, two-sided: of the images that one alone has right, how many the first has. The interval is Student's, over
    the images' differences. Returns a Comparison of n images, whose reason says why there is no p. ValueError where the numbers
    of images differ, or confidence is out of range.
    Source: McNemar (1947), Note on the sampling error of the difference between correlated proportions or percentages.
    """
    from scipy.special import bdtr

    check_share("confidence", confidence)
    if len(correct_a) != len(correct_b):
        raise ValueError(f"one model has {len(correct_a)} images and the other {len(correct_b)}")
    d = [float(a) - float(b) for a, b in zip(correct_a, correct_b, strict=True)]
    n, only_a, only_b = len(d), d.count(1.0), d.count(-1.0)
    blank = Comparison(n, test="mcnemar", confidence=confidence, scale=1.0)
    if n < 2:
        return replace(blank, reason="a test over images needs two of them")
    mean, sd = moments(d)
    if not sd:
        reason = "one has every image right that the other has wrong" if mean else "both have the same images right"
        return replace(blank, difference=mean, reason=reason)
    p = min(1.0, 2 * float(bdtr(min(only_a, only_b), only_a + only_b, 0.5)))
    error = sd / math.sqrt(n)
    return with_interval(replace(blank, difference=mean, t=mean / error, df=n - 1.0, p=p, error=error, sd=sd))
