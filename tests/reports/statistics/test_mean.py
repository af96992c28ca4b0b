"""Paired, one-sample and Welch t-tests: agreement with scipy, properties, and input that cannot be tested."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from bench.reports.statistics import Comparison, one_sample, paired, welch

pytestmark = pytest.mark.filterwarnings("error:::bench.reports.statistics")
VALUES = st.floats(-1e3, 1e3, allow_nan=False).map(lambda value: round(value, 3))
TIMES = st.floats(0.5, 1e4).map(lambda value: round(value, 2))
PAIRS = st.lists(st.tuples(VALUES, VALUES), min_size=2, max_size=12)
ANYTHING = st.dictionaries(st.integers(0, 5), st.floats(), max_size=6)
NAN, INF = math.nan, math.inf


def arm(*values):
    return dict(enumerate(values))


def arms(pairs):
    return (arm(*values) for values in zip(*pairs, strict=True))


def numbers(result: Comparison) -> list[float]:
    fields = ("difference", "ci_low", "ci_high", "t", "df", "p", "error", "sd", "d_z", "exact_p", "smallest_p", "unbiased_d_z")
    return [value for value in (getattr(result, name) for name in fields) if value is not None] + list(result.deltas.values())


def test_only_shared_seeds_are_compared():
    full = paired(arm(1.0, 2.0, 4.0), arm(0.5, 1.0, 1.5))
    assert paired({0: 1.0, 1: 2.0, 2: 4.0, 7: 99.0}, {2: 1.5, 1: 1.0, 0: 0.5, 8: NAN}) == full


@given(PAIRS)
def test_a_paired_test_agrees_with_scipy(pairs):
    a, b = arms(pairs)
    result = paired(a, b)
    assume(result.p is not None)
    expected = stats.ttest_rel(list(a.values()), list(b.values()))
    bounds = expected.confidence_interval(0.95)
    assert result.t == pytest.approx(expected.statistic, rel=1e-6, abs=1e-9)
    assert result.p == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)
    assert (result.ci_low, result.ci_high) == pytest.approx(bounds, abs=1e-9 * max(map(abs, bounds)))


@given(PAIRS, st.sampled_from([0.5, 0.9, 0.99]))
def test_per_seed_quantities_agree_with_scipy(pairs, confidence):
    deltas = arm(*(a for a, _ in pairs))
    result = one_sample(deltas, max(map(abs, deltas.values())), confidence=confidence)
    assume(result.p is not None)
    expected = stats.ttest_1samp(list(deltas.values()), 0)
    bounds = expected.confidence_interval(confidence)
    assert (result.t, result.df) == (pytest.approx(expected.statistic, rel=1e-6, abs=1e-9), expected.df)
    assert result.p == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)
    assert (result.ci_low, result.ci_high) == pytest.approx(bounds, abs=1e-9 * max(map(abs, bounds)))


@pytest.mark.filterwarnings("ignore:Precision loss:RuntimeWarning")  # scipy's, of an arm without spread
@given(st.lists(VALUES, min_size=2, max_size=8), st.lists(VALUES, min_size=2, max_size=8))
def test_an_unpaired_test_agrees_with_scipy(left, right):
    result = welch(arm(*left), arm(*right))
    assume(result.p is not None)
    expected = stats.ttest_ind(left, right, equal_var=False)
    bounds = expected.confidence_interval(0.95)
    assert (result.t, result.df) == pytest.approx((expected.statistic, expected.df), rel=1e-6, abs=1e-9)
    assert result.p == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)
    assert (result.ci_low, result.ci_high) == pytest.approx(bounds, abs=1e-9 * max(map(abs, bounds)))


@given(st.lists(st.tuples(TIMES, TIMES), min_size=2, max_size=8), st.booleans())
def test_a_ratio_is_the_difference_of_logarithms_exponentiated(pairs, shared):
    a, b = arms(pairs)
    test = paired if shared else welch
    result = test(a, b, ratio=True)
    assume(result.p is not None)
    logs = test({seed: math.log(v) for seed, v in a.items()}, {seed: math.log(v) for seed, v in b.items()})
    assert result.ratio and not logs.ratio
    assert (result.t, result.p, result.error) == pytest.approx((logs.t, logs.p, logs.error))
    assert result.difference == pytest.approx(math.exp(logs.difference))
    assume(logs.ci_high < 600)
    assert (result.ci_low, result.ci_high) == pytest.approx((math.exp(logs.ci_low), math.exp(logs.ci_high)), rel=1e-9)


@given(PAIRS, st.sampled_from(["t", "sign-flip", "welch"]))
def test_relabelling_the_arms_flips_signs_and_nothing_else(pairs, test):
    a, b = arms(pairs)
    compare = welch if test == "welch" else lambda x, y: paired(x, y, test=test)
    result, mirrored = compare(a, b), compare(b, a)
    assert mirrored.difference == pytest.approx(-result.difference)
    same = ("n", "df", "p", "exact_p", "smallest_p", "error", "sd", "test", "reason", "scale", "confidence")
    assert [getattr(mirrored, name) for name in same] == pytest.approx([getattr(result, name) for name in same])
    assert mirrored.deltas == pytest.approx({seed: -delta for seed, delta in result.deltas.items()})
    assume(result.t is not None)
    assert (mirrored.t, mirrored.ci_low, mirrored.ci_high) == pytest.approx((-result.t, -result.ci_high, -result.ci_low))


def test_relabelling_the_arms_of_a_ratio_inverts_it():
    a, b = arm(3.0, 4.0, 6.0), arm(2.0, 2.5, 2.5)
    result, mirrored = paired(a, b, ratio=True), paired(b, a, ratio=True)
    assert mirrored.p == pytest.approx(result.p)
    inverted = (1 / result.difference, 1 / result.ci_high, 1 / result.ci_low)
    assert (mirrored.difference, mirrored.ci_low, mirrored.ci_high) == pytest.approx(inverted)
    assert mirrored.deltas == pytest.approx({seed: 1 / ratio for seed, ratio in result.deltas.items()})


@given(PAIRS, st.sampled_from([0.001, 0.01, 100.0, 3600.0]), st.booleans())
def test_scaling_both_arms_scales_the_estimate(pairs, factor, shared):
    a, b = arms(pairs)
    test = paired if shared else welch
    result = test(a, b)
    scaled = test({seed: factor * v for seed, v in a.items()}, {seed: factor * v for seed, v in b.items()})
    assert scaled.difference == pytest.approx(factor * result.difference, abs=1e-12 * factor * 1e3)
    assert scaled.reason == result.reason
    assume(result.p is not None)
    assert scaled.p == pytest.approx(result.p, rel=1e-6, abs=1e-12)
    limit = 1e-9 * factor * max(abs(result.ci_low), abs(result.ci_high))
    assert (scaled.ci_low, scaled.ci_high) == pytest.approx((factor * result.ci_low, factor * result.ci_high), abs=limit)


@given(PAIRS, st.sampled_from([-500.0, 0.125, 7.0]), st.booleans())
def test_adding_a_constant_to_both_arms_changes_nothing(pairs, constant, shared):
    a, b = arms(pairs)
    test = paired if shared else welch
    result, moved = test(a, b), test({s: v + constant for s, v in a.items()}, {s: v + constant for s, v in b.items()})
    assert moved.reason == result.reason
    assert moved.difference == pytest.approx(result.difference, abs=1e-11)
    assume(result.p is not None)
    assert moved.p == pytest.approx(result.p, rel=1e-5, abs=1e-9)
    assert moved.exact_p == result.exact_p


@pytest.mark.parametrize(
    ("a", "b", "n", "words"),
    [
        ({0: 1.0}, {1: 1.0}, 0, "no seed in common"),
        ({}, {}, 0, "no seed in common"),
        ({0: 1.5, 1: 3.0}, {0: 1.0}, 1, "one seed in common; a test needs two"),
        (arm(1.0, 1.0, 1.0), arm(1.0, 1.0, 1.0), 3, "the difference is the same for every seed"),
        (arm(0.0, 0.0), arm(0.0, 0.0), 2, "the same for every seed"),
        (arm(1.0, NAN), arm(1.0, 2.0), 2, "the value of seed 1 is nan, not a finite number"),
        (arm(1.0, 2.0), arm(-INF, 2.0), 2, "the value of seed 0 is -inf, not a finite number"),
        (arm(1.0, 1.7e308), arm(0.0, -1.7e308), 2, "seed 1, 1.7e+308, is too large"),
    ],
)
@pytest.mark.parametrize("test", ["t", "sign-flip"])
def test_arms_that_cannot_be_compared_say_why(a, b, n, words, test):
    result = paired(a, b, test=test)
    assert words in result.reason
    assert (result.n, result.p, result.t, result.ci_low, result.d_z, result.error) == (n, None, None, None, None, None)
    assert all(map(math.isfinite, numbers(result)))


def test_the_same_difference_for_every_seed_is_still_told():
    result = paired(arm(0.9, 0.8, 0.7), arm(0.7, 0.6, 0.5))
    assert result.difference == pytest.approx(0.2) and result.deltas == pytest.approx({0: 0.2, 1: 0.2, 2: 0.2})
    assert result.exact_p == result.smallest_p == 0.25


@pytest.mark.parametrize("bad", [0.0, -2.0])
@pytest.mark.parametrize("test", [paired, welch])
def test_a_ratio_needs_values_above_zero(bad, test):
    result = test(arm(1.0, 2.0), arm(1.0, bad), ratio=True)
    assert result.reason == f"a ratio needs values above 0, and that of seed 1 is {bad:g}"
    assert result.p is None and result.difference is None


def test_a_constant_ratio_has_no_spread():
    assert "the ratio is the same for every seed" in paired(arm(0.3, 0.6, 3.3), arm(0.1, 0.2, 1.1), ratio=True).reason


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        ({}, arm(1.0, 2.0), "an arm has no seed"),
        (arm(1.0), arm(1.0, 2.0), "an arm has one seed; a test needs two in each"),
        (arm(1.0, 1.0), arm(2.0, 2.0), "each arm's values are the same for every seed"),
        (arm(0.3, 0.1 + 0.2), arm(0.2, 0.2), "each arm's values are the same for every seed"),
        (arm(1.0, NAN), arm(1.0, 2.0), "the value of seed 1 is nan"),
    ],
)
def test_unpaired_arms_that_cannot_be_compared_say_why(a, b, words):
    result = welch(a, b)
    assert words in result.reason
    assert (result.p, result.t, result.ci_low) == (None, None, None)


def test_one_arm_without_spread_is_enough_for_an_unpaired_test():
    result = welch(arm(1.0, 1.0, 1.0), arm(2.0, 2.5, 3.0))
    assert result.df == pytest.approx(2) and 0 < result.p < 0.05


@pytest.mark.parametrize(
    ("deltas", "words"),
    [
        ({}, "no seed; a test needs two"),
        ({4: 0.1}, "one seed; a test needs two"),
        ({0: 0.1 + 0.2, 1: 0.3}, "the same for every seed"),
        ({0: 0.1, 3: NAN}, "seed 3 is nan"),
    ],
)
def test_per_seed_quantities_that_cannot_be_tested_say_why(deltas, words):
    result = one_sample(deltas, 1.0)
    assert words in result.reason
    assert result.p is None and all(map(math.isfinite, numbers(result)))


def test_a_spread_below_the_rounding_of_the_values_is_none():
    double_differences = arm(1.1e-13, 0.0, -2.2e-13)
    assert "no spread" in one_sample(double_differences, 1000.0).reason
    assert one_sample(double_differences, 1e-12).p is not None


def test_more_than_twenty_seeds_have_no_exact_test():
    a, b = arm(*range(21)), arm(*(value % 5 for value in range(21)))
    assert paired(a, b).exact_p is None and paired(a, b).p is not None
    refused = paired(a, b, test="sign-flip")
    assert refused.p is None and refused.t is not None
    assert refused.reason == "an exact sign-flip test is for up to 20 seeds, and there are 21"


@given(ANYTHING, ANYTHING, st.booleans(), st.sampled_from(["t", "sign-flip", "welch"]))
def test_any_input_is_answered_with_finite_numbers_or_a_reason(a, b, ratio, test):
    result = welch(a, b, ratio=ratio) if test == "welch" else paired(a, b, ratio=ratio, test=test)
    assert (result.p is None) == bool(result.reason)
    assert all(map(math.isfinite, numbers(result)))
    assert result.p is None or 0 <= result.p <= 1


def test_misuse_raises():
    with pytest.raises(ValueError, match="test must be t or sign-flip, not 'wilcoxon'"):
        paired(arm(1.0, 2.0), arm(1.0, 3.0), test="wilcoxon")
    with pytest.raises(ValueError, match="confidence must lie between 0 and 1, not 95"):
        one_sample(arm(1.0, 2.0), 1.0, confidence=95)
    with pytest.raises(ValueError, match="confidence"):
        welch(arm(1.0, 2.0), arm(1.0, 3.0), confidence=math.nan)


def test_the_sign_flip_test_needs_no_spread():
    rounded = arm(0.9, 0.8, 0.7), arm(0.7, 0.6, 0.5)  # the same but for the rounding of binary fractions
    assert "the same for every seed" in paired(*rounded).reason and paired(*rounded, test="sign-flip").p == 2 / 8
    constant = dict.fromkeys(range(6), 1.0)
    flipped = one_sample(constant, 3.0, test="sign-flip")
    assert flipped.p == flipped.exact_p == 2 / 64 and flipped.reason == "" and flipped.difference == 1.0
    assert flipped.ci_low is flipped.error is None
    assert one_sample(constant, 3.0).p is None and "no spread" in one_sample(constant, 3.0).reason
    assert "no spread" in one_sample(dict.fromkeys(range(6), 0.0), 3.0, test="sign-flip").reason
    ratio = paired(dict.fromkeys(range(6), 2.0), dict.fromkeys(range(6), 1.0), ratio=True, test="sign-flip")
    assert ratio.p == 2 / 64 and ratio.difference == pytest.approx(2.0)
