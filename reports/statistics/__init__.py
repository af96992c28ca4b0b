"""Statistics for a few seeds. Degenerate input is answered with None and a reason, never with NaN.

summary: n, mean, SD · mean: paired and one-sample t-tests · unpaired: Welch · resampled: overlapping splits · splits: over seeds
and splits · exact: sign-flip · bounds: above or below an edge · margins: equivalence · multiplicity: Holm, Benjamini-Hochberg ·
looks: the level of each · power: what n seeds find · correlation · superiority: P(A > B) · pairing: what shared seeds gain ·
spread: Pitman-Morgan · crossed: over seeds and items · checkpoints: McNemar · omnibus, permutation: k arms · page: ordered arms ·
tasks: ranks over many tasks.
"""

from bench.reports.statistics.bounds import above, below, edge_of
from bench.reports.statistics.checkpoints import mcnemar
from bench.reports.statistics.comparison import ALPHA, CONFIDENCE, Comparison, interval
from bench.reports.statistics.correlations import correlation
from bench.reports.statistics.exact import sign_flip, smallest_permutation, smallest_sign_flip
from bench.reports.statistics.looks import look_level
from bench.reports.statistics.margins import equivalence
from bench.reports.statistics.mean import one_sample, paired
from bench.reports.statistics.moments import RESOLUTION, Moments, summary
from bench.reports.statistics.multiplicity import benjamini_hochberg, holm, holm_levels
from bench.reports.statistics.omnibus import Friedman, Omnibus, friedman, repeated_measures
from bench.reports.statistics.page import Page, page_trend
from bench.reports.statistics.pairing import Pairing, pairing, pairing_pays_from
from bench.reports.statistics.permutation import any_difference
from bench.reports.statistics.power import (
    detectable,
    detectable_independent,
    seeds_to_detect,
    seeds_to_show_equivalence,
    smallest_detectable,
)
from bench.reports.statistics.resampled import resampled
from bench.reports.statistics.splits import BySplit, compared_over_splits, over_splits
from bench.reports.statistics.spread import pitman_morgan
from bench.reports.statistics.superiority import superiority
from bench.reports.statistics.tasks import against_control, friedman_uncorrected, iman_davenport, nemenyi, ranks
from bench.reports.statistics.two_way import Crossed, crossed
from bench.reports.statistics.unpaired import welch, welch_sum

__all__ = [
    "ALPHA",
    "CONFIDENCE",
    "RESOLUTION",
    "BySplit",
    "Comparison",
    "Crossed",
    "Friedman",
    "Moments",
    "Omnibus",
    "Page",
    "Pairing",
    "above",
    "against_control",
    "any_difference",
    "below",
    "benjamini_hochberg",
    "compared_over_splits",
    "correlation",
    "crossed",
    "detectable",
    "detectable_independent",
    "edge_of",
    "equivalence",
    "friedman",
    "friedman_uncorrected",
    "holm",
    "holm_levels",
    "iman_davenport",
    "interval",
    "look_level",
    "mcnemar",
    "nemenyi",
    "one_sample",
    "over_splits",
    "page_trend",
    "paired",
    "pairing",
    "pairing_pays_from",
    "pitman_morgan",
    "ranks",
    "repeated_measures",
    "resampled",
    "seeds_to_detect",
    "seeds_to_show_equivalence",
    "sign_flip",
    "smallest_detectable",
    "smallest_permutation",
    "smallest_sign_flip",
    "summary",
    "superiority",
    "welch",
    "welch_sum",
]
