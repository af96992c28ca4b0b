"""Seeds crossed with splits."""

import math

import numpy as np
import pytest

from bench.reports.statistics import compared_over_splits, crossed, over_splits

D = [[0.02, 0.01, 0.03, 0.02], [0.01, 0.00, 0.02, 0.02], [0.03, 0.01, 0.04, 0.03]]
BY_SEED = dict(enumerate(D))


def shares(found):
    """Of the variance of one trial's difference: what seeds, splits and the rest have."""
    squares = found.seed_sd**2, found.item_sd**2, found.residual_sd**2
    return tuple(square / sum(squares) for square in squares)


def test_it_is_the_crossed_test_with_splits_for_items():
    found = over_splits(BY_SEED, 1.0)
    tested = found.comparison
    plain = crossed(np.array(D) + 0.5, np.full((3, 4), 0.5))
    assert (tested.test, tested.n, tested.df) == ("splits", 3, pytest.approx(plain.comparison.df))
    assert (tested.p, tested.ci_low) == (pytest.approx(plain.comparison.p), pytest.approx(plain.comparison.ci_low))
    assert sum(shares(found)) == pytest.approx(1)
    assert shares(found)[1] == pytest.approx(plain.item_sd**2 / (plain.seed_sd**2 + plain.item_sd**2 + plain.residual_sd**2))


def test_shares_are_those_of_their_sources():
    rng = np.random.default_rng(1)
    seeds, splits, rest = rng.normal(0, 3, (200, 1)), rng.normal(0, 2, (1, 200)), rng.normal(0, 1, (200, 200))
    found = over_splits(dict(enumerate((seeds + splits + rest).tolist())), 10.0)
    assert shares(found) == pytest.approx((9 / 14, 4 / 14, 1 / 14), abs=0.08)


def test_splits_that_overlap_keep_a_part_of_their_variance():
    plain, overlap = over_splits(BY_SEED, 1.0), over_splits(BY_SEED, 1.0, test_to_train=0.25)
    of_overlap = 0.25 * np.var(np.mean(D, axis=0), ddof=1)
    assert overlap.comparison.error**2 == pytest.approx(plain.comparison.error**2 + of_overlap)
    assert overlap.comparison.p > plain.comparison.p and overlap.comparison.df < plain.comparison.df
    assert [df for _, df in overlap.comparison.errors] == [2, 3]
    of_seeds = plain.error_of_seeds * plain.comparison.error**2 + 0.25 * plain.residual_sd**2 / 3
    assert overlap.error_of_seeds == pytest.approx(of_seeds / overlap.comparison.error**2)
    assert shares(overlap) == shares(plain)
    with pytest.raises(ValueError, match="at least 0"):
        over_splits(BY_SEED, 1.0, test_to_train=-0.1)


@pytest.mark.parametrize(("seeds", "splits", "share"), [(3, 10, 0.2), (5, 20, 0.2), (3, 3, 0.1), (10, 3, 0.2)])
def test_equal_arms_are_seldom_called_different_on_overlapping_splits(seeds, splits, share):
    """Each of 300 images favours one of the arms for good, or neither; beyond these images the arms are equal."""
    rng, images, found = np.random.default_rng(3), 300, []
    held = round(share * images)
    for _ in range(400):
        favours = rng.choice([-1, 0, 1], p=[0.1, 0.8, 0.1], size=images)
        parts = [rng.choice(images, held, replace=False) for _ in range(splits)]
        by_chance = rng.choice([-1, 0, 1], p=[0.05, 0.9, 0.05], size=(seeds, splits, held)).mean(axis=2)
        d = by_chance + [favours[part].mean() for part in parts]
        overlap = held / (images - held)
        found.append(over_splits(dict(enumerate(d.tolist())), 1.0, test_to_train=overlap).comparison.p <= 0.05)
    assert np.mean(found) < 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5


def test_arms_are_summed_split_by_split():
    left = {seed: dict(zip("abcd", row, strict=True)) for seed, row in BY_SEED.items()}
    right = {seed: dict.fromkeys("dcba", 0.5) for seed in BY_SEED}
    summed = compared_over_splits([(1.0, left), (-1.0, right)], against=0.1).comparison
    assert summed.difference == pytest.approx(np.mean(D) - 0.6) and summed.n == 3
    lost = {**left, 1: {"a": 1.0}}
    assert compared_over_splits([(1.0, lost), (-1.0, right)]).comparison.n == 2, "a seed counts with all of its splits"


@pytest.mark.parametrize(
    ("right", "ratio", "reason"),
    [
        ({0: {"a": 1.0}, 1: {"a": 2.0}}, False, "do not run on the same splits"),
        ({0: {"a": 1.0, "c": 1.0}, 1: {"a": 2.0, "c": 1.0}}, False, "do not run on the same splits"),
        ({0: {"a": 1.0, "b": 0.0}, 1: {"a": 2.0, "b": 1.0}}, True, "above 0, and that of seed 0 is not"),
    ],
)
def test_arms_that_cannot_be_compared(right, ratio, reason):
    left = {0: {"a": 1.0, "b": 2.0}, 1: {"a": 2.0, "b": 2.5}}
    assert reason in compared_over_splits([(1.0, left), (-1.0, right)], ratio=ratio).comparison.reason


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
