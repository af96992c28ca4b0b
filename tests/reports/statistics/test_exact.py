"""Exact tests against a plain count of every arrangement."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.reports.statistics import one_sample, paired, sign_flip, smallest_permutation, smallest_sign_flip

WHOLE = st.lists(st.integers(-6, 6), min_size=1, max_size=9)


def arm(*values):
    return dict(enumerate(values))


def counted(values) -> float:
    """Share of all patterns of signs whose sum is as far from 0, in whole numbers."""
    observed = abs(sum(values))
    patterns = list(product((1, -1), repeat=len(values)))
    far = sum(abs(sum(sign * value for sign, value in zip(signs, values, strict=True))) >= observed for signs in patterns)
    return far / len(patterns)


@given(WHOLE)
def test_sign_flips_are_counted_with_ties_and_zeros(values):
    assert sign_flip(arm(*values)) == counted(values)


@given(WHOLE)
def test_tenths_that_differ_by_rounding_are_ties(values):
    deltas = {seed: (7 + value) / 10 - 0.7 for seed, value in enumerate(values)}
    assert sign_flip(deltas, scale=1.3) == counted(values)


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=8))
def test_sign_flips_agree_with_scipy(values):
    expected = stats.permutation_test((np.array(values),), np.sum, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip(arm(*values)) == pytest.approx(expected.pvalue)


@pytest.mark.parametrize("n", [1, 2, 5, 10, 20])
def test_the_smallest_p_is_reached_where_all_seeds_agree(n):
    assert sign_flip(arm(*range(1, n + 1))) == smallest_sign_flip(n) == 2 / 2**n


def test_twenty_seeds_are_the_most():
    assert sign_flip(arm(*[1.0] * 20)) == 2**-19
    assert sign_flip(arm(*[1.0] * 21)) is None
    assert sign_flip({}) is None


def test_no_difference_at_all_has_p_of_one():
    assert sign_flip(arm(0.0, 0.0, 0.0)) == 1.0


def test_differences_of_rounding_alone_are_no_difference():
    assert sign_flip(arm(0.3 - (0.1 + 0.2), 0.0, 0.0), scale=0.3) == 1.0


def test_a_small_difference_of_large_values_keeps_its_ties():
    """The deltas 0.00001 and 0.00002 carry the rounding of 0.9, a larger share of them than of 0.9."""
    deltas = {0: 0.90001 - 0.9, 1: 0.90002 - 0.90004, 2: 0.90003 - 0.90002}
    assert sign_flip(deltas, scale=0.9) == counted([1, -2, 1]) == 1.0


def test_the_exact_p_of_two_arms_ignores_their_rounding():
    a, b = arm(0.91, 0.93, 0.90, 0.95), arm(0.90, 0.91, 0.93, 0.94)
    assert paired(a, b).exact_p == paired(a, b, test="sign-flip").p == counted([1, 2, -3, 1])
    assert one_sample(arm(0.01, 0.02, -0.03, 0.01), 1.0).exact_p == counted([1, 2, -3, 1])


def test_smallest_p_values():
    assert [smallest_sign_flip(n) for n in (0, 1, 2, 6)] == [None, 1.0, 0.5, 0.03125]
    assert smallest_permutation(0, 5) is None
    assert smallest_permutation(1, 1) == 1.0
    assert smallest_permutation(3, 7) == smallest_permutation(7, 3) == pytest.approx(2 / 120)
