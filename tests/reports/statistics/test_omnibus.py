"""Repeated-measures ANOVA and Friedman's test."""

import math
from collections import Counter
from itertools import permutations, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.anova import AnovaRM

from bench.reports.statistics import friedman, repeated_measures

pytestmark = pytest.mark.filterwarnings("error:::bench.reports.statistics")


def blocks(values, n=(2, 8), k=(2, 5)):
    """Tables of n blocks by k arms."""
    shape = st.tuples(st.integers(*n), st.integers(*k))
    return shape.flatmap(lambda nk: st.lists(st.lists(values, min_size=nk[1], max_size=nk[1]), min_size=nk[0], max_size=nk[0]))


FINE = st.floats(-10, 10).map(lambda value: round(value, 3))
COARSE = st.integers(0, 3).map(float)


@settings(max_examples=20)
@given(blocks(FINE))
def test_repeated_measures_agree_with_statsmodels(values):
    found = repeated_measures(values)
    assume(found.p is not None and found.statistic < 1e6)
    rows = [{"seed": s, "arm": a, "y": value} for s, block in enumerate(values) for a, value in enumerate(block)]
    expected = AnovaRM(pd.DataFrame(rows), "y", "seed", within=["arm"]).fit().anova_table.iloc[0]
    assert found.statistic == pytest.approx(expected["F Value"], rel=1e-6, abs=1e-9)
    assert (found.df1, found.df2) == (expected["Num DF"], expected["Den DF"])
    assert found.p == pytest.approx(expected["Pr > F"], rel=1e-6, abs=1e-9)


@given(blocks(FINE, k=(2, 2)))
def test_two_arms_are_the_paired_t_test_squared(values):
    found = repeated_measures(values)
    assume(found.p is not None)
    expected = stats.ttest_rel(*zip(*values, strict=True))
    assert found.statistic == pytest.approx(expected.statistic**2, rel=1e-6, abs=1e-9)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-9)


@given(blocks(COARSE, k=(3, 5)))
def test_friedman_agrees_with_scipy_on_tied_values(values):
    found = friedman(values)
    assume(not found.reason)
    expected = stats.friedmanchisquare(*zip(*values, strict=True))
    assert found.statistic == pytest.approx(expected.statistic, abs=1e-9)
    assert found.p_chi2 == pytest.approx(expected.pvalue, abs=1e-9)


@settings(max_examples=30)
@given(blocks(COARSE, n=(2, 4), k=(2, 3)))
def test_the_exact_p_counts_every_order_within_every_block(values):
    found = friedman(values)
    assume(not found.reason)
    orders = [list(permutations(stats.rankdata(block))) for block in values]
    spread = Counter(round(sum(sum(column) ** 2 for column in zip(*rows, strict=True)), 6) for rows in product(*orders))
    observed = round(sum(sum(column) ** 2 for column in zip(*map(stats.rankdata, values), strict=True)), 6)
    far = sum(count for value, count in spread.items() if value >= observed)
    assert found.p_exact == pytest.approx(far / sum(spread.values()))


def test_friedmans_exact_p_where_all_blocks_agree():
    assert friedman([[1, 2, 3, 4]] * 5).p_exact == pytest.approx(24**-4)
    assert friedman([[1, 2, 3]] * 10).p_exact == pytest.approx(6**-9)


def test_the_exact_p_is_given_where_it_is_quick():
    rng = np.random.default_rng(0)
    assert friedman(rng.random((10, 4))).p_exact is not None
    assert friedman(rng.random((5, 5))).p_exact is not None
    assert friedman(rng.random((11, 3))).p_exact is None
    assert friedman(rng.random((10, 9))).p_exact is None


def test_friedman_ranks_values_that_differ_by_rounding_as_ties():
    assert friedman([[0.3, 0.1 + 0.2, 0.5]] * 3) == friedman([[1, 1, 2]] * 3)


@settings(max_examples=30)
@given(blocks(FINE, k=(2, 4)), st.randoms(use_true_random=False))
def test_neither_order_of_blocks_nor_of_arms_matters(values, random):
    rows = random.sample(values, len(values))
    columns = random.sample(range(len(values[0])), len(values[0]))
    mixed = [[row[i] for i in columns] for row in rows]
    f, ranked = repeated_measures(values), friedman(values)
    again, ranked_again = repeated_measures(mixed), friedman(mixed)
    assert (again.reason, ranked_again.reason) == (f.reason, ranked.reason)
    assume(f.p is not None and not ranked.reason)
    assert again.p == pytest.approx(f.p, rel=1e-6, abs=1e-12)
    assert ranked_again.p_chi2 == pytest.approx(ranked.p_chi2)
    assert (ranked_again.p_exact or 0.0) == pytest.approx(ranked.p_exact or 0.0)


@pytest.mark.parametrize("few", [[], [[1.0, 2.0, 3.0]], [[1.0], [2.0], [3.0]]])
def test_one_block_or_one_arm_cannot_be_tested(few):
    for found in (repeated_measures(few), friedman(few)):
        assert found.reason == "a test needs at least two blocks and two arms" and found.statistic is None


def test_arms_without_spread_say_why():
    assert "no spread" in repeated_measures([[0.1, 0.2], [0.2, 0.3], [0.7, 0.8]]).reason
    assert "no spread" in repeated_measures([[1.0, 1.0], [1.0, 1.0]]).reason
    assert friedman([[1.0, 1.0], [2.0, 2.0]]).reason == "in every block all arms are equal"


@pytest.mark.parametrize("bad", [math.nan, -math.inf, 1e300])
def test_values_that_cannot_be_compared_say_which(bad):
    for found in (repeated_measures([[1.0, 2.0], [3.0, bad]]), friedman([[1.0, 2.0], [3.0, bad]])):
        assert found.reason == f"block 2 holds {bad:g}, which cannot be compared" and found.statistic is None


def test_blocks_of_unlike_length_raise():
    for test in (repeated_measures, friedman):
        with pytest.raises(ValueError, match="the same number of arms"):
            test([[1.0, 2.0], [1.0, 2.0, 3.0]])
