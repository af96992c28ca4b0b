"""Metrics that count items: differences smaller than a step are no spread to boast of."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.reports.statistics import above, below, equivalence, one_sample, paired

STEP = 0.001
COUNTS = st.lists(st.integers(-30, 30), min_size=2, max_size=8)


def arm(*values):
    return dict(enumerate(values))


def differing(n, items):
    """Two arms, of which the first has so many items more right in every seed, of 1,000."""
    return arm(*[0.9 + items * STEP] * n), arm(*[0.9] * n)


def test_the_least_spread_of_a_thousand_items():
    result = paired(*differing(3, 1), resolution=STEP)
    assert result.sd == pytest.approx(0.00028868, abs=5e-9)
    assert (result.resolution, result.floored, result.d_z, result.reason) == (STEP, True, None, "")
    assert result.error == pytest.approx(STEP / math.sqrt(36))


def test_one_item_in_every_seed_is_not_significant_at_three_seeds():
    """The t-test with the least spread alone would say p = .027."""
    result = paired(*differing(3, 1), resolution=STEP)
    assert 2 * stats.t.sf(result.t, 2) == pytest.approx(0.0267, abs=1e-4)
    assert result.p == above(result) == result.exact_p == 0.25
    assert below(result) == 1.0


def test_ten_items_are_clear():
    result = paired(*differing(3, 10), resolution=STEP)
    assert result.p == pytest.approx(2 * stats.t.sf(10 * math.sqrt(36), 2))
    assert above(result) == pytest.approx(result.p)
    assert above(result, 0.005) == 0.25
    nearly = paired(*differing(3, 9), resolution=STEP)
    assert nearly.p == 0.25


def test_identical_arms_are_equivalent_and_no_worse():
    result = paired(*differing(3, 0), resolution=STEP)
    assert (result.difference, result.t, result.p, result.reason) == (0.0, 0.0, 1.0, "")
    assert above(result, -0.01) < 0.001 and below(result, 0.01) < 0.001
    assert equivalence(result, 0.01) < 0.001
    assert above(result, -0.005) == 0.25  # within ten steps three seeds cannot tell
    assert above(paired(*differing(6, 0), resolution=STEP), -0.005) == 1 / 32
    assert result.ci_low < 0 < result.ci_high < 0.001


def test_without_a_resolution_there_is_no_test():
    assert "no spread" in paired(*differing(3, 1)).reason
    assert "no spread" in paired(*differing(3, 1), ratio=True).reason


def test_of_a_ratio_the_resolution_is_that_of_the_logarithms():
    small, large = arm(100.0, 100.0, 100.0), arm(300.0, 300.0, 300.0)
    result = paired(small, large, ratio=True, resolution=1e-8)
    assert result.difference == pytest.approx(1 / 3) and result.p < 1e-6 and result.floored
    assert result.ci_low == pytest.approx(1 / 3) == result.ci_high


def test_a_sign_flip_test_stays_exact_and_gains_an_interval():
    result = paired(*differing(6, 1), test="sign-flip", resolution=STEP)
    assert (result.p, above(result), result.d_z) == (1 / 32, 1 / 32, None)
    assert result.ci_low == pytest.approx(STEP - stats.t.ppf(0.975, 5) * STEP / math.sqrt(72))


def test_more_seeds_than_are_counted_go_by_t_alone():
    result = paired(*differing(25, 1), resolution=STEP)
    assert (result.exact_p, result.reason) == (None, "")
    assert result.p == pytest.approx(2 * stats.t.sf(result.t, 24))


@given(COUNTS)
def test_a_spread_above_the_least_changes_nothing(counts):
    deltas = arm(*(count * STEP for count in counts))
    plain, stepped = one_sample(deltas, 1.0), one_sample(deltas, 1.0, resolution=STEP)
    if plain.sd is not None and plain.sd > STEP / math.sqrt(12):
        assert (stepped.p, stepped.t, stepped.d_z, stepped.ci_low) == (plain.p, plain.t, plain.d_z, plain.ci_low)
        assert not stepped.floored
    else:
        assert stepped.floored and stepped.d_z is None
        assert stepped.p >= 2 * stats.t.sf(abs(stepped.t), len(counts) - 1) * (1 - 1e-9)


@given(COUNTS)
def test_at_zero_the_smaller_side_is_the_tests_own_p(counts):
    result = one_sample(arm(*(count * STEP for count in counts)), 1.0, resolution=STEP)
    assert min(above(result), below(result)) == pytest.approx(result.p)


def test_equal_arms_that_seldom_differ_are_seldom_found_to():
    """Of ten seeds one has an item more, one an item less, and the others none: false positives stay below 5 %."""
    rng = np.random.default_rng(0)
    for n in (3, 4, 5, 6):
        drawn = rng.choice([-1, 0, 1], p=[0.1, 0.8, 0.1], size=(1500, n)) * STEP
        found = [one_sample(arm(*row), 1.0, resolution=STEP).p <= 0.05 for row in drawn.tolist()]
        assert sum(found) / len(found) <= 0.05


@pytest.mark.parametrize("bad", [-0.1, math.nan, math.inf])
def test_a_resolution_must_be_a_number_of_at_least_zero(bad):
    with pytest.raises(ValueError, match="a resolution must be a finite number of at least 0"):
        one_sample({}, 1.0, resolution=bad)
    with pytest.raises(ValueError, match="a resolution must be a finite number of at least 0"):
        paired({}, {}, resolution=bad)


def test_other_reasons_stay():
    assert paired({}, {}, resolution=STEP).reason == "the two arms have no seed in common"
    assert paired(arm(1.0), arm(0.9), resolution=STEP).reason == "one seed in common; a test needs two"
    assert "not a finite number" in paired(arm(math.nan, 1.0), arm(0.9, 1.0), resolution=STEP).reason
    assert "not a finite number" in one_sample(arm(math.inf, 1.0), 1.0, resolution=STEP).reason
