"""Claims of a suite file on data of which every value is known: published, or computed elsewhere."""

from itertools import permutations, product

import numpy as np
import pytest
from scipy.stats import page_trend_test

from tests.reports.claims.study import THREE, Study, by_seed, predictions_of, verdict_of

A = [0.912, 0.905, 0.921, 0.908, 0.916]
B = [0.900, 0.896, 0.906, 0.901, 0.905]
"""Five seeds of two arms."""
DARWIN = [6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75]
"""Darwin (1876): crossed less self-fertilised plants, in eighths of an inch."""
BLOCKS = [[0.90, 0.92, 0.93], [0.89, 0.91, 0.915], [0.91, 0.915, 0.94], [0.88, 0.905, 0.92], [0.90, 0.93, 0.925]]
"""Five seeds of three levels."""
HEIGHTS = "metrics: {height: {}}"


def five(tmp_path, relation, small=A, large=B):
    claim = f"metric: val/accuracy, stage: s, of: {{model: small, noise: 0}}, {relation}"
    return Study(tmp_path, {"c": claim}, by_seed("model", {"small": small, "large": large})).one()


def darwin(tmp_path, relation):
    claim = f"metric: height, stage: s, of: {{model: small, noise: 0}}, {relation}"
    value = by_seed("model", {"small": DARWIN, "large": [0] * 15}, "height")
    return Study(tmp_path, {"c": claim}, value, seeds=15, head=HEIGHTS).one()


def levels(tmp_path, claim, labels=("1", "2", "4"), listed=None):
    """The three levels as those of noise. labels: what they are called; listed: the same in the order of the file."""
    value = by_seed("noise", dict(zip(labels, zip(*BLOCKS, strict=True), strict=True)))
    text = f"metric: val/accuracy, stage: s, of: {{model: small}}, {claim}"
    return Study(tmp_path, {"c": text}, value, noise=", ".join(listed or labels)).one()


def test_a_difference_of_five_seeds(tmp_path):
    result = five(tmp_path, "higher_than: {model: large}")
    (part,) = result.parts
    assert verdict_of(result) == ("supported", True)
    assert (part.result.t, part.p) == pytest.approx((7.96187, 0.00134817), rel=1e-5)
    assert (part.result.difference, part.result.sd, part.result.d_z) == pytest.approx((0.0108, 0.0030332, 3.56065), rel=1e-4)
    assert (part.result.ci_low, part.result.ci_high) == pytest.approx((0.0070338, 0.0145662), rel=1e-5)
    welch = five(tmp_path, "higher_than: {model: large}, test: welch").parts[0]
    assert (welch.result.t, welch.result.df, welch.p) == pytest.approx((3.20997, 6.78081, 0.0155166), rel=1e-5)


@pytest.mark.parametrize(("margin", "verdict", "one_sided"), [(0.02, "supported", 0.00123352), (0.01, "unresolved", 0.70647518)])
def test_non_inferiority_of_five_seeds(tmp_path, margin, verdict, one_sided):
    result = five(tmp_path, f"at_least: {{model: large}}, margin: {margin}", small=B, large=A)
    (part,) = result.parts
    assert result.verdict == verdict and part.result.ci_low == pytest.approx(-0.01456615, abs=1e-8)
    assert part.p == pytest.approx(min(1, 2 * one_sided), abs=2e-8), "two-sided, as the interval is"


def test_darwins_plants(tmp_path):
    plain = darwin(tmp_path, "higher_than: {model: large}").parts[0]
    assert (plain.result.t, plain.p) == pytest.approx((2.14799, 0.04970), abs=1e-5) and plain.verdict == "supported"
    flips = darwin(tmp_path, "higher_than: {model: large}, test: sign-flip")
    assert flips.parts[0].p == 1726 / 32768 and flips.verdict == "unresolved"
    least = darwin(tmp_path, "at_least: {model: large}, margin: 10")
    assert least.verdict == "supported" and least.parts[0].result.ci_low == pytest.approx(0.03119332, abs=1e-8)
    assert least.parts[0].p == pytest.approx(2 * 0.00337997, rel=1e-6)


@pytest.mark.parametrize("listed", [("1", "2", "4"), ("4", "1", "2"), ("2", "4", "1")])
def test_a_change_over_the_range_in_whichever_order_the_levels_stand(tmp_path, listed):
    linear = levels(tmp_path, "higher_along: noise", listed=listed)
    (part,) = linear.parts
    assert verdict_of(linear) == ("supported", True)
    assert (part.result.difference, part.result.t) == pytest.approx((0.02785714, 9.0795938), rel=1e-6)
    assert part.p == pytest.approx(0.00081575, abs=1e-8)
    assert (part.result.ci_low, part.result.ci_high) == pytest.approx((0.01933872, 0.03637557), abs=1e-8)
    (part,) = levels(tmp_path, "higher_along: noise, scale: log", listed=listed).parts
    assert (part.result.difference, part.result.t) == pytest.approx((0.03, 10.9544512), rel=1e-8)
    assert part.p == pytest.approx(0.00039449, abs=1e-8)


