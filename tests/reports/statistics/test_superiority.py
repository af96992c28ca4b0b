"""How often one arm is above another."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.reports.statistics import superiority

A, B = dict(enumerate((0.912, 0.905, 0.921, 0.908, 0.916))), dict(enumerate((0.900, 0.896, 0.906, 0.901, 0.905)))
DARWIN = dict(enumerate((6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75)))
ARM = st.dictionaries(st.integers(0, 9), st.integers(-5, 5).map(lambda value: (7 + value) / 10), min_size=1)


def test_five_seeds():
    assert superiority(A, B) == 1.0
    assert superiority(A, B, paired=False) == 0.94
    assert (superiority(B, A), superiority(B, A, paired=False)) == (0.0, pytest.approx(0.06))


def test_darwins_plants():
    assert superiority(DARWIN, dict.fromkeys(DARWIN, 0.0)) == pytest.approx(0.8667, abs=5e-5) == 13 / 15


def test_ties_but_for_rounding_count_half():
    assert superiority({0: 0.3, 1: 1.0}, {0: 0.1 + 0.2, 1: 0.5}) == 0.75
    assert superiority({0: 0.1 + 0.2}, {1: 0.3}, paired=False) == 0.5
    assert superiority(A, A) == 0.5


@given(ARM, ARM)
def test_unpaired_it_is_mann_and_whitneys_share(a, b):
    x, y = (np.round(list(arm.values()), 6) for arm in (a, b))
    assert superiority(a, b, paired=False) == pytest.approx(stats.mannwhitneyu(x, y).statistic / (len(x) * len(y)))


@given(ARM, ARM)
def test_both_ways_make_one(a, b):
    for paired in (True, False):
        there, back = superiority(a, b, paired=paired), superiority(b, a, paired=paired)
        assert (there is None) == (back is None)
        assert there is None or there + back == pytest.approx(1.0)


@given(ARM, ARM)
def test_paired_it_is_counted_over_the_shared_seeds(a, b):
    shared = a.keys() & b.keys()
    expected = [np.sign(round(a[seed] - b[seed], 6)) / 2 + 0.5 for seed in shared]
    assert superiority(a, b) == (pytest.approx(np.mean(expected)) if shared else None)


@pytest.mark.parametrize("paired", [True, False])
def test_without_a_pair_or_with_what_is_no_number_there_is_none(paired):
    assert superiority({}, {}, paired=paired) is None
    assert superiority({0: 1.0}, {}, paired=paired) is None
    assert superiority({0: math.nan}, {0: 1.0}, paired=paired) is None
    assert superiority({0: 1.0}, {0: math.inf}, paired=paired) is None
    assert superiority({0: 1.0}, {0: 0.0}, paired=paired) == 1.0


def test_arms_without_a_seed_in_common_have_no_pair():
    assert superiority({0: 1.0}, {1: 0.0}) is None
    assert superiority({0: 1.0}, {1: 0.0}, paired=False) == 1.0
