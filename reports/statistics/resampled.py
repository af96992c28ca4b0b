"""A difference over seeds that each split the data anew: the splits overlap, so that their values are not independent."""

import math
from dataclasses import replace

from bench.reports.statistics.comparison import Comparison
from bench.reports.statistics.mean import with_interval, with_p


def resampled(c: Comparison, test_to_train: float) -> Comparison:
    """Return a paired or one-sample t-test with Nadeau and Bengio's variance, (1 / n + test / train) s^2, in place of s^2 / n.

    For metrics measured on the part that each seed splits off anew, never for a test set that stays the same. The second term
    does not shrink with n: where it alone is too large, no number of seeds settles the question.
    test_to_train: items of the part measured on, to items trained on; above 0. The exact sign-flip p takes seeds for independent,
    and is left out. What was not tested stays so, with its reason.
    ValueError where it is another test, or test_to_train is out of range.
    Source: Nadeau and Bengio (2003), Inference for the generalization error, Machine Learning 52.
    """
    if c.test != "t":
        raise ValueError(f"only a t-test over seeds can be corrected for overlapping splits, not {c.test}")
    if not 0 < test_to_train < math.inf:
        raise ValueError(f"the ratio of test to training items must be a finite number above 0, not {test_to_train}")
    plain = replace(c, test="resampled", smallest_p=None, test_to_train=test_to_train)
    if c.sd is None or c.difference is None:
        return replace(plain, exact_p=None)
    error = c.sd * math.sqrt(1 / c.n + test_to_train)
    tested = with_p(replace(plain, error=error, t=c.tested(c.difference) / error))
    return with_interval(replace(tested, exact_p=None))
