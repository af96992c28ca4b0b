"""Many tasks by methods: mean ranks, the omnibus test of them, the critical difference, and methods against a control.

Average the seeds within a task first: tasks are the blocks. With fewer than 10 tasks the power is low.
Source of all: Demsar (2006), Statistical comparisons of classifiers over multiple data sets, JMLR 7.
"""

import math
from collections.abc import Sequence

from bench.reports.statistics.comparison import ALPHA, check_share
from bench.reports.statistics.multiplicity import holm
from bench.reports.statistics.omnibus import Omnibus
from bench.reports.statistics.ranking import midranks

LOW_POWER = 10
"""Fewer tasks than this deserve a warning."""


def ranks(tasks: Sequence[Sequence[float]], higher_is_better: bool = True) -> list[float]:
    """Return each method's mean rank over N tasks, [N][k]; 1 is best, and values equal but for rounding share their rank.

    ValueError of no task, of tasks that differ in length, or of values that are not finite.
    """
    if not tasks or not tasks[0] or len({len(task) for task in tasks}) > 1:
        raise ValueError("mean ranks need at least one task, each with a value of every method")
    if not all(math.isfinite(value) for task in tasks for value in task):
        raise ValueError("mean ranks need finite values")
    sign = -1 if higher_is_better else 1
    by_task = [midranks([sign * value for value in task]) for task in tasks]
    return [math.fsum(column) / len(tasks) for column in zip(*by_task, strict=True)]


def friedman_uncorrected(mean_ranks: Sequence[float], tasks: int) -> Omnibus:
    """Return Friedman's chi-squared of mean ranks over so many tasks, without correction for ties."""
    from scipy.special import chdtrc

    k = _methods(mean_ranks, tasks)
    chi2 = _chi_squared(mean_ranks, k, tasks)
    return Omnibus(chi2, k - 1, None, float(chdtrc(k - 1, chi2)))


def iman_davenport(mean_ranks: Sequence[float], tasks: int) -> Omnibus:
    """Return Iman and Davenport's F of mean ranks, less conservative than the chi-squared that it is reckoned from.

    Where every task ranks the methods alike F has no limit, and p is the exact share of such orders (Conover 1999, 5.8).
    The reason says so, or that one task allows no test. Source: Iman and Davenport (1980), Approximations of the critical
    region of the Friedman statistic.
    """
    from scipy.special import fdtrc

    k = _methods(mean_ranks, tasks)
    df1, df2 = k - 1, (k - 1) * (tasks - 1)
    if tasks < 2:
        return Omnibus(df1=df1, df2=df2, reason="one task; a test needs two")
    chi2, most = _chi_squared(mean_ranks, k, tasks), tasks * (k - 1)
    if most - chi2 <= 1e-9 * most:
        alike = "every task ranks the methods alike, so F has no limit; p is exact"
        return Omnibus(None, df1, df2, math.factorial(k) ** (1.0 - tasks), alike)
    f = (tasks - 1) * chi2 / (most - chi2)
    return Omnibus(f, df1, df2, float(fdtrc(df1, df2, f)))


def nemenyi(k: int, tasks: int, alpha: float = ALPHA) -> float:
    """Return the critical difference: mean ranks of k methods over so many tasks that are further apart differ significantly.

    ValueError of fewer than two methods, no task, or alpha out of range. Source: Nemenyi (1963), Distribution-free multiple
    comparisons.
    """
    from scipy.stats import studentized_range

    check_share("alpha", alpha)
    _at_least(k, tasks)
    q = float(studentized_range.ppf(1 - alpha, k, math.inf)) / math.sqrt(2)
    return q * _error(k, tasks)


def against_control(mean_ranks: Sequence[float], tasks: int, control: int) -> tuple[list[float | None], list[float | None]]:
    """Compare every method with the control: z, above 0 where the method ranks better, and two-sided p after Holm.

    control: its index. Both lists have the methods' order, with None at the control.
    """
    from scipy.special import ndtr

    k = _methods(mean_ranks, tasks)
    if not 0 <= control < k:
        raise ValueError(f"the control must be one of {k} methods, not {control}")
    error = _error(k, tasks)
    z = [None if i == control else (mean_ranks[control] - rank) / error for i, rank in enumerate(mean_ranks)]
    return z, holm([None if score is None else 2 * float(ndtr(-abs(score))) for score in z])


def _chi_squared(mean_ranks: Sequence[float], k: int, tasks: int) -> float:
    return 12 * tasks / (k * (k + 1)) * math.fsum((rank - (k + 1) / 2) ** 2 for rank in mean_ranks)


def _error(k: int, tasks: int) -> float:
    return math.sqrt(k * (k + 1) / (6 * tasks))


def _methods(mean_ranks: Sequence[float], tasks: int) -> int:
    _at_least(len(mean_ranks), tasks)
    return len(mean_ranks)


def _at_least(k: int, tasks: int) -> None:
    if k < 2 or tasks < 1:
        raise ValueError(f"mean ranks are compared between at least two methods, over at least one task; not {k} over {tasks}")
