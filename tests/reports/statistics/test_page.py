"""Page's test of ordered levels."""

import math
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bench.reports.statistics import page_trend

THREE_ARMS = [(0.90, 0.92, 0.93), (0.89, 0.91, 0.915), (0.91, 0.915, 0.94), (0.88, 0.905, 0.92), (0.90, 0.93, 0.925)]


def test_five_seeds_at_three_levels():
    found = page_trend(THREE_ARMS)
    assert (found.statistic, found.reason) == (69, "")
    assert found.p == pytest.approx(0.00141461, abs=5e-9) == 11 / 7776


@settings(max_examples=30)
@given(st.integers(2, 6), st.integers(3, 6), st.randoms(use_true_random=False))
def test_without_ties_it_agrees_with_scipy(n, k, random):
    blocks = [random.sample(range(k), k) for _ in range(n)]
    found, expected = page_trend(blocks), stats.page_trend_test(blocks, method="exact")
    assert (found.statistic, found.p) == pytest.approx((expected.statistic, expected.pvalue))


@given(st.lists(st.lists(st.sampled_from([0.1 + 0.2, 0.3, 0.4]), min_size=3, max_size=3), min_size=2, max_size=4))
def test_ties_are_counted_as_they_are(blocks):
    found = page_trend(blocks)
    ranks = [stats.rankdata(np.round(block, 6)) for block in blocks]
    own = sum(float(row @ [1, 2, 3]) for row in ranks)
    assert found.statistic == own
    every = [sum(float(np.array(row) @ [1, 2, 3]) for row in rows) for rows in product(*(permutations(row) for row in ranks))]
    if found.p is not None:
        assert found.p == pytest.approx(np.mean([value >= own for value in every]))
    else:
        assert (len(set(every)), found.reason) == (1, "in every block all levels are equal")


def test_a_fall_is_found_with_the_other_sign():
    assert page_trend([row[::-1] for row in THREE_ARMS]).p > 0.99
    assert page_trend([[-value for value in row[::-1]] for row in THREE_ARMS]).p == page_trend(THREE_ARMS).p


def test_one_order_in_all():
    assert page_trend([range(8)] * 2).p == pytest.approx(1 / math.factorial(8) ** 2)


@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        ([], "a test needs at least two blocks and two arms"),
        ([[1, 2, 3]], "a test needs at least two blocks and two arms"),
        ([[1], [2]], "a test needs at least two blocks and two arms"),
        ([[1, 1], [2, 2]], "in every block all levels are equal"),
        ([[1, math.nan], [2, 1]], "block 1 holds nan, which cannot be compared"),
        ([[1, 2], [math.inf, 1]], "block 2 holds inf, which cannot be compared"),
        ([range(9)] * 2, "an exact p is counted for up to 8 levels and 1000 blocks, not 9 and 2"),
    ],
)
def test_what_cannot_be_tested_says_why(blocks, words):
    found = page_trend(blocks)
    assert (found.p, found.reason) == (None, words)


def test_blocks_must_have_the_same_levels():
    with pytest.raises(ValueError, match="blocks must all have the same number of arms"):
        page_trend([[1, 2], [1, 2, 3]])
