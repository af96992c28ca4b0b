"""What seeds that two arms share are worth."""

import statistics

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bench.reports.statistics import pairing, pairing_pays_from

A = dict(enumerate([0.912, 0.905, 0.921, 0.908, 0.916]))
B = dict(enumerate([0.900, 0.896, 0.906, 0.901, 0.905]))


def test_five_seeds():
    """The correlation is the published one; the efficiency is the ratio of variances by the standard library."""
    found = pairing(A, B)
    assert found.r == pytest.approx(0.9247, abs=5e-5)
    apart = statistics.variance(A.values()) + statistics.variance(B.values())
    assert found.efficiency == pytest.approx(apart / 0.0030332**2, rel=1e-4)


samples = st.lists(st.tuples(st.floats(0.1, 1), st.floats(0.1, 1)), min_size=3, max_size=10)


@given(samples)
def test_against_numpy_whatever_the_unit_and_the_other_seeds(points):
    x, y = (np.array(column) for column in zip(*points, strict=True))
    assume(min(x.std(), y.std(), (x - y).std()) > 1e-3)
    a, b = dict(enumerate(x)), dict(enumerate(y))
    found, percent = pairing(a, b), pairing({s: 100 * v for s, v in a.items()}, {s: 100 * v for s, v in b.items()} | {99: 0.0})
    assert found.r == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-9) == pytest.approx(percent.r, abs=1e-9)
    assert found.efficiency == pytest.approx((x.var() + y.var()) / (x - y).var(), rel=1e-6)
    assert found.efficiency == pytest.approx(percent.efficiency, rel=1e-6)
    assert (found.efficiency > 1) == (found.r > 0) or abs(found.r) < 1e-9


def test_times_go_by_their_logarithms():
    assert pairing({0: 100, 1: 110, 2: 130}, {0: 200, 1: 220, 2: 260}, ratio=True).r == pytest.approx(1)
    assert pairing({0: 100, 1: 110, 2: 130}, {0: 200, 1: 220, 2: 260}, ratio=True).efficiency is None  # the ratio never varies
    assert pairing({0: 100, 1: 110, 2: -1}, {0: 200, 1: 220, 2: 260}, ratio=True) is None


def test_what_cannot_be_told():
    assert pairing({0: 0.1, 1: 0.2}, {0: 0.3, 1: 0.5}) is None  # two seeds lie on a line, always
    assert pairing({}, {}) is None and pairing(A, {7: 1.0, 8: 2.0, 9: 3.0}) is None
    assert pairing(A, B | {2: float("nan")}) is None
    constant = pairing(A, dict.fromkeys(A, 0.5))
    assert constant.r is None and constant.efficiency == pytest.approx(1)
    both = pairing(dict.fromkeys(A, 0.1 + 0.2), dict.fromkeys(A, 0.3))
    assert (both.r, both.efficiency) == (None, None)


@pytest.mark.parametrize(("n", "r"), [(3, 0.56), (4, 0.37), (5, 0.28), (6, 0.22), (8, 0.15), (10, 0.12)])
def test_from_which_correlation_on_pairing_finds_smaller_differences(n, r):
    """With equal variances the efficiency is 1 / (1 - r)."""
    assert 1 - 1 / pairing_pays_from(n) == pytest.approx(r, abs=5.1e-3)


def test_of_one_seed_there_is_nothing_to_say():
    assert pairing_pays_from(1) is None
