"""Nadeau and Bengio's correction for splits that overlap."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from bench.reports.statistics import above, interval, one_sample, paired, resampled, smallest_detectable, welch

pytestmark = pytest.mark.filterwarnings("error:::bench.reports.statistics")
A, C = dict(enumerate((0.90, 0.89, 0.91, 0.88, 0.90))), dict(enumerate((0.93, 0.915, 0.94, 0.92, 0.925)))


@pytest.mark.parametrize(("share", "t", "p"), [(1 / 9, 8.7831007, 0.00092668), (1 / 4, 7.3029674, 0.00186951)])
def test_two_arms_on_five_splits(share, t, p):
    plain = paired(C, A)
    result = resampled(plain, share)
    assert (result.t, result.p) == (pytest.approx(t, abs=5e-8), pytest.approx(p, abs=5e-9))
    assert (result.test, result.df, result.sd, result.d_z, result.deltas) == ("resampled", 4, plain.sd, plain.d_z, plain.deltas)
    assert (result.exact_p, result.smallest_p) == (None, None)  # the seeds are not independent
    half = stats.t.ppf(0.975, 4) * plain.sd * math.sqrt(1 / 5 + share)
    assert (result.ci_low, result.ci_high) == pytest.approx((result.difference - half, result.difference + half))
    assert above(result) == pytest.approx(p, abs=5e-9)
    assert smallest_detectable(result, 0.05) == pytest.approx(smallest_detectable(plain, 0.05) * math.sqrt(1 + 5 * share))


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=12), st.floats(0.001, 10))
def test_it_is_wider_and_never_surer(values, share):
    plain = one_sample(dict(enumerate(values)), 10.0)
    assume(plain.p is not None)
    result = resampled(plain, share)
    assert result.p >= plain.p and result.error > plain.error
    (low, high), (plain_low, plain_high) = interval(result, 0.9), interval(plain, 0.9)
    assert low < plain_low <= plain_high < high


def test_no_number_of_seeds_settles_what_the_second_term_leaves_open():
    rng = np.random.default_rng(0)
    result = resampled(one_sample(dict(enumerate((1 + rng.standard_normal(4000)).tolist())), 5.0), 1.0)
    assert result.error == pytest.approx(result.sd, rel=1e-3)
    assert result.p > 0.3


def test_ratios_keep_their_scale():
    plain = paired(C, A, ratio=True)
    result = resampled(plain, 0.25)
    assert result.difference == plain.difference
    assert result.ci_low == pytest.approx(math.exp(math.log(plain.difference) - result.critical(0.05) * result.error))


def test_a_spread_below_the_step_still_counts_signs():
    arms = dict.fromkeys(range(3), 0.901), dict.fromkeys(range(3), 0.9)
    result = resampled(paired(*arms, resolution=0.001), 0.25)
    assert result.p == above(result) == 0.25


@pytest.mark.parametrize("plain", [paired({}, {}), paired({0: 1.0}, {0: 0.5}), paired({0: 1.0, 1: 2.0}, {0: 0.5, 1: 1.5})])
def test_what_was_not_tested_stays_so(plain):
    result = resampled(plain, 0.25)
    assert (result.p, result.reason, result.difference, result.exact_p) == (None, plain.reason, plain.difference, None)
    assert plain.reason


@pytest.mark.parametrize("values", [(math.nan, 1.0, 2.0), (math.inf, 1.0, 2.0)])
def test_what_is_no_number_says_so(values):
    assert "not a finite number" in resampled(one_sample(dict(enumerate(values)), 1.0), 0.25).reason


def test_only_a_t_test_over_seeds_is_corrected():
    for other in (welch(A, C), paired(A, C, test="sign-flip"), resampled(paired(A, C), 0.25)):
        with pytest.raises(ValueError, match="only a t-test over seeds can be corrected"):
            resampled(other, 0.25)


@pytest.mark.parametrize("share", [0.0, -1.0, math.nan, math.inf])
def test_the_ratio_must_be_above_zero(share):
    with pytest.raises(ValueError, match="must be a finite number above 0"):
        resampled(paired(A, C), share)
