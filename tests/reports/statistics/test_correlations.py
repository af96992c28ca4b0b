"""Pearson's and Spearman's correlations over a few items."""

import math
from itertools import permutations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from bench.reports.statistics import correlation

pytestmark = pytest.mark.filterwarnings("error:::bench.reports.statistics")
VALUES = st.floats(-100, 100).map(lambda value: round(value, 2))
COARSE = st.integers(-3, 3).map(lambda value: value / 10)
POINTS = st.lists(st.tuples(VALUES, VALUES), min_size=4, max_size=15)


def columns(points):
    return [list(column) for column in zip(*points, strict=True)]


@given(POINTS)
def test_pearson_agrees_with_scipy(points):
    x, y = columns(points)
    result = correlation(x, y)
    assume(result.p is not None)
    expected = stats.pearsonr(x, y)
    low, high = expected.confidence_interval(0.95)
    assert (result.difference, result.df, result.n) == (pytest.approx(expected.statistic, abs=1e-9), len(x) - 2, len(x))
    assert result.p == pytest.approx(expected.pvalue, rel=1e-5, abs=1e-9)
    assert (result.ci_low, result.ci_high) == pytest.approx((low, high), abs=1e-7)


@settings(max_examples=20)
@given(st.lists(st.tuples(COARSE, COARSE), min_size=4, max_size=5))
def test_spearman_of_few_items_counts_every_order(points):
    x, y = columns(points)
    result = correlation(x, y, method="spearman")
    assume(result.p is not None)
    assert result.difference == pytest.approx(stats.spearmanr(x, y).statistic)
    ranked = stats.rankdata(x)
    observed = abs(stats.spearmanr(x, y).statistic)
    rho = [abs(stats.pearsonr(ranked, order).statistic) for order in permutations(stats.rankdata(y))]
    assert result.p == pytest.approx(sum(value >= observed - 1e-9 for value in rho) / len(rho))


@given(st.lists(st.tuples(VALUES, VALUES), min_size=9, max_size=15))
def test_spearman_of_more_items_agrees_with_scipy(points):
    x, y = columns(points)
    result = correlation(x, y, method="spearman")
    assume(result.p is not None)
    expected = stats.spearmanr(x, y)
    assert result.difference == pytest.approx(expected.statistic, abs=1e-9)
    assert result.p == pytest.approx(max(expected.pvalue, 2 / math.factorial(len(x))), rel=1e-5, abs=1e-12)


def test_spearmans_exact_p_of_five_items():
    """Kendall's tables: 1 - 6 * 2 / 120 = 0.9 is reached by 5 of 120 orders on each side."""
    result = correlation([1, 2, 3, 4, 5], [1, 2, 3, 5, 4], method="spearman")
    assert result.difference == pytest.approx(0.9) and result.p == pytest.approx(10 / 120)
    assert result.error == pytest.approx(1.03 / math.sqrt(2))


def test_values_that_differ_by_rounding_share_their_rank():
    x = [0.3, 0.1 + 0.2, 0.5, 0.7]
    exact = correlation([1, 1, 2, 3], [1, 2, 3, 4], method="spearman")
    assert correlation(x, [1, 2, 3, 4], method="spearman") == exact


def test_a_perfect_order_has_the_p_of_one_order_and_its_mirror_image_but_no_interval():
    five, twelve = (correlation(range(n), [value**3 for value in range(n)], method="spearman") for n in (5, 12))
    assert (five.difference, five.p) == (1.0, pytest.approx(2 / 120))
    assert (twelve.difference, twelve.p) == (1.0, pytest.approx(2 / math.factorial(12)))
    assert five.ci_low is five.ci_high is five.t is None


@given(POINTS, st.sampled_from(["pearson", "spearman"]))
@settings(max_examples=30)
def test_turning_one_scale_round_turns_the_sign_and_nothing_else(points, method):
    x, y = columns(points)
    result, turned = correlation(x, y, method=method), correlation(x, [-value for value in y], method=method)
    swapped = correlation(y, x, method=method)
    assert turned.reason == result.reason and bool(swapped.reason) == bool(result.reason)
    assume(not result.reason)
    assert (turned.difference, turned.p) == pytest.approx((-result.difference, result.p))
    assert (swapped.difference, swapped.p) == pytest.approx((result.difference, result.p))
    assume(result.ci_low is not None)
    assert (turned.ci_low, turned.ci_high) == pytest.approx((-result.ci_high, -result.ci_low))


@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        ([], [], "a correlation needs at least 4 items, and there are 0"),
        ([1, 2, 3], [3, 1, 2], "a correlation needs at least 4 items, and there are 3"),
        ([1, 1, 1, 1], [1, 2, 3, 4], "x is the same for every item"),
        ([1, 2, 3, 4], [0.3, 0.3, 0.1 + 0.2, 0.3], "y is the same for every item"),
        ([1, 2, math.nan, 4], [1, 2, 3, 4], "the value of x of item 3 is nan, not a finite number"),
        ([1, 2, 3, 4], [1, 2, 3, math.inf], "the value of y of item 4 is inf, not a finite number"),
        ([1, 2, 3, 1e200], [1, 2, 3, 4], "the value of x of item 4, 1e+200, is too large to be compared"),
    ],
)
@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_items_that_cannot_be_correlated_say_why(x, y, reason, method):
    result = correlation(x, y, method=method)
    assert (result.reason, result.p, result.difference, result.ci_low) == (reason, None, None, None)


def test_items_on_a_line_have_no_spread_to_test_against():
    result = correlation([0.1, 0.2, 0.3, 0.4], [-0.3, -0.6, -0.9, -1.2])
    assert (result.difference, result.p) == (-1.0, None)
    assert result.reason == "the items lie on a straight line, so there is no spread to test it against"


@given(st.lists(st.tuples(st.floats(), st.floats()), max_size=9), st.sampled_from(["pearson", "spearman"]))
def test_any_input_is_answered_with_finite_numbers_or_a_reason(points, method):
    x, y = columns(points) if points else ([], [])
    result = correlation(x, y, method=method)
    assert (result.p is None) == bool(result.reason)
    numbers = (result.difference, result.p, result.t, result.ci_low, result.ci_high, result.error)
    assert all(math.isfinite(value) for value in numbers if value is not None)


def test_misuse_raises():
    with pytest.raises(ValueError, match="method must be pearson or spearman, not 'kendall'"):
        correlation([1, 2, 3, 4], [1, 2, 3, 4], method="kendall")
    with pytest.raises(ValueError, match="x has 3 values and y has 4"):
        correlation([1, 2, 3], [1, 2, 3, 4])