def test_monotone_within_a_margin(tmp_path):
    result = levels(tmp_path, "higher_each_step: noise, margin: 0.005", listed=("4", "1", "2"))
    first, second, ends = result.parts
    assert verdict_of(result) == ("supported", True)
    assert (first.result.difference, first.result.ci_low) == pytest.approx((0.020, 0.00838530), abs=1e-8)
    assert (second.result.difference, second.result.ci_low) == pytest.approx((0.010, -0.00388223), abs=1e-8)
    assert (ends.result.difference, ends.p) == pytest.approx((0.030, 0.00039449), abs=1e-8)
    assert "Page's L is 69, exact p 0.001." in ends.why
    page = page_trend_test(BLOCKS, method="exact")
    assert (page.statistic, page.pvalue) == pytest.approx((69, 0.00141461), abs=1e-8), "as scipy has it"
    assert levels(tmp_path, "higher_each_step: noise, margin: 0.003").verdict == "unresolved", (
        "the second step's bound is -0.0039"
    )


def test_is_b_the_best(tmp_path):
    value = by_seed("model", dict(zip("abc", zip(*BLOCKS, strict=True), strict=True)))
    claims = {one: f"metric: val/accuracy, stage: s, of: {{model: {one}, noise: 0}}, highest_of: model" for one in "bc"}
    b, c = Study(tmp_path, claims, value, models=THREE).judge().claims
    over_a, over_c = b.parts
    assert over_a.p == pytest.approx(0.00876966, abs=1e-8) and over_a.verdict == "supported"
    assert over_c.result.difference < 0 and verdict_of(b) == ("unresolved", None)
    assert c.p == pytest.approx(0.1161165, rel=1e-5), "the larger one, and not Holm's"


def test_whether_any_of_three_levels_differs(tmp_path):
    """By counting: how many of the 6^5 arrangements within the seeds set the levels as far apart."""
    result = levels(tmp_path, "differs_along: noise")
    orders = [np.array(list(permutations(block))) for block in BLOCKS]
    apart = [np.var(sum(arrangement)) for arrangement in product(*orders)]
    count = sum(one >= np.var(np.sum(BLOCKS, axis=0)) - 1e-12 for one in apart)
    assert result.parts[0].p == pytest.approx(count / 6**5) and verdict_of(result) == ("supported", True)
    assert result.parts[0].result.smallest_p == pytest.approx(1 / 6**4)


def test_spreads_of_five_seeds(tmp_path):
    value = by_seed("model", dict(zip("abc", zip(*BLOCKS, strict=True), strict=True)))
    claim = "spread: val/accuracy, stage: s, of: {model: a, noise: 0}, differs_from: {model: %s}"
    b, c = Study(tmp_path, {one: claim % one for one in "bc"}, value, models=THREE).judge().claims
    assert (b.parts[0].p, c.parts[0].p) == pytest.approx((0.73207659, 0.61976440), abs=1e-8)
    assert b.verdict == c.verdict == "unresolved"


def test_times(tmp_path):
    claim = "metric: wall_clock, stage: s, of: {model: small, noise: 0}, higher_than: {model: large}"
    value = by_seed("model", {"small": [120, 118, 131, 125, 122], "large": [100, 101, 104, 99, 103]}, "wall_clock")
    (part,) = Study(tmp_path, {"c": claim}, value).one().parts
    assert (part.result.difference, part.result.ci_low, part.result.ci_high) == pytest.approx(
        (1.214382, 1.161643, 1.269516), abs=1e-6
    )
    assert part.p == pytest.approx(0.000263666, rel=1e-5) and part.verdict == "supported"


CROSSED = [
    [1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0],
    [0, 0, 1, 0, 1, 0, 1, -1, 0, 0, 1, 0],
    [1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, -1],
]
"""Three seeds by twelve images: whether the first arm is right, less whether the second is."""


def test_over_seeds_and_images(tmp_path):
    """Satterthwaite's p, .056, would be too liberal with few seeds in other cases; Cochran's critical value gives .048 here."""

    def value(labels, seed):
        wrong = 1 if labels["model"] == "large" else -1
        return {"val/accuracy": 1 - np.mean(np.array(CROSSED[seed]) == wrong)}

    claim = "metric: val/accuracy, stage: s, of: {model: small, noise: 0}, higher_than: {model: large}, test: crossed"
    study = Study(tmp_path, {"c": claim}, value, seeds=3)

    def classes(labels, seed):
        wrong = 1 if labels["model"] == "large" else -1
        return [int(delta == wrong) for delta in CROSSED[seed]]

    result = study.one(predictions=predictions_of(study, classes))
    (part,) = result.parts
    assert (part.result.difference, part.result.error) == pytest.approx((0.27777778, 0.11844484), abs=1e-8)
    assert part.p == pytest.approx(0.04790686, abs=1e-7) and verdict_of(result) == ("supported", True)
    critical = (part.result.ci_high - part.result.difference) / part.result.error
    assert critical == pytest.approx(2.31657688, abs=1e-7)
