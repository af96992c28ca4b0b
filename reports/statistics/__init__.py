"""Statistics for a few seeds. Degenerate input is answered with None and a reason, never with NaN.

summary: n, mean, SD · mean: paired, one-sample and Welch t-tests · exact: sign-flip · margins: equivalence · multiplicity: Holm ·
power: what n seeds find · correlation · crossed: over seeds and items · checkpoints: McNemar · omnibus: k arms ·
tasks: ranks over many tasks.
"""

from bench.reports.statistics.checkpoints import mcnemar
from bench.reports.statistics.comparison import ALPHA, CONFIDENCE, Comparison, interval
from bench.reports.statistics.correlations import correlation
from bench.reports.statistics.exact import sign_flip, smallest_permutation, smallest_sign_flip
from bench.reports.statistics.margins import beyond, equivalence
from bench.reports.statistics.mean import one_sample, paired, welch
from bench.reports.statistics.moments import RESOLUTION, Moments, summary
from bench.reports.statistics.multiplicity import holm
from bench.reports.statistics.omnibus import Friedman, Omnibus, friedman, repeated_measures
from bench.reports.statistics.power import (
    detectable,
    detectable_independent,
    seeds_to_detect,
    seeds_to_show_equivalence,
    smallest_detectable,
)
from bench.reports.statistics.tasks import against_control, friedman_uncorrected, iman_davenport, nemenyi, ranks
from bench.reports.statistics.two_way import Crossed, crossed

__all__ = [
    "ALPHA",
    "CONFIDENCE",
    "RESOLUTION",
    "Comparison",
    "Crossed",
    "Friedman",
    "Moments",
    "Omnibus",
    "against_control",
    "beyond",
    "correlation",
    "crossed",
    "detectable",
    "detectable_independent",
    "equivalence",
    "friedman",
    "friedman_uncorrected",
    "holm",
    "iman_davenport",
    "interval",
    "mcnemar",
    "nemenyi",
    "one_sample",
    "paired",
    "ranks",
    "repeated_measures",
    "seeds_to_detect",
    "seeds_to_show_equivalence",
    "sign_flip",
    "smallest_detectable",
    "smallest_permutation",
    "smallest_sign_flip",
    "summary",
    "welch",
]
