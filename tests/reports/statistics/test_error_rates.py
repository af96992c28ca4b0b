"""How often the tests err on simulated data, and how often the intervals hold the truth.

Expected shares come from one run of 400,000 to 1,000,000 studies each with plain numpy; a share here may differ from it by four
binomial standard errors. Where the assumptions fail the expected share is not 0.05: that is what the user gets.
"""

import math

import numpy as np
import pytest

from bench.reports.statistics import above, below, correlation, equivalence, friedman, paired, repeated_measures, welch

STUDIES = 2500
ALPHA = 0.05
DRAW = {
    "normal": lambda rng, size: rng.standard_normal(size),
    "skewed": lambda rng, size: rng.exponential(size=size) - 1,
    "tied": lambda rng, size: np.round(rng.standard_normal(size)),
}
"""Differences of mean 0: normal, exponential, and normal rounded to whole standard deviations."""


def near(share, studies=STUDIES):
    return pytest.approx(share, abs=4 * math.sqrt(max(share * (1 - share), 1 / studies) / studies))


def arms(differences, rng):
    """Two arms in hundredths with these paired differences, themselves in hundredths."""
    for row in differences:
        base = np.round(rng.uniform(0.5, 0.9, len(row)), 2)
        yield dict(enumerate((base + row / 100).tolist())), dict(enumerate(base.tolist()))


# (data, n): share rejected by t, share of intervals that hold the truth where there is one, share rejected by sign flips.
# Skewed differences: intervals miss on one side, and no small n helps. Tied differences: n=3 often has no spread at all.
PAIRED = {
    ("normal", 3): (0.050, 0.950, 0.0),
    ("normal", 5): (0.050, 0.950, 0.0),
    ("normal", 10): (0.050, 0.950, 0.0489),
    ("skewed", 3): (0.115, 0.885, 0.0),
    ("skewed", 5): (0.118, 0.882, 0.0),
    ("skewed", 10): (0.099, 0.901, 0.0945),
    ("tied", 3): (0.0055, 0.994, 0.0),
    ("tied", 5): (0.036, 0.963, 0.0),
    ("tied", 10): (0.045, 0.955, 0.0153),
}


@pytest.mark.parametrize(("data", "n"), PAIRED)
def test_paired_tests_err_and_cover_as_often_as_expected(data, n):
    rng = np.random.default_rng([n, len(data)])
    results = [paired(a, b) for a, b in arms(DRAW[data](rng, (STUDIES, n)), rng)]
    rejected, covered, flipped = PAIRED[data, n]
    tested = [result for result in results if result.p is not None]
    assert sum(result.p <= ALPHA for result in tested) / STUDIES == near(rejected)
    assert sum(result.ci_low <= 0 <= result.ci_high for result in tested) / len(tested) == near(covered, len(tested))
    assert sum(result.exact_p <= ALPHA for result in results) / STUDIES == near(flipped)


@pytest.mark.parametrize(
    ("n_left", "n_right", "spread", "rejected"),
    [(3, 3, 1, 0.035), (5, 5, 1, 0.044), (10, 10, 1, 0.049), (5, 5, 3, 0.053), (3, 10, 3, 0.046), (10, 3, 3, 0.0685)],
)
def test_unpaired_tests_err_as_often_as_expected(n_left, n_right, spread, rejected):
    """The right arm's SD is `spread` times the left's. Few seeds on the noisier side make the test too eager."""
    rng = np.random.default_rng([n_left, n_right, spread])
    left, right = rng.standard_normal((STUDIES, n_left)), spread * rng.standard_normal((STUDIES, n_right))
    results = [welch(dict(enumerate(a)), dict(enumerate(b))) for a, b in zip(left.tolist(), right.tolist(), strict=True)]
    assert sum(result.p <= ALPHA for result in results) / STUDIES == near(rejected)
    covered = sum(result.ci_low <= 0 <= result.ci_high for result in results) / STUDIES
    assert covered == near(1 - rejected)


@pytest.mark.parametrize("n", [3, 5, 10])
def test_the_interval_of_a_ratio_holds_the_true_ratio(n):
    rng = np.random.default_rng(n)
    times = np.exp(4 + 0.2 * rng.standard_normal((STUDIES, n)))
    ratios = 1.3 * np.exp(0.1 * rng.standard_normal((STUDIES, n)))
    pairs = zip((times * ratios).tolist(), times.tolist(), strict=True)
    results = [paired(dict(enumerate(a)), dict(enumerate(b)), ratio=True) for a, b in pairs]
    assert sum(result.ci_low <= 1.3 <= result.ci_high for result in results) / STUDIES == near(0.95)


@pytest.mark.parametrize(
    ("n", "margin", "shown"),
    [(3, 1.0, 0.041), (3, 3.0, 0.0496), (5, 0.5, 0.011), (5, 1.5, 0.050), (10, 0.5, 0.020), (10, 1.5, 0.050)],
)
def test_a_difference_as_large_as_the_margin_passes_for_none_at_most_as_often_as_the_level(n, margin, shown):
    """The truth lies on the margin, in SDs: a small one can hardly be shown at all. Beyond it lies 0.025, on its own side."""
    rng = np.random.default_rng([n, round(10 * margin)])
    pairs = arms(rng.standard_normal((STUDIES, n)) + margin, rng)
    results = [paired(a, b) for a, b in pairs]
    assert sum(equivalence(result, margin / 100) <= ALPHA for result in results) / STUDIES == near(shown)
    outside = [min(above(result, margin / 100), below(result, -margin / 100)) for result in results]
    assert sum(p <= ALPHA for p in outside) / STUDIES == near(0.025)


@pytest.mark.parametrize(("n", "rho", "covered"), [(5, 0.0, 0.952), (5, 0.9, 0.956), (8, 0.6, 0.951), (10, 0.9, 0.951)])
def test_fishers_interval_holds_the_true_correlation(n, rho, covered):
    rng = np.random.default_rng([n, round(10 * rho)])
    x, noise = rng.standard_normal((2, STUDIES, n))
    y = rho * x + math.sqrt(1 - rho**2) * noise
    results = [correlation(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    assert sum(result.ci_low <= rho <= result.ci_high for result in results) / STUDIES == near(covered)
    if rho == 0:
        assert sum(result.p <= ALPHA for result in results) / STUDIES == near(ALPHA)


@pytest.mark.parametrize(("n", "attained"), [(5, 2 / 120), (6, 1 / 30), (7, 0.0480)])
def test_spearmans_exact_test_errs_at_the_level_that_n_items_attain(n, attained):
    rng = np.random.default_rng(n)
    x, y = rng.exponential(size=(2, STUDIES, n)).tolist()
    rejected = sum(correlation(a, b, method="spearman").p <= ALPHA for a, b in zip(x, y, strict=True))
    assert rejected / STUDIES == near(attained)


def test_omnibus_tests_of_three_equal_arms_err_at_their_levels():
    """Of the 6^4 ways to rank five blocks, .0394 have an exact p of at most .05; normal values give F its .05."""
    rng = np.random.default_rng(0)
    studies = [(rng.standard_normal((5, 1)) + rng.standard_normal((5, 3))).tolist() for _ in range(1500)]
    assert sum(repeated_measures(study).p <= ALPHA for study in studies) / 1500 == near(0.05, 1500)
    assert sum(friedman(study).p_exact <= ALPHA for study in studies) / 1500 == near(0.0394, 1500)
