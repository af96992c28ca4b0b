"""Weighted sums of the means of arms that share no seeds."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.oneway import anova_oneway

from bench.reports.statistics import paired, welch, welch_sum

pytestmark = pytest.mark.filterwarnings("error:::bench.reports.statistics")
VALUES = st.lists(st.floats(0.5, 50).map(lambda value: round(value, 2)), min_size=2, max_size=7)
ANYTHING = st.dictionaries(st.integers(0, 4), st.floats(), max_size=4)


def arm(values):
    return dict(enumerate(values))


@given(VALUES, VALUES, st.booleans())
def test_two_arms_are_welchs_test(a, b, ratio):
    result = welch_sum([arm(a), arm(b)], [1, -1], ratio=ratio)
    assert result == welch(arm(a), arm(b), ratio=ratio)
    assume(result.p is not None)
    left, right = (np.log(values) if ratio else np.array(values) for values in (a, b))
    assume(min(np.ptp(left), np.ptp(right)) > 0)  # scipy warns of an arm without spread
    assert result.p == pytest.approx(stats.ttest_ind(left, right, equal_var=False).pvalue, rel=1e-6, abs=1e-12)


@given(st.lists(VALUES, min_size=2, max_size=5), st.lists(st.floats(-3, 3), min_size=5, max_size=5))
def test_sums_have_satterthwaites_degrees_of_freedom(arms, weights):
    weights = weights[: len(arms)]
    assume(any(abs(weight) > 0.01 for weight in weights))
    result = welch_sum([arm(values) for values in arms], weights)
    assume(result.p is not None)
    parts = np.array([weight**2 * np.var(values, ddof=1) / len(values) for weight, values in zip(weights, arms, strict=True)])
    dfs = np.array([len(values) - 1 for values in arms])
    middle = sum(weight * np.mean(values) for weight, values in zip(weights, arms, strict=True))
    assert result.difference == pytest.approx(middle, abs=1e-9)
    assert result.error == pytest.approx(math.sqrt(parts.sum()))
    assert result.df == pytest.approx(parts.sum() ** 2 / (parts**2 / dfs).sum())
    assert result.p == pytest.approx(2 * stats.t.sf(abs(middle) / result.error, result.df), rel=1e-6, abs=1e-9)


def test_a_double_difference_agrees_with_an_analysis_of_equal_arms():
    """With two arms the squared t is Welch's F of statsmodels."""
    a, b = [1.0, 2.0, 4.0, 3.0], [2.0, 5.0, 9.0]
    assert welch_sum([arm(a), arm(b)], [2, -2]).t ** 2 == pytest.approx(anova_oneway([a, b], use_var="unequal").statistic)


def test_twice_the_weights_are_twice_the_difference():
    arms = [arm([1.0, 2.0, 4.0]), arm([2.0, 5.0, 9.0]), arm([3.0, 3.5, 1.0])]
    one, two = welch_sum(arms, [1, -2, 1]), welch_sum(arms, [2, -4, 2])
    assert (two.difference, two.ci_high) == pytest.approx((2 * one.difference, 2 * one.ci_high))
    assert (two.t, two.p, two.df) == pytest.approx((one.t, one.p, one.df))
    assert (one.n, one.n_left, one.n_right) == (9, 6, 3)


def test_an_arm_of_weight_zero_is_left_out():
    a, b = arm([1.0, 2.0, 4.0]), arm([2.0, 5.0, 9.0])
    assert welch_sum([a, {}, b], [1, 0, -1]) == welch(a, b)


def test_one_arm_is_a_test_of_its_mean():
    a = arm([1.0, 2.0, 4.0])
    result, expected = welch_sum([a], [1]), paired(a, dict.fromkeys(a, 0.0))
    assert (result.t, result.df, result.p, result.ci_low) == pytest.approx((expected.t, expected.df, expected.p, expected.ci_low))


@pytest.mark.parametrize(
    ("arms", "words"),
    [
        ([{0: 1.0, 1: 2.0}, {}, {0: 1.0, 1: 3.0}], "an arm has no seed"),
        ([{0: 1.0, 1: 2.0}, {0: 1.0}, {0: 1.0, 1: 3.0}], "an arm has one seed; a test needs two in each"),
        ([{0: 1.0, 1: 1.0}] * 3, "each arm's values are the same for every seed, so there is no spread to test against"),
        ([{0: 1.0, 1: math.nan}] * 3, "the value of seed 1 is nan, not a finite number"),
        ([{0: math.inf, 1: 1.0}] * 3, "the value of seed 0 is inf, not a finite number"),
    ],
)
def test_what_cannot_be_tested_says_why(arms, words):
    result = welch_sum(arms, [1, -0.5, -0.5])
    assert (result.p, result.ci_low, result.reason) == (None, None, words)


@given(st.lists(ANYTHING, min_size=3, max_size=3))
def test_any_input_is_answered_with_finite_numbers_or_a_reason(arms):
    result = welch_sum(arms, [1, -2, 1])
    assert (result.p is None) == bool(result.reason)
    numbers = (result.difference, result.p, result.t, result.df, result.ci_low, result.ci_high)
    assert all(math.isfinite(value) for value in numbers if value is not None)


def test_weights_must_fit():
    a = arm([1.0, 2.0])
    with pytest.raises(ValueError, match="there are 2 arms and 1 weights"):
        welch_sum([a, a], [1])
    for weights in ([0, 0], [math.nan, 1], [math.inf, 1]):
        with pytest.raises(ValueError, match="weights must be finite numbers"):
            welch_sum([a, a], weights)
