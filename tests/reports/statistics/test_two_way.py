"""Two methods on the same items, seeds and items both at random."""

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from statsmodels.stats.anova import anova_lm

from bench.reports.statistics import above, crossed, equivalence, interval, one_sample, smallest_detectable
from bench.reports.statistics.cochran import weighted_quantile, weighted_tail

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


THREE_BY_TWELVE = np.array(
    [[1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0], [0, 0, 1, 0, 1, 0, 1, -1, 0, 0, 1, 0], [1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, -1]]
)


def test_three_seeds_by_twelve_items():
    result = crossed(THREE_BY_TWELVE, np.zeros((3, 12))).comparison
    assert result.difference == pytest.approx(0.27777778, abs=5e-9)
    assert result.error == pytest.approx(0.11844484, abs=5e-9)
    assert result.df == pytest.approx(6.2159184, abs=5e-8)
    assert 2 * stats.t.sf(result.t, result.df) == pytest.approx(0.05596953, abs=5e-9)  # Satterthwaite's
    assert result.errors == ((pytest.approx(0.02777778, abs=5e-9), 2), (pytest.approx(0.65656566 - 0.17929293, abs=1e-8), 11))
    assert result.critical(0.05) == pytest.approx(2.31657688, abs=5e-9)
    assert result.p == pytest.approx(0.04790686, abs=5e-9)
    assert above(result) == pytest.approx(result.p)
    assert interval(result, 1 - result.p)[0] == pytest.approx(0.0, abs=1e-12)
    assert result.ci_low == pytest.approx(result.difference - 2.31657688 * result.error)


@given(st.floats(0, 1), st.integers(1, 30), st.integers(1, 2000), st.floats(-30, 30))
def test_the_tail_inverts_the_quantile(share, df, other, t):
    sources = ((share, df), (1 - share, other))
    tail = weighted_tail(sources, t)
    assert tail + weighted_tail(sources, -t) == pytest.approx(1.0)
    if 1e-200 < tail <= 0.5:  # above a half it is rounded as a part of 1
        assert float(weighted_quantile(sources, tail)) == pytest.approx(t, rel=1e-6, abs=1e-9)


@given(st.integers(1, 50), st.floats(-30, 30))
def test_one_source_is_students_t(df, t):
    for sources in (((2.0, df), (0.0, 7)), ((0.0, 3), (5.0, df)), ((1.0, df), (3.0, df))):
        assert weighted_tail(sources, t) == pytest.approx(float(stats.t.sf(t, df)), rel=1e-9)


def test_an_estimate_beyond_all_numbers_has_no_tail():
    assert weighted_tail(((1.0, 1000), (1.0, 2000)), 1e6) == 0.0


def mean_squares(rng, seeds, items, seed, item, studies):
    """Estimates and mean squares of seeds, items and the rest, whose variances are `seed`, `item` and 1, of normal data."""
    dfs = (seeds - 1, items - 1, (seeds - 1) * (items - 1))
    expected = (items * seed + 1, seeds * item + 1, 1.0)
    squares = [value * rng.chisquare(df, studies) / df for value, df in zip(expected, dfs, strict=True)]
    mean = rng.standard_normal(studies) * math.sqrt((items * seed + seeds * item + 1) / (seeds * items))
    return mean, squares


@pytest.mark.parametrize("seeds", range(2, 11))
@pytest.mark.parametrize(("seed", "item"), [(1.0, 0.0), (0.0, 1.0), (0.05, 1.0)])
def test_false_positives_stay_below_the_bound_where_one_source_has_all_the_variance(seeds, seed, item):
    """At most .0515 in 400,000 studies with 12, 100 and 1,000 items.

    Of two seeds of the last kind Satterthwaite's degrees of freedom would find .098.
    """
    studies, items = 40_000, 100
    mean, (by_seed, by_item, rest) = mean_squares(np.random.default_rng([seeds, int(item)]), seeds, items, seed, item, studies)
    square = by_seed + by_item - rest
    tested = square > 0
    t = np.abs(mean) / np.sqrt(np.where(tested, square, 1.0) / (seeds * items))
    critical = weighted_quantile(((by_seed, seeds - 1), (np.maximum(0.0, by_item - rest), items - 1)), 0.025)
    assert (tested & (t >= critical)).mean() <= 0.055 + 3 * math.sqrt(0.055 * 0.945 / studies)


def test_whole_studies_are_judged_as_their_mean_squares_say():
    """Two seeds, whose items differ: the false positives of 600 studies, and p at most .05 where t passes its critical value."""
    rng, wrong = np.random.default_rng(5), 0
    for _ in range(600):
        d = rng.standard_normal((1, 40)) + rng.standard_normal((2, 40))
        result = crossed(d, np.zeros_like(d)).comparison
        if result.p is not None:
            assert (result.p <= 0.05) == (abs(result.t) >= result.critical(0.05))
            wrong += result.p <= 0.05
    assert wrong / 600 <= 0.05


def test_the_difference_that_it_finds_has_the_error_of_items_too():
    result = crossed(*study(np.random.default_rng(8), own=1.0, seed=0.05)).comparison
    by_seed = one_sample(result.deltas, 1.0)
    assert smallest_detectable(result, 0.05) > 2.8 * result.error
    assert result.error > by_seed.error
