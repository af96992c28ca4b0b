"""Equivalence, and intervals at other confidences."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.weightstats import ttost_ind, ttost_paired

from bench.reports.statistics import correlation, equivalence, interval, paired, welch

pytestmark = pytest.mark.filterwarnings("error:::bench.reports.statistics")
VALUES = st.floats(-10, 10).map(lambda value: round(value, 3))
PAIRS = st.lists(st.tuples(VALUES, VALUES), min_size=2, max_size=10)
MARGINS = st.sampled_from([0.01, 0.5, 2.0, 20.0])


def arm(*values):
    return dict(enumerate(values))


def array(values):
    return np.array(list(values.values()))


def arms(pairs):
    return (arm(*values) for values in zip(*pairs, strict=True))


def compare(a, b, kind):
    return welch(a, b) if kind == "welch" else paired(a, b, test=kind)


@given(PAIRS, MARGINS)
def test_paired_equivalence_agrees_with_statsmodels(pairs, margin):
    a, b = arms(pairs)
    result = paired(a, b)
    assume(result.p is not None)
    expected = ttost_paired(array(a), array(b), -margin, margin)[0]
    assert equivalence(result, margin) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(st.lists(VALUES, min_size=2, max_size=8), st.lists(VALUES, min_size=2, max_size=8), MARGINS)
def test_unpaired_equivalence_agrees_with_statsmodels(left, right, margin):
    result = welch(arm(*left), arm(*right))
    assume(result.p is not None)
    expected = ttost_ind(np.array(left), np.array(right), -margin, margin, usevar="unequal")[0]
    assert equivalence(result, margin) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(PAIRS, MARGINS, st.sampled_from(["t", "welch"]), st.sampled_from([0.05, 0.01, 0.0125]))
def test_arms_are_equivalent_exactly_where_the_interval_lies_inside_the_margin(pairs, margin, kind, alpha):
    result = compare(*arms(pairs), kind)
    assume(result.p is not None)
    p, (low, high) = equivalence(result, margin), interval(result, 1 - 2 * alpha)
    assume(abs(p - alpha) > 1e-9)
    assert (p <= alpha) == (-margin <= low and high <= margin)


@given(PAIRS, MARGINS, st.sampled_from(["t", "welch", "sign-flip"]))
def test_relabelling_the_arms_leaves_the_p_value(pairs, margin, kind):
    a, b = arms(pairs)
    result, mirrored = compare(a, b, kind), compare(b, a, kind)
    assert equivalence(mirrored, margin) == pytest.approx(equivalence(result, margin))


@given(PAIRS)
def test_an_interval_at_another_confidence_agrees_with_scipy(pairs):
    a, b = arms(pairs)
    result = paired(a, b)
    assume(result.p is not None)
    bounds = stats.ttest_rel(array(a), array(b)).confidence_interval(0.9)
    assert interval(result, 0.9) == pytest.approx(tuple(bounds), abs=1e-9 * max(map(abs, bounds)))
    assert interval(result, result.confidence) == (result.ci_low, result.ci_high)


def test_a_margin_of_a_ratio_is_a_share_both_ways():
    a, b = arm(1.01, 0.99, 1.02, 1.0, 0.985), arm(1.0, 1.01, 1.0, 1.0, 1.0)
    result = paired(a, b, ratio=True)
    low, high = interval(result, 0.9)
    assert 1 / 1.1 < low < high < 1.1 and equivalence(result, 0.1) < 0.05
    logs = paired({s: math.log(v) for s, v in a.items()}, {s: math.log(v) for s, v in b.items()})
    assert equivalence(result, 0.1) == pytest.approx(equivalence(logs, math.log(1.1)))
    assert equivalence(paired(b, a, ratio=True), 0.1) == pytest.approx(equivalence(result, 0.1))


def test_a_margin_of_a_correlation_is_r_itself():
    x = [0.1, 0.4, 0.35, 0.8, 0.9, 0.7, 0.2, 0.55, 0.6, 0.05]
    y = [0.2, 0.3, 0.50, 0.9, 0.8, 0.6, 0.1, 0.45, 0.75, 0.0]
    result = correlation(x, y)
    low, high = interval(result, 0.9)
    assert 0 < low < result.difference < high < 1
    assert equivalence(result, (high + 1) / 2) < 0.05 < equivalence(result, (high + result.difference) / 2)


def test_equivalence_by_sign_flip_needs_the_exact_tests_and_the_interval():
    a, b = arm(0.1, -0.2, 0.15, 0.0, -0.05), arm(*[0.0] * 5)
    result, usual = paired(a, b, test="sign-flip"), paired(a, b)
    assert equivalence(usual, 1.0) < 0.01
    assert equivalence(result, 1.0) == 1 / 32  # no smaller one-sided p exists with five seeds
    assert equivalence(result, 0.15) == pytest.approx(max(equivalence(usual, 0.15), equivalence(result, 0.15)))


@pytest.mark.parametrize("result", [paired(arm(0.9, 0.8), arm(0.7, 0.6)), paired({}, {}), welch(arm(1.0), arm(1.0, 2.0))])
def test_what_was_not_tested_has_neither_p_nor_interval(result):
    assert result.reason
    assert equivalence(result, 0.1) is None and interval(result, 0.9) is None


@pytest.mark.parametrize("margin", [-0.1, math.nan, math.inf])
def test_a_margin_must_be_a_number_of_at_least_zero(margin):
    result = paired(arm(1.0, 2.0), arm(1.0, 3.0))
    with pytest.raises(ValueError, match="a margin must be a finite number of at least 0"):
        equivalence(result, margin)


def test_an_equivalence_margin_must_be_above_zero():
    with pytest.raises(ValueError, match="an equivalence margin must be above 0"):
        equivalence(paired(arm(1.0, 2.0), arm(1.0, 3.0)), 0)


def test_a_margin_of_a_correlation_must_be_below_one():
    with pytest.raises(ValueError, match="a margin of a correlation must be below 1"):
        equivalence(correlation([1, 2, 3, 4], [1, 2, 4, 3]), 1.0)


def test_a_confidence_must_be_a_share():
    with pytest.raises(ValueError, match="confidence must lie between 0 and 1, not 90"):
        interval(paired(arm(1.0, 2.0), arm(1.0, 3.0)), 90)
