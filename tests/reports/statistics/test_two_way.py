"""Two methods on the same items, seeds and items both at random."""

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from statsmodels.stats.anova import anova_lm

from bench.reports.statistics import beyond, crossed, equivalence, one_sample

pytestmark = pytest.mark.filterwarnings("error:::bench.reports.statistics")


def study(rng, seeds=5, items=1000, own=0.5, seed=0.14, gain=0.0):
    """Predictions of two methods, right where a latent score is above 0.

    The score of an item is shared by both methods but for `own`, a method's taste; each seed of a method shifts all its scores.
    """
    common = 1 + rng.standard_normal(items)
    scores = [
        common + own * rng.standard_normal(items) + seed * rng.standard_normal((seeds, 1)) + rng.standard_normal((seeds, items))
        for _ in range(2)
    ]
    return (scores[0] + gain > 0).astype(float), (scores[1] > 0).astype(float)


def test_mean_squares_agree_with_statsmodels():
    a, b = study(np.random.default_rng(0), seeds=4, items=6)
    found = crossed(a, b)
    d = pd.DataFrame([{"seed": s, "item": i, "d": (a - b)[s, i]} for s in range(4) for i in range(6)])
    table = anova_lm(smf.ols("d ~ C(seed) + C(item)", d).fit())
    seed, item, rest = table["mean_sq"]
    square = seed + item - rest
    assert found.comparison.error == pytest.approx(math.sqrt(square / 24))
    assert found.comparison.df == pytest.approx(square**2 / (seed**2 / 3 + item**2 / 5 + rest**2 / 15))
    assert found.comparison.difference == pytest.approx(d["d"].mean())
    assert found.residual_sd == pytest.approx(math.sqrt(rest))


def test_components_are_those_of_the_study():
    rng = np.random.default_rng(1)
    a = 2.0 * rng.standard_normal((60, 1)) + 0.5 * rng.standard_normal(400) + rng.standard_normal((60, 400))
    found = crossed(a, np.zeros_like(a))
    assert (found.seed_sd, found.item_sd, found.residual_sd) == pytest.approx((2.0, 0.5, 1.0), rel=0.2)
    assert (found.items, found.comparison.n, found.comparison.test) == (400, 60, "crossed")


def test_with_items_alike_it_is_the_test_over_seeds():
    """Where items add nothing, the error and its degrees of freedom are those of the per-seed means."""
    by_seed = np.array([0.3, 0.1, 0.4, 0.15, 0.5])
    wiggle = 1e-6 * np.random.default_rng(0).standard_normal((5, 200))
    found = crossed(by_seed[:, None] + wiggle, np.zeros((5, 200))).comparison
    plain = one_sample(dict(enumerate(by_seed.tolist())), 1.0)
    assert (found.t, found.df, found.p) == pytest.approx((plain.t, plain.df, plain.p), rel=1e-4)
    assert found.sd == pytest.approx(plain.sd, rel=1e-4)
    assert found.deltas == pytest.approx(plain.deltas, abs=1e-6)


def test_relabelling_the_methods_flips_signs_and_nothing_else():
    a, b = study(np.random.default_rng(2), items=50)
    one, other = crossed(a, b), crossed(b, a)
    left, right = one.comparison, other.comparison
    assert (right.difference, right.t, right.ci_low) == pytest.approx((-left.difference, -left.t, -left.ci_high))
    assert (right.p, right.df, right.error) == pytest.approx((left.p, left.df, left.error))
    assert (one.seed_sd, one.item_sd, one.residual_sd) == pytest.approx((other.seed_sd, other.item_sd, other.residual_sd))


def test_seeds_are_named_and_booleans_are_counted():
    a, b = study(np.random.default_rng(3), items=50)
    named = crossed(a > 0, b > 0, seeds=[3, 5, 8, 13, 21])
    assert list(named.comparison.deltas) == [3, 5, 8, 13, 21]
    assert named.comparison.p == crossed(a, b).comparison.p


