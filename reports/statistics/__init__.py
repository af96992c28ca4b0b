"""Statistics for a few seeds. Degenerate input is answered with None and a reason, never with NaN.

summary: n, mean, SD · mean: paired, one-sample and Welch t-tests · exact: sign-flip · margins: equivalence · multiplicity: Holm ·
power: what n seeds find · correlation · crossed: over seeds and items · checkpoints: McNemar · omnibus: k arms ·
tasks: ranks over many tasks.
"""

from reports.statistics.checkpoints import mcnemar
from reports.statistics.comparison import ALPHA, CONFIDENCE, Comparison, interval
from reports.statistics.correlations import correlation
from reports.statistics.exact import sign_flip, smallest_permutation, smallest_sign_flip
from reports.statistics.margins import beyond, equivalence
from reports.statistics.mean import one_sample, paired, welch
from reports.statistics.moments import RESOLUTION, Summary, summary
from reports.statistics.multiplicity import holm
from reports.statistics.omnibus import Friedman, Omnibus, friedman, repeated_measures
from reports.statistics.power import detectable, detectable_independent, seeds_to_detect, seeds_to_show_equivalence
from reports.statistics.tasks import against_control, friedman_uncorrected, iman_davenport, nemenyi, ranks
from reports.statistics.two_way import Crossed, crossed

__all__ = [
    "ALPHA",
    "CONFIDENCE",
    "RESOLUTION",
    "Comparison",
    "Crossed",
    "Friedman",
    "Omnibus",
    "Summary",
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
    "smallest_permutation",
    "smallest_sign_flip",
    "summary",
    "welch",
]
