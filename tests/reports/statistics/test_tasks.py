"""Mean ranks over many tasks and what is said about them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from bench.reports.statistics import against_control, friedman, friedman_uncorrected, iman_davenport, nemenyi, ranks

pytestmark = pytest.mark.filterwarnings("error:::bench.reports.statistics")
HUNDREDTHS = st.integers(0, 30).map(lambda value: value / 100)


def tables(unique):
    """Results of n tasks by k methods; unique: no two methods alike on a task."""
    shape = st.tuples(st.integers(2, 12), st.integers(2, 6))

    def of(n, k):
        return st.lists(st.lists(HUNDREDTHS, min_size=k, max_size=k, unique=unique), min_size=n, max_size=n)

    return shape.flatmap(lambda nk: of(*nk))


TASKS = tables(unique=False)


@given(TASKS, st.booleans())
def test_mean_ranks_agree_with_scipy(tasks, higher):
    expected = stats.rankdata(-np.array(tasks) if higher else tasks, axis=1).mean(axis=0)
    assert ranks(tasks, higher_is_better=higher) == pytest.approx(list(expected))


def test_values_that_differ_by_rounding_share_their_rank():
    assert ranks([[0.3, 0.1 + 0.2, 0.9]]) == [2.5, 2.5, 1.0]


@given(tables(unique=True))
def test_without_ties_the_statistic_is_friedmans(tasks):
    assert friedman_uncorrected(ranks(tasks), len(tasks)).statistic == pytest.approx(friedman(tasks).statistic, abs=1e-9)


def test_nemenyis_pairwise_p_agrees_with_scikit_posthocs():
    posthocs = pytest.importorskip("scikit_posthocs")
    rng = np.random.default_rng(5)
    for n, k in ((6, 3), (14, 4), (30, 6)):
        tasks = rng.random((n, k)) + np.arange(k) / 4
        p = posthocs.posthoc_nemenyi_friedman(tasks).to_numpy()
        mean_ranks = np.array(ranks(tasks.tolist()))
        apart = np.abs(mean_ranks[:, None] - mean_ranks[None, :])
        for alpha in (0.05, 0.1):
            assert ((apart > nemenyi(k, n, alpha)) == (p < alpha)).all()


@pytest.mark.parametrize(
    ("k", "q05", "q10"), [(2, 1.960, 1.645), (3, 2.343, 2.052), (4, 2.569, 2.291), (5, 2.728, 2.459), (10, 3.164, 2.920)]
)
def test_critical_values_are_those_of_demsars_table(k, q05, q10):
    error = math.sqrt(k * (k + 1) / (6 * 20))
    assert nemenyi(k, 20) / error == pytest.approx(q05, abs=1e-3)
    assert nemenyi(k, 20, 0.1) / error == pytest.approx(q10, abs=1e-3)


@settings(max_examples=15)  # statsmodels takes a tenth of a second each time
@given(TASKS, st.data())
def test_a_control_is_compared_by_normal_deviates_and_holm(tasks, data):
    mean_ranks = ranks(tasks)
    control = data.draw(st.integers(0, len(mean_ranks) - 1))
    z, p = against_control(mean_ranks, len(tasks), control)
    others = [i for i in range(len(mean_ranks)) if i != control]
    assert z[control] is p[control] is None
    assert all((z[i] > 0) == (mean_ranks[i] < mean_ranks[control]) for i in others)
    raw = [2 * stats.norm.sf(abs(z[i])) for i in others]
    assert [p[i] for i in others] == pytest.approx(list(multipletests(raw, method="holm")[1]))


def test_tasks_that_all_agree_have_the_exact_p():
    found = iman_davenport(ranks([[0.9, 0.8, 0.7]] * 4), 4)
    assert (found.statistic, found.df1, found.df2) == (None, 2, 6)
    assert found.p == pytest.approx(friedman([[0.9, 0.8, 0.7]] * 4).p_exact) == pytest.approx(6**-3)
    assert "every task ranks the methods alike" in found.reason


def test_one_task_allows_no_test():
    found = iman_davenport([1.0, 2.0], 1)
    assert (found.statistic, found.p, found.reason) == (None, None, "one task; a test needs two")


@pytest.mark.parametrize("tasks", [[], [[]], [[1.0, 2.0], [1.0]]])
def test_tasks_must_hold_every_method(tasks):
    with pytest.raises(ValueError, match="at least one task, each with a value of every method"):
        ranks(tasks)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_values_must_be_finite(bad):
    with pytest.raises(ValueError, match="finite"):
        ranks([[1.0, bad]])


def test_misuse_raises():
    with pytest.raises(ValueError, match="at least two methods, over at least one task"):
        nemenyi(1, 5)
    with pytest.raises(ValueError, match="at least two methods, over at least one task"):
        friedman_uncorrected([1.0, 2.0], 0)
    with pytest.raises(ValueError, match="alpha must lie between 0 and 1"):
        nemenyi(3, 5, 5)
    with pytest.raises(ValueError, match="the control must be one of 2 methods, not 2"):
        against_control([1.0, 2.0], 5, 2)