def test_margins_use_its_error_and_degrees_of_freedom():
    result = crossed(*study(np.random.default_rng(4))).comparison
    width = result.ci_high - result.ci_low
    assert equivalence(result, abs(result.difference) + width) < 0.05
    assert beyond(result, 0) == result.p
    assert beyond(result, abs(result.difference) / 2) > result.p


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (((1, 9), (1, 9)), "one seed; a test over seeds and items needs two of each"),
        (((5, 1), (5, 1)), "one item; a test over seeds and items needs two of each"),
        (((5, 9), (4, 9)), "one arm has 5 seeds by 9 items, the other 4 by 9"),
        (((0, 9), (0, 9)), "there are no predictions"),
        (((5, 0), (5, 0)), "there are no predictions"),
    ],
)
def test_shapes_that_cannot_be_tested_say_why(shapes, words):
    rng = np.random.default_rng(0)
    found = crossed(*(rng.integers(0, 2, shape) for shape in shapes))
    assert found.comparison.reason == words
    assert (found.comparison.p, found.seed_sd, found.item_sd, found.residual_sd) == (None, None, None, None)


def test_identical_predictions_have_no_spread():
    a = np.random.default_rng(0).integers(0, 2, (5, 100))
    found = crossed(a, a).comparison
    assert (found.difference, found.p) == (0.0, None) and "no spread" in found.reason


def test_differences_that_cancel_over_seeds_and_items_cannot_be_judged():
    """Every row and column has the same mean, so that all the variance is in the residual and SE^2 is negative."""
    found = crossed([[1, 0], [0, 1]], [[0, 1], [1, 0]])
    assert found.comparison.reason == "neither seeds nor items vary by more than the rest does"
    assert (found.comparison.p, found.comparison.difference) == (None, 0.0)
    assert (found.seed_sd, found.item_sd) == (0.0, 0.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e300])
def test_scores_that_are_not_finite_say_so(bad):
    assert crossed([[1.0, bad], [0.0, 1.0]], np.zeros((2, 2))).comparison.reason == (
        "a prediction's score is not a finite number that can be squared"
    )


@given(hnp.arrays(float, (3, 4)), hnp.arrays(float, (3, 4), elements=st.sampled_from([0.0, 1.0])))
def test_any_input_is_answered_with_finite_numbers_or_a_reason(a, b):
    found = crossed(a, b)
    result = found.comparison
    assert (result.p is None) == bool(result.reason)
    numbers = (result.difference, result.p, result.t, result.df, result.ci_low, result.ci_high, found.seed_sd, found.item_sd)
    assert all(math.isfinite(value) for value in numbers if value is not None)


def test_predictions_must_be_seeds_by_items():
    with pytest.raises(ValueError, match="predictions must be seeds by items, not of 1 and 1 dimensions"):
        crossed([1, 0, 1], [0, 1, 1])


def test_false_positives_over_seeds_and_items_are_near_the_level_where_mcnemars_are_not():
    """The same 1,000 items, 5 seeds, no difference between the methods.

    20,000 such studies: crossed .058, McNemar's test of the pooled predictions .486, t over the seeds .056.
    """
    rng, studies = np.random.default_rng(7), 1500
    wrong, pooled = 0, 0
    for _ in range(studies):
        a, b = study(rng)
        wrong += crossed(a, b).comparison.p <= 0.05
        only_a, only_b = int((a > b).sum()), int((b > a).sum())
        pooled += abs(only_a - only_b) / math.sqrt(only_a + only_b) > 1.96
    assert wrong / studies == pytest.approx(0.058, abs=4 * math.sqrt(0.058 * 0.942 / studies))
    assert pooled / studies == pytest.approx(0.486, abs=4 * math.sqrt(0.25 / studies))


def test_false_positives_stay_near_the_level_where_items_alone_differ():
    """Seeds do not shift the scores, but each method has its own taste in items: a test over the seeds does not see that.

    20,000 such studies: crossed 0.052, t over the seeds 0.137.
    """
    rng, studies = np.random.default_rng(8), 1500
    wrong, by_seed = 0, 0
    for _ in range(studies):
        result = crossed(*study(rng, own=1.0, seed=0.05)).comparison
        wrong += result.p <= 0.05
        by_seed += one_sample(result.deltas, 1.0).p <= 0.05
    assert wrong / studies == pytest.approx(0.052, abs=4 * math.sqrt(0.052 * 0.948 / studies))
    assert by_seed / studies == pytest.approx(0.137, abs=4 * math.sqrt(0.137 * 0.863 / studies))


def test_a_real_difference_is_found_and_covered():
    """The gain is 0.07705 of the items in expectation; 0.941 of 20,000 intervals held it."""
    rng, studies = np.random.default_rng(9), 600
    truth = 0.07705
    found = [crossed(*study(rng, gain=0.4)).comparison for _ in range(studies)]
    covered = sum(result.ci_low <= truth <= result.ci_high for result in found) / studies
    assert covered == pytest.approx(0.941, abs=4 * math.sqrt(0.05 * 0.95 / studies))
