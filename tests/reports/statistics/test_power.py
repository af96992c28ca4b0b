"""Detectable effects and numbers of seeds, against statsmodels and against simulated data."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import TTestIndPower, TTestPower

from bench.reports.statistics import (
    detectable,
    detectable_independent,
    equivalence,
    one_sample,
    seeds_to_detect,
    seeds_to_show_equivalence,
)

SEEDS = st.integers(2, 60)
ALPHAS = st.sampled_from([0.05, 0.01, 0.05 / 3, 0.1])
POWERS = st.sampled_from([0.5, 0.8, 0.95])


@settings(max_examples=30)
@given(SEEDS, ALPHAS, POWERS)
def test_a_detectable_effect_is_found_with_the_power_that_statsmodels_gives_it(n, alpha, power):
    expected = TTestPower().power(detectable(n, alpha, power), n, alpha)
    assume(not math.isnan(expected))  # few seeds need effects that its noncentral t cannot do; they are simulated below
    assert expected == pytest.approx(power, abs=2e-5)


@settings(max_examples=30)
@given(SEEDS, ALPHAS, POWERS)
def test_independent_arms_agree_with_statsmodels(n, alpha, power):
    expected = TTestIndPower().power(detectable_independent(n, alpha, power), n, alpha)
    assume(not math.isnan(expected))
    assert expected == pytest.approx(power, abs=2e-5)


@pytest.mark.parametrize(
    ("n", "alpha", "power"), [(2, 0.05, 0.8), (2, 0.01, 0.5), (3, 0.01, 0.95), (4, 0.001, 0.8), (5, 0.01, 0.8)]
)
def test_a_detectable_effect_is_found_with_its_power_in_simulation(n, alpha, power):
    rng, trials = np.random.default_rng(n), 200_000
    near = pytest.approx(power, abs=4 * math.sqrt(power * (1 - power) / trials))
    values = rng.standard_normal((trials, n)) + detectable(n, alpha, power)
    t = values.mean(1) / values.std(1, ddof=1) * math.sqrt(n)
    assert (np.abs(t) > stats.t.isf(alpha / 2, n - 1)).mean() == near
    a, b = rng.standard_normal((2, trials, n))
    a += detectable_independent(n, alpha, power)
    t = (a.mean(1) - b.mean(1)) / np.sqrt((a.var(1, ddof=1) + b.var(1, ddof=1)) / n)
    assert (np.abs(t) > stats.t.isf(alpha / 2, 2 * n - 2)).mean() == near


@settings(max_examples=30)
@given(st.floats(0.06, 20), ALPHAS, POWERS)
def test_the_seeds_to_detect_an_effect_are_the_fewest_that_detect_it(effect, alpha, power):
    n = seeds_to_detect(effect, alpha, power)
    assert detectable(n, alpha, power) <= effect * (1 + 1e-8)
    assert n == 2 or detectable(n - 1, alpha, power) > effect * (1 - 1e-8)
    assert seeds_to_detect(-effect, alpha, power) == n


@pytest.mark.parametrize("alpha", [0.05, 1e-3, 1e-6])
def test_two_seeds_need_an_enormous_effect_and_get_a_number(alpha):
    # with one degree of freedom s is the size of a standard normal number, and power is about P(|z| < effect sqrt(2) / t)
    critical = 1 / math.tan(math.pi * alpha / 2)
    assert detectable(2, alpha) == pytest.approx(1.2815515655 * critical / math.sqrt(2), rel=0.02)


@pytest.mark.parametrize("margin", [0.3, 0.6, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_the_seeds_to_show_equivalence_have_the_power_in_simulation(margin, alpha):
    n, trials = seeds_to_show_equivalence(margin, alpha), 200_000
    assert _shown(n, margin, alpha, trials) > 0.8 - 4 * math.sqrt(0.16 / trials)
    assert n == 2 or _shown(n - 1, margin, alpha, trials) < 0.8 + 4 * math.sqrt(0.16 / trials)


def _shown(n: int, margin: float, alpha: float, trials: int) -> float:
    """Share of simulated studies of equal arms whose interval at 1 - 2 alpha lies inside the margin."""
    rng = np.random.default_rng(n)
    mean = rng.standard_normal(trials) / math.sqrt(n)
    half = stats.t.ppf(1 - alpha, n - 1) * np.sqrt(rng.chisquare(n - 1, trials) / (n - 1) / n)
    return float((np.abs(mean) + half < margin).mean())


def test_equivalence_is_then_shown_by_the_test_itself():
    n, rng = seeds_to_show_equivalence(1.5), np.random.default_rng(3)
    shown = sum(equivalence(one_sample(dict(enumerate(row)), 1.0), 1.5) <= 0.05 for row in rng.standard_normal((2000, n)))
    assert shown / 2000 >= 0.8 - 4 * math.sqrt(0.16 / 2000)


@pytest.mark.parametrize("find", [seeds_to_detect, seeds_to_show_equivalence])
def test_more_seeds_than_anyone_has_are_not_told(find):
    assert find(1e-4) is None
    assert find(0.5, most=20) is None
    assert find(5.0, most=1) is None
    assert find(1e6) == 2


def test_no_effect_is_never_detected():
    assert seeds_to_detect(0.0) is None


def test_fewer_than_two_seeds_detect_nothing():
    assert detectable(1) is detectable(0) is detectable_independent(1) is None


@pytest.mark.parametrize(("alpha", "power"), [(0, 0.8), (1, 0.8), (math.nan, 0.8), (0.05, 1), (0.05, math.nan), (0.05, 0.04)])
def test_levels_out_of_range_raise(alpha, power):
    for find in (detectable, detectable_independent, seeds_to_detect, seeds_to_show_equivalence):
        with pytest.raises(ValueError, match=r"alpha|power"):
            find(5, alpha, power)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_effects_that_are_not_finite_raise(bad):
    for find in (seeds_to_detect, seeds_to_show_equivalence):
        with pytest.raises(ValueError, match="must be a finite number"):
            find(bad)


def test_a_margin_must_be_above_zero():
    with pytest.raises(ValueError, match="a margin must be above 0"):
        seeds_to_show_equivalence(0.0)
