"""Spreads over the seeds, and relations with another metric: with each verdict that they can have."""

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from tests.reports.claims.study import FOUR, WITHIN, Study, by_seed, verdict_of, with_time


@pytest.mark.parametrize(
    ("relation", "sign", "verdict", "holds", "words"),
    [
        ("higher_with", 1, "supported", True, "By exchanging the points of each block the correlation lies above 0."),
        ("higher_with", -1, "refuted", False, "lies below 0."),
        ("lower_with", -1, "supported", True, "lies below 0."),
        ("lower_with", 1, "refuted", False, "lies above 0."),
        ("higher_with", 0, "unresolved", None, "Not significant"),
    ],
)
def test_a_correlation_over_a_grid_exchanges_points_within_blocks(tmp_path, relation, sign, verdict, holds, words):
    result = Study(tmp_path, {"c": WITHIN % relation}, with_time(sign, 0 if sign else 1), noise=FOUR).one()
    (part,) = result.parts
    assert verdict_of(result) == (verdict, holds) and words in part.why
    if sign:
        assert part.result.difference == pytest.approx(sign) and part.p == pytest.approx(1 / 24**2), (
            "one order of the 4! of each block"
        )
    assert part.result.n == 8 and part.contrast == "8 points" and part.quantity == "correlation of val/accuracy"
    assert result.metric == "val/accuracy and wall_clock" and len(part.run_ids) == 40


@pytest.mark.parametrize("test", ["pearson", "spearman"])
def test_a_correlation_over_a_grid_without_blocks_is_described_and_not_judged(tmp_path, test):
    claim = f"metric: val/accuracy, stage: s, higher_with: wall_clock, across: [model, noise], test: {test}"
    result = Study(tmp_path, {"c": claim}, with_time(1), noise=FOUR).one()
    (part,) = result.parts
    assert verdict_of(result) == ("descriptive", None) and part.p is None and part.holm is None and result.p is None
    assert "not independent cases" in part.why and "`within:`" in part.why and part.result.n == 8
    x, y = zip(*((10 + 100 * n - 3 * m, 0.8 + n) for m in (0, 1) for n in (0, 0.01, 0.02, 0.04)), strict=True)
    expected = np.corrcoef(x, y)[0, 1] if test == "pearson" else spearmanr(x, y).statistic
    assert part.result.difference == pytest.approx(expected)
    assert part.detectable is None and part.seeds_needed is None


@pytest.mark.parametrize(
    ("relation", "slope"), [("higher_with", 0.02), ("higher_with", -0.02), ("lower_with", -0.02), ("higher_with", 0.0)]
)
def test_a_correlation_over_classes_averages_the_seeds_first_and_is_described(tmp_path, relation, slope):
    claim = "metric: test/class_accuracy/*, stage: s, of: {model: small, noise: 0}, %s: train/class_size/*, across: class"
    noise = np.random.default_rng(0).normal(size=(5, 10))

    def value(labels, seed):
        sizes = {f"train/class_size/c{i}": 10.0 * i for i in range(10)}
        return sizes | {f"test/class_accuracy/c{i}": 0.5 + slope * i + 0.02 * noise[seed, i] for i in range(10)}

    result = Study(tmp_path, {"c": claim % relation}, value).one()
    (part,) = result.parts
    expected = np.corrcoef(np.arange(10), slope * np.arange(10) + 0.02 * noise.mean(0))[0, 1]
    assert part.result.n == 10 and part.result.difference == pytest.approx(expected)
    assert verdict_of(result) == ("descriptive", None) and part.p is None
    assert len(part.run_ids) == 5 and "classes are related, and no independent cases" in part.why.lower()


SPREAD = "spread: val/accuracy, stage: s, of: {model: small, noise: 0}, "
WIDE, NARROW = [0.1 * w for w in (4, -3, 2, -5, 1, 3, -4, 0)], [0.001 * w for w in (-2, 1, 4, 0, -3, 1, -1, 3)]


@pytest.mark.parametrize(
    ("relation", "small", "large", "verdict", "holds"),
    [
        ("higher_than: {model: large}", WIDE, NARROW, "supported", True),
        ("lower_than: {model: large}", NARROW, WIDE, "supported", True),
        ("lower_than: {model: large}", WIDE, NARROW, "refuted", False),
        ("differs_from: {model: large}", NARROW, WIDE, "supported", True),
        ("higher_than: {model: large}", NARROW, NARROW[::-1], "unresolved", None),
        ("at_least: {model: large}, margin: 50%", WIDE, NARROW, "supported", True),
        ("at_most: {model: large}, margin: 50%", WIDE, NARROW, "refuted", False),
        ("highest_of: model", WIDE, NARROW, "supported", True),
        ("same_as: {model: large}, margin: 50%", WIDE, NARROW, "refuted", False),
    ],
)
def test_a_spread_is_the_ratio_of_standard_deviations(tmp_path, relation, small, large, verdict, holds):
    result = Study(tmp_path, {"c": SPREAD + relation}, by_seed("model", {"small": small, "large": large}), seeds=8).one()
    (part,) = result.parts
    assert verdict_of(result) == (verdict, holds) and result.test == "pitman-morgan"
    assert part.result.difference == pytest.approx(np.std(small, ddof=1) / np.std(large, ddof=1))
    assert part.reference == 1.0 and part.quantity == "ratio of the SD of val/accuracy"
    if verdict == "unresolved":
        assert "Standard deviations of few seeds are uncertain: five seeds find a ratio of about 5." in part.why
    margin = "50%" in relation
    assert margin or part.p == pytest.approx(_pitman_morgan(small, large))


def _pitman_morgan(a, b):
    return pearsonr(np.add(a, b), np.subtract(a, b)).pvalue
