"""The exact test that any of k arms differs."""

import math
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.reports.statistics import any_difference, interval, one_sample, sign_flip
from bench.reports.statistics.permutation import DRAWN
from bench.reports.statistics.within import correlation_within

pytestmark = pytest.mark.filterwarnings("error:::bench.reports.statistics")
THREE_ARMS = [(0.90, 0.92, 0.93), (0.89, 0.91, 0.915), (0.91, 0.915, 0.94), (0.88, 0.905, 0.92), (0.90, 0.93, 0.925)]


def counted(blocks) -> float:
    """Share of all arrangements whose sums are as far apart, in whole numbers."""

    def apart(rows):
        return sum(sum(column) ** 2 for column in zip(*rows, strict=True))

    every = [apart(rows) for rows in product(*(list(permutations(row)) for row in blocks))]
    return sum(value >= apart(blocks) for value in every) / len(every)


def test_five_seeds_of_three_arms():
    result = any_difference(THREE_ARMS, [3, 5, 8, 13, 21])
    whole = [[round(1000 * value) for value in row] for row in THREE_ARMS]
    assert result.p == pytest.approx(counted(whole)) == 18 / 7776
    assert (result.n, result.test, result.reason, result.smallest_p) == (5, "permutation", "", pytest.approx(6**-4))
    assert result.difference == pytest.approx(0.03)
    assert result.deltas == pytest.approx({3: 0.03, 5: 0.025, 8: 0.03, 13: 0.04, 21: 0.025})
    assert (result.ci_low, result.error, result.sd, interval(result, 0.9)) == (None, None, None, None)


@settings(max_examples=40)
@given(st.integers(2, 3).flatmap(lambda k: st.lists(st.tuples(*[st.integers(-4, 4)] * k), min_size=2, max_size=4)))
def test_tenths_that_differ_by_rounding_are_ties(blocks):
    tenths = [[(7 + value) / 10 for value in row] for row in blocks]
    result = any_difference(tenths, range(len(blocks)))
    # whole numbers, centred within the blocks and multiplied by the arms, are counted without rounding
    whole = [[len(row) * value - sum(row) for value in row] for row in blocks]
    assert result.p == pytest.approx(counted(whole))


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=2, max_size=8))
def test_two_arms_are_a_sign_flip_test(pairs):
    pairs = [(a / 10, b / 10) for a, b in pairs]
    deltas = {seed: a - b for seed, (a, b) in enumerate(pairs)}
    result = any_difference(pairs, range(len(pairs)))
    assert result.p == sign_flip(deltas, scale=max(abs(value) for pair in pairs for value in pair))
    assert result.smallest_p == pytest.approx(one_sample(deltas, 1.0).smallest_p)


@given(st.permutations(range(3)), st.permutations(range(5)))
def test_the_order_of_arms_and_seeds_does_not_matter(arms, seeds):
    shuffled = [[THREE_ARMS[seed][arm] for arm in arms] for seed in seeds]
    result = any_difference(shuffled, seeds)
    assert result.p == any_difference(THREE_ARMS, range(5)).p
    assert result.difference == pytest.approx(0.03)


@pytest.mark.parametrize(("n", "k"), [(2, 2), (5, 2), (4, 3), (3, 5), (2, 6)])
def test_the_smallest_p_is_reached_where_all_seeds_agree(n, k):
    result = any_difference([[row + arm**2 for arm in range(k)] for row in range(n)], range(n))
    assert result.p == pytest.approx(result.smallest_p) == math.factorial(k) ** (1 - n)


def test_arms_without_difference_have_p_of_one():
    for blocks in ([[0.5] * 3] * 4, [[0.3, 0.1 + 0.2]] * 5, [[0.0, 0.0]] * 3):
        assert any_difference(blocks, range(len(blocks))).p == 1.0


def test_what_cannot_be_counted_is_drawn_always_alike():
    rng = np.random.default_rng(0)
    equal = rng.standard_normal((12, 4))
    first, again = (any_difference(equal.tolist(), range(12)) for _ in range(2))
    assert first.p == again.p and first.smallest_p == 1 / (DRAWN + 1)
    apart = any_difference((equal + np.array([0, 0, 0, 9])).tolist(), range(12))
    assert apart.p == apart.smallest_p


def test_twenty_seeds_of_two_arms_are_still_counted():
    two = np.random.default_rng(0).standard_normal((20, 2)) + np.array([0.3, 0.0])
    expected = sign_flip(dict(enumerate((two[:, 0] - two[:, 1]).tolist())), scale=float(np.abs(two).max()))
    assert any_difference(two.tolist(), range(20)).p == expected


def test_drawn_shares_are_near_the_counted_ones(monkeypatch):
    exact = any_difference(THREE_ARMS[:3], range(3)).p
    monkeypatch.setattr("bench.reports.statistics.permutation.COUNTED", 1)
    drawn = any_difference(THREE_ARMS[:3], range(3)).p
    assert drawn == pytest.approx(exact, abs=4 * math.sqrt(exact / DRAWN))
    assert drawn != exact


def test_false_positives_stay_at_the_level():
    """Heavy tails and unlike spreads over the seeds, no difference of the arms."""
    rng, studies = np.random.default_rng(1), 1500
    data = rng.standard_t(2, (studies, 4, 3)) * [[0.1], [1.0], [5.0], [20.0]]
    wrong = sum(any_difference(blocks.tolist(), range(4)).p <= 0.05 for blocks in data) / studies
    assert wrong <= 0.05 + 4 * math.sqrt(0.05 * 0.95 / studies)


@pytest.mark.parametrize(
    ("blocks", "seeds", "words"),
    [
        ([], [], "no seed; a test needs two"),
        ([[1.0, 2.0]], [7], "one seed; a test needs two"),
        ([[1.0], [2.0]], [1, 2], "fewer than two arms"),
        ([[1.0, math.nan], [2.0, 1.0]], [7, 9], "the value of seed 7 is nan, not a finite number"),
        ([[1.0, 2.0], [2.0, math.inf]], [7, 9], "the value of seed 9 is inf, not a finite number"),
        ([[1.0, 2.0], [1e200, 0.0]], [7, 9], "the value of seed 9, 1e+200, is too large to be compared"),
    ],
)
def test_what_cannot_be_tested_says_why(blocks, seeds, words):
    result = any_difference(blocks, seeds)
    assert (result.p, result.reason) == (None, words)


def test_tiny_and_huge_values_are_compared():
    for size in (1e-200, 1e149):
        assert any_difference([[size * value for value in row] for row in THREE_ARMS], range(5)).p == 18 / 7776


def test_blocks_must_match_arms_and_seeds():
    with pytest.raises(ValueError, match="blocks must all have the same number of arms"):
        any_difference([[1.0, 2.0], [1.0]], [0, 1])
    with pytest.raises(ValueError, match="there are 2 blocks and 3 seeds"):
        any_difference([[1.0, 2.0], [1.0, 3.0]], [0, 1, 2])


def test_ranks_within_blocks_allow_no_less_than_their_two_farthest_orders():
    """The reversed order is as far from 0 as the best one: with two blocks of three, 2 of 36."""
    agreeing = [[(1.0, 10.0), (2.0, 20.0), (3.0, 50.0)], [(1.0, 5.0), (2.0, 6.0), (4.0, 9.0)]]
    result = correlation_within(agreeing, method="spearman")
    assert result.p == result.smallest_p == pytest.approx(2 / 36)
    other = [agreeing[0], [(1.0, 6.0), (2.0, 5.0), (4.0, 9.0)]]
    assert correlation_within(other, method="spearman").p > correlation_within(other, method="spearman").smallest_p
