"""Seeds crossed with splits."""

import math

import numpy as np
import pytest

from bench.reports.statistics import crossed, over_splits

D = [[0.02, 0.01, 0.03, 0.02], [0.01, 0.00, 0.02, 0.02], [0.03, 0.01, 0.04, 0.03]]
BY_SEED = dict(enumerate(D))


def test_it_is_the_crossed_test_with_splits_for_items():
    found = over_splits(BY_SEED, 1.0)
    tested = found.comparison
    plain = crossed(np.array(D) + 0.5, np.full((3, 4), 0.5))
    assert (tested.test, tested.n, tested.df) == ("splits", 3, pytest.approx(plain.comparison.df))
    assert (tested.p, tested.ci_low) == (pytest.approx(plain.comparison.p), pytest.approx(plain.comparison.ci_low))
    assert sum(found.shares) == pytest.approx(1)
    assert found.shares[1] == pytest.approx(plain.item_sd**2 / (plain.seed_sd**2 + plain.item_sd**2 + plain.residual_sd**2))


def test_shares_are_those_of_their_sources():
    rng = np.random.default_rng(1)
    seeds, splits, rest = rng.normal(0, 3, (200, 1)), rng.normal(0, 2, (1, 200)), rng.normal(0, 1, (200, 200))
    found = over_splits(dict(enumerate((seeds + splits + rest).tolist())), 10.0)
    assert found.shares == pytest.approx((9 / 14, 4 / 14, 1 / 14), abs=0.08)


def test_ratios_are_exponentiated():
    tested, plain = (over_splits(BY_SEED, 1.0, ratio=ratio).comparison for ratio in (True, False))
    assert tested.ratio and tested.p == plain.p
    assert (tested.difference, tested.ci_high) == pytest.approx((math.exp(plain.difference), math.exp(plain.ci_high)))


@pytest.mark.parametrize(
    ("quantities", "reason"),
    [({}, "no seed"), ({0: [0.1, 0.2]}, "one seed"), ({0: [0.1, 0.1], 1: [0.1, 0.1]}, "the same for every seed and split")],
)
def test_reasons(quantities, reason):
    tested = over_splits(quantities, 1.0).comparison
    assert tested.p is None and reason in tested.reason
