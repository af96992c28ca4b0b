import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from reports.statistics import holm, paired_t, summary


def arm(*values):
    return dict(enumerate(values))


VALUES = st.floats(-1e3, 1e3, allow_nan=False).map(lambda value: round(value, 3))
PAIRS = st.lists(st.tuples(VALUES, VALUES), min_size=2, max_size=12)


def test_five_seeds():
    result = paired_t(arm(0.912, 0.905, 0.921, 0.908, 0.916), arm(0.900, 0.896, 0.906, 0.901, 0.905))
    assert result.n == 5 and result.reason == ""
    assert result.difference == pytest.approx(0.0108)
    assert result.t == pytest.approx(7.96187, abs=5e-6)
    assert result.p == pytest.approx(0.00134817, abs=5e-9)
    assert (result.ci_low, result.ci_high) == pytest.approx((0.0070338, 0.0145662), abs=5e-8)
    assert result.d_z == pytest.approx(3.56065, abs=5e-6)


def test_darwins_plants():
    differences = [6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75]
    result = paired_t(arm(*differences), arm(*[0] * 15))
    assert result.t == pytest.approx(2.14799, abs=5e-6)
    assert result.p == pytest.approx(0.04970, abs=5e-6)


def test_three_arms_of_five_seeds_with_holm():
    rows = [(0.90, 0.92, 0.93), (0.89, 0.91, 0.915), (0.91, 0.915, 0.94), (0.88, 0.905, 0.92), (0.90, 0.93, 0.925)]
    a, b, c = (arm(*column) for column in zip(*rows, strict=True))
    corrected = holm([paired_t(a, b).p, paired_t(a, c).p, paired_t(b, c).p])
    assert corrected == pytest.approx([0.0175393, 0.00118348, 0.1161165], abs=5e-8)


def test_holm():
    assert holm([0.001, 0.03, 0.04, 0.5]) == pytest.approx([0.004, 0.09, 0.09, 0.5])
    assert holm([0.04, None, 0.5, 0.001, None, 0.03]) == pytest.approx([0.09, None, 0.5, 0.004, None, 0.09])
    assert holm([]) == []
    assert holm([None]) == [None]


def test_summary():
    assert summary([]) == (s := summary(iter(()))) and (s.n, s.mean, s.sd) == (0, None, None)
    assert summary([0.5]).sd is None
    five = summary([0.912, 0.905, 0.921, 0.908, 0.916])
    assert (five.n, five.mean, five.sd) == (5, pytest.approx(0.9124), pytest.approx(0.00634823, abs=5e-8))


def test_only_shared_seeds_are_compared():
    full = paired_t(arm(1.0, 2.0, 4.0), arm(0.5, 1.0, 1.5))
    assert paired_t({0: 1.0, 1: 2.0, 2: 4.0, 7: 99.0}, {2: 1.5, 1: 1.0, 0: 0.5, 8: -99.0}) == full


@pytest.mark.parametrize(
    ("a", "b", "n", "words"),
    [
        ({0: 1.0}, {1: 1.0}, 0, "no seed in common"),
        ({}, {}, 0, "no seed in common"),
        ({0: 1.5, 1: 3.0}, {0: 1.0}, 1, "one seed in common"),
        (arm(1.0, 1.0, 1.0), arm(1.0, 1.0, 1.0), 3, "the same for every seed"),
        (arm(0.9, 0.8, 0.7), arm(0.7, 0.6, 0.5), 3, "the same for every seed"),  # but for the rounding of binary fractions
        (arm(0.0, 0.0), arm(0.0, 0.0), 2, "the same for every seed"),
    ],
)
def test_what_cannot_be_tested_says_why(a, b, n, words):
    result = paired_t(a, b)
    assert words in result.reason
    assert (result.n, result.p, result.t, result.ci_low, result.d_z) == (n, None, None, None, None)
    assert result.difference is None if n == 0 else not math.isnan(result.difference)


@given(PAIRS)
def test_agrees_with_scipy_and_relabelling_flips_signs_only(pairs):
    a, b = (arm(*values) for values in zip(*pairs, strict=True))
    result, mirrored = paired_t(a, b), paired_t(b, a)
    assert mirrored.p == pytest.approx(result.p)
    assert mirrored.difference == pytest.approx(-result.difference)
    assume(result.p is not None)
    expected = stats.ttest_rel(list(a.values()), list(b.values()))
    interval = expected.confidence_interval(0.95)
    assert result.t == pytest.approx(expected.statistic, rel=1e-6, abs=1e-9)
    assert result.p == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)
    scale = max(abs(interval.low), abs(interval.high))
    assert (result.ci_low, result.ci_high) == pytest.approx((interval.low, interval.high), abs=1e-9 * scale)
    assert (mirrored.t, mirrored.ci_low, mirrored.d_z) == pytest.approx((-result.t, -result.ci_high, -result.d_z))


@settings(max_examples=15)  # statsmodels takes a tenth of a second each time
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_agrees_with_statsmodels(p):
    assert holm(p) == pytest.approx(list(multipletests(p, method="holm")[1]))
