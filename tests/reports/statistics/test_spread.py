"""Pitman and Morgan's test of two paired standard deviations."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from bench.reports.statistics import above, below, interval, pitman_morgan, smallest_detectable

pytestmark = pytest.mark.filterwarnings("error:::bench.reports.statistics")
A = dict(enumerate((0.90, 0.89, 0.91, 0.88, 0.90)))
B = dict(enumerate((0.92, 0.91, 0.915, 0.905, 0.93)))
C = dict(enumerate((0.93, 0.915, 0.94, 0.92, 0.925)))
CONSTANT = "an arm's values are the same for every seed, so there is no ratio of spreads"
TOGETHER = "the two arms move together exactly, so there is no chance to test the spreads against"
VALUES = st.floats(-10, 10).map(lambda value: round(value, 3))
PAIRS = st.lists(st.tuples(VALUES, VALUES), min_size=3, max_size=10)
ANYTHING = st.dictionaries(st.integers(0, 5), st.floats(), max_size=6)


def arms(pairs):
    return (dict(enumerate(values)) for values in zip(*pairs, strict=True))


@pytest.mark.parametrize(("other", "r", "p"), [(B, 0.21202605, 0.73207659), (C, 0.30335547, 0.61976440)])
def test_three_arms_vary_alike(other, r, p):
    result = pitman_morgan(A, other)
    assert result.p == pytest.approx(p, abs=5e-9)
    assert result.t / math.hypot(result.t, math.sqrt(result.df)) == pytest.approx(r, abs=5e-9)
    assert (result.n, result.df, result.test, result.ratio, result.reason) == (5, 3, "pitman-morgan", True, "")
    assert result.difference == pytest.approx(np.std(list(A.values()), ddof=1) / np.std(list(other.values()), ddof=1))
    assert result.ci_low < 1 < result.ci_high


@given(PAIRS)
def test_it_is_the_correlation_of_sums_and_differences(pairs):
    a, b = arms(pairs)
    result = pitman_morgan(a, b)
    assume(result.p is not None)
    left, right = (np.array(list(arm.values())) for arm in (a, b))
    assume(min(np.std(left + right), np.std(left - right)) > 1e-6)
    expected = stats.pearsonr(left + right, left - right)
    assert result.p == pytest.approx(expected.pvalue, rel=1e-5, abs=1e-9)


@given(PAIRS, st.floats(-2, 2))
def test_scaling_an_arm_moves_the_interval(pairs, log_factor):
    a, b = arms(pairs)
    factor = math.exp(log_factor)
    one, scaled = pitman_morgan(a, b), pitman_morgan({seed: factor * value for seed, value in a.items()}, b)
    assume(one.p is not None and scaled.p is not None)
    assert scaled.error == pytest.approx(one.error, rel=1e-4)
    assume(one.ci_low > 1e-100 and one.ci_high < 1e100)
    assert (scaled.ci_low, scaled.ci_high) == pytest.approx((factor * one.ci_low, factor * one.ci_high), rel=1e-3)


@given(PAIRS)
def test_swapping_the_arms_inverts_the_ratio(pairs):
    a, b = arms(pairs)
    one, other = pitman_morgan(a, b), pitman_morgan(b, a)
    assume(one.p is not None)
    assert (other.p, other.t) == pytest.approx((one.p, -one.t))
    assert (1 / other.difference, 1 / other.ci_high) == pytest.approx((one.difference, one.ci_low))


@given(PAIRS, st.sampled_from([0.01, 0.05, 0.4]))
def test_the_ends_of_the_interval_are_just_not_rejected(pairs, alpha):
    result = pitman_morgan(*arms(pairs))
    assume(result.p is not None)
    low, high = (math.log(end) for end in interval(result, 1 - alpha))
    assume(max(abs(low), abs(high)) < 100)
    assert (above(result, low), below(result, high)) == pytest.approx((alpha, alpha), rel=1e-4)


def test_false_positives_and_coverage():
    """Correlated normal arms of 5 seeds, whose SDs are 1 and, in the second run, 3."""
    rng, studies = np.random.default_rng(0), 2000
    shared = rng.standard_normal((studies, 5))
    for factor in (1.0, 3.0):
        left, right = shared + rng.standard_normal((studies, 5)), shared + rng.standard_normal((studies, 5))
        pairs = zip((factor * left).tolist(), right.tolist(), strict=True)
        found = [pitman_morgan(dict(enumerate(a)), dict(enumerate(b))) for a, b in pairs]
        missed = sum(not result.ci_low <= factor <= result.ci_high for result in found) / studies
        assert missed == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / studies))


def test_five_seeds_find_a_ratio_near_five():
    a, b = dict(enumerate((1.0, -1.0, 0.0, 1.0, -1.0))), dict(enumerate((1.0, 1.0, 0.0, -1.0, -1.0)))  # uncorrelated
    assert smallest_detectable(pitman_morgan(a, b), 0.05) == pytest.approx(5, abs=0.5)


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        ({}, {}, "no seed in common; a test of spreads needs three"),
        ({0: 1.0}, {0: 2.0}, "one seed in common; a test of spreads needs three"),
        ({0: 1.0, 1: 2.0, 5: 3.0}, {0: 2.0, 1: 4.0}, "two seeds in common; a test of spreads needs three"),
        (
            {0: 1.0, 1: 1.0, 2: 1.0},
            {0: 2.0, 1: 4.0, 2: 1.0},
            CONSTANT,
        ),
        (
            {0: 1.0, 1: 2.0, 2: 4.0},
            {0: 2.0, 1: 4.0, 2: 8.0},
            TOGETHER,
        ),
        ({0: math.nan, 1: 2.0, 2: 4.0}, {0: 2.0, 1: 4.0, 2: 8.0}, "the value of seed 0 is nan, not a finite number"),
        ({0: 1.0, 1: 2.0, 2: 4.0}, {0: 2.0, 1: math.inf, 2: 8.0}, "the value of seed 1 is inf, not a finite number"),
    ],
)
def test_what_cannot_be_tested_says_why(a, b, words):
    result = pitman_morgan(a, b)
    assert (result.p, result.ci_low, result.reason) == (None, None, words)


@given(ANYTHING, ANYTHING)
def test_any_input_is_answered_with_finite_numbers_or_a_reason(a, b):
    result = pitman_morgan(a, b)
    assert (result.p is None) == bool(result.reason)
    numbers = (result.difference, result.p, result.t, result.df, result.error, result.ci_low, result.ci_high)
    assert all(math.isfinite(value) for value in numbers if value is not None)


def test_spreads_of_very_different_size_are_numbers():
    result = pitman_morgan({0: 1e150, 1: -1e150, 2: 1e149}, {0: 1e-160, 1: 2e-160, 2: 4e-160})
    assert math.isfinite(result.t) and result.p == 0.0


def test_a_confidence_must_be_a_share():
    with pytest.raises(ValueError, match="confidence must lie between 0 and 1, not 95"):
        pitman_morgan(A, B, confidence=95)
