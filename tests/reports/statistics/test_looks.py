"""The level of each of several looks."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bench.reports.statistics import look_level


def test_three_looks():
    assert look_level((5, 8, 12), 0.05) == pytest.approx(0.0212, abs=0.0003)


def test_one_look_is_no_extension():
    assert look_level([7], 0.05) == 0.05


def test_many_seeds_have_pococks_level():
    """Two looks of equal size, so many that t is normal: Pocock's table says .0294, for five .0158."""
    assert look_level((2000, 4000), 0.05) == pytest.approx(0.0294, abs=0.0006)
    assert look_level(tuple(range(2000, 10001, 2000)), 0.05) == pytest.approx(0.0158, abs=0.0004)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(2, 30), min_size=1, max_size=5, unique=True).map(sorted), st.sampled_from([0.01, 0.05, 0.2]))
def test_between_an_even_split_and_alpha(sizes, alpha):
    level = look_level(sizes, alpha)
    assert alpha / len(sizes) <= level <= alpha
    assert look_level(tuple(sizes), alpha) == level


def test_a_further_look_costs_level():
    assert look_level((5, 8, 12, 20), 0.05) < look_level((5, 8, 12), 0.05) < look_level((5, 8), 0.05) < 0.05


def test_a_tiny_alpha_is_split_evenly():
    assert look_level((5, 8), 0.0005) == 0.00025


@pytest.mark.parametrize("sizes", [(5, 8, 12), (3, 4), (2, 3, 10)])
def test_all_looks_together_err_at_alpha(sizes):
    """Whole studies, seed by seed."""
    data = np.random.default_rng(9).standard_normal((40_000, sizes[-1]))
    level = look_level(sizes, 0.05)
    wrong = np.zeros(len(data), dtype=bool)
    for size in sizes:
        wrong |= stats.ttest_1samp(data[:, :size], 0, axis=1).pvalue <= level
    assert wrong.mean() == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / len(data)))


@pytest.mark.parametrize("sizes", [(), (1, 2), (5, 5), (8, 5)])
def test_looks_must_rise_from_two_seeds(sizes):
    with pytest.raises(ValueError, match="looks need rising numbers of seeds, from 2"):
        look_level(sizes, 0.05)


def test_alpha_must_be_a_share():
    with pytest.raises(ValueError, match="alpha must lie between 0 and 1, not 5"):
        look_level((5, 8), 5)
