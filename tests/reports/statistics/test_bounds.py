"""Effects above or below an edge: the verdict that the two-sided interval gives."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from bench.reports.statistics import (
    Comparison,
    above,
    any_difference,
    below,
    correlation,
    crossed,
    edge_of,
    interval,
    one_sample,
    paired,
    pitman_morgan,
    welch,
)

pytestmark = pytest.mark.filterwarnings("error:::bench.reports.statistics")
A, B = {0: 0.912, 1: 0.905, 2: 0.921, 3: 0.908, 4: 0.916}, {0: 0.900, 1: 0.896, 2: 0.906, 3: 0.901, 4: 0.905}
DARWIN = dict(enumerate((6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75)))
VALUES = st.floats(0.5, 20).map(lambda value: round(value, 3))
PAIRS = st.lists(st.tuples(VALUES, VALUES), min_size=4, max_size=10)
EDGES = st.sampled_from([-0.7, -0.2, 0.0, 0.1, 0.5])
KINDS = {
    "t": lambda a, b: paired(a, b),
    "ratio": lambda a, b: paired(a, b, ratio=True),
    "welch": lambda a, b: welch(a, b),
    "pearson": lambda a, b: correlation(list(a.values()), list(b.values())),
    "pitman-morgan": lambda a, b: pitman_morgan(a, b),
    "crossed": lambda a, b: crossed(np.outer(list(a.values()), [1, 2, 1.5]), np.outer(list(b.values()), [2, 1.1, 1])).comparison,
}


def arms(pairs):
    return (dict(enumerate(values)) for values in zip(*pairs, strict=True))


def test_five_seeds_are_no_worse_by_two_points_but_perhaps_by_one():
    result = paired(B, A)
    assert result.ci_low == pytest.approx(-0.01456615, abs=5e-9)
    assert above(result, -edge_of(result, 0.02)) == pytest.approx(2 * 0.00123352, abs=1e-8)
    assert result.tail(result.studentised(-edge_of(result, 0.01))) == pytest.approx(0.70647518, abs=5e-9)
    assert above(result, -edge_of(result, 0.01)) == 1.0


def test_darwins_crossed_plants_are_not_smaller_by_ten():
    result = one_sample(DARWIN, 75)
    assert result.ci_low == pytest.approx(0.03119332, abs=5e-9)
    assert above(result, -10) == pytest.approx(2 * 0.00337997, abs=1e-8)
    assert (above(result), below(result)) == (pytest.approx(result.p), 1.0)


@pytest.mark.parametrize("kind", KINDS)
@given(PAIRS, EDGES, st.sampled_from([0.01, 0.05, 0.3]))
def test_an_edge_is_passed_exactly_where_the_interval_lies_beyond_it(kind, pairs, edge, alpha):
    result = KINDS[kind](*arms(pairs))
    ends = interval(result, 1 - alpha)
    assume(result.p is not None and ends is not None)
    low, high = (result.tested(end) for end in ends)
    assume(min(abs(low - edge), abs(high - edge)) > 1e-6)
    assert (above(result, edge) <= alpha) == (low > edge)
    assert (below(result, edge) <= alpha) == (high < edge)


@given(PAIRS, EDGES)
def test_above_and_below_mirror_each_other(pairs, edge):
    a, b = arms(pairs)
    for one, other in ((paired(a, b), paired(b, a)), (paired(a, b, test="sign-flip"), paired(b, a, test="sign-flip"))):
        assert above(one, edge) == pytest.approx(below(other, -edge))


@given(PAIRS)
def test_at_zero_the_smaller_of_both_is_the_tests_own_p(pairs):
    a, b = arms(pairs)
    for result in (paired(a, b), paired(a, b, test="sign-flip"), welch(a, b), pitman_morgan(a, b)):
        if result.p is not None:
            assert min(above(result), below(result)) == pytest.approx(result.p)


@given(PAIRS, EDGES)
def test_a_t_test_agrees_with_scipy(pairs, edge):
    a, b = arms(pairs)
    result = paired(a, b)
    assume(result.p is not None)
    deltas = list(result.deltas.values())
    expected = stats.ttest_1samp(deltas, edge, alternative="greater").pvalue
    assert above(result, edge) == pytest.approx(min(1.0, 2 * expected), rel=1e-6, abs=1e-12)


@given(st.lists(st.integers(-9, 9), min_size=2, max_size=7), st.integers(-3, 3))
def test_a_sign_flip_test_counts_signs_as_scipy_does(values, edge):
    result = one_sample(dict(enumerate(map(float, values))), 9.0, test="sign-flip")
    assume(result.p is not None)
    shifted = (np.array(values) - edge,)
    options = {"permutation_type": "samples", "n_resamples": np.inf}
    expected = stats.permutation_test(shifted, np.sum, alternative="greater", **options).pvalue
    assert above(result, edge) == pytest.approx(min(1.0, 2 * expected))


def test_a_sign_flip_test_needs_no_spread():
    result = paired(dict.fromkeys(range(6), 0.9), dict.fromkeys(range(6), 0.8), test="sign-flip")
    assert result.error is None
    assert (above(result), above(result, 0.05), above(result, 0.1), above(result, 0.2)) == (1 / 32, 1 / 32, 1.0, 1.0)
    assert below(result, 0.2) == 1 / 32


def test_a_perfect_rank_correlation_keeps_its_exact_p():
    result = correlation([1, 2, 3, 4], [2, 3, 5, 9], method="spearman")
    assert above(result) == above(result, -0.5) == result.p == pytest.approx(2 / 24)
    assert below(result) == 1.0


@pytest.mark.parametrize(
    "result",
    [
        Comparison(),
        paired({}, {}),
        paired({0: 1.0}, {0: 2.0}),
        paired({0: 1.0, 1: 2.0}, {0: 0.5, 1: 1.5}),
        paired({0: math.nan, 1: 2.0}, {0: 0.5, 1: 1.5}),
        paired({0: math.inf, 1: 2.0}, {0: 0.5, 1: 1.5}),
        any_difference([[1.0, 2.0], [2.0, 4.0]], [0, 1]),
    ],
)
def test_what_has_no_error_lies_beyond_nothing(result):
    assert (above(result), below(result), above(result, -1.0)) == (None, None, None)


@pytest.mark.parametrize("edge", [math.nan, math.inf, -math.inf])
def test_an_edge_must_be_finite(edge):
    with pytest.raises(ValueError, match="an edge must be a finite number"):
        above(paired(A, B), edge)


def test_a_margin_is_put_on_the_scale_tested():
    assert edge_of(paired(A, B), 0.02) == 0.02
    assert edge_of(paired(A, B, ratio=True), 0.1) == pytest.approx(math.log(1.1))
    assert edge_of(correlation([1, 2, 3, 4], [1, 2, 4, 3]), 0.3) == pytest.approx(math.atanh(0.3))
    for margin in (-0.1, math.nan, math.inf):
        with pytest.raises(ValueError, match="a margin must be a finite number of at least 0"):
            edge_of(paired(A, B), margin)
    with pytest.raises(ValueError, match="a margin of a correlation must be below 1"):
        edge_of(correlation([1, 2, 3, 4], [1, 2, 4, 3]), 1.0)
