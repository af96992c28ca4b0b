"""Relations with an arm or a number, with each verdict that they can have: read off one interval."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from tests.reports.claims.study import OTHER, SMALL, THAN, WIGGLE, Study, accuracy, verdict_of

BEYOND = [
    ("", 0.05, "supported", True, "The 95 % interval, 0.0437 to 0.0559, lies {0} 0."),
    (", margin: 0.01", 0.05, "supported", True, "lies {0} the margin, {1}0.01."),
    (", margin: 0.048", 0.05, "supported", True, "lies {0} 0, but not {0} the margin, {1}0.048."),
    ("", -0.05, "refuted", False, "lies {2} 0."),
    (", margin: 0.01", -0.05, "refuted", False, "lies {2} 0."),
    ("", 0.0001, "unresolved", None, "Not significant; n=5 seeds find a difference of 0.00827 with 80 % power. Declare a margin"),
    (", margin: 0.001", 0.0001, "unresolved", None, "About 192 seeds (up to 463, by the spread's 80 % bound) would settle it"),
    (", margin: 0.02", 0.0001, "equivalent", False, "lies within ±0.02."),
    (", margin: 0.03", 0.0142, "different but negligible", False, "Different, but the 95 % interval, "),
    (", margin: 0.03", -0.0142, "different but negligible", False, "lies within ±0.03."),
    (", test: sign-flip", 0.05, "insufficient seeds", None, "The smallest p that n=5 seeds allow is 0.0625: above alpha 0.05."),
]
DIFFERS = [
    ("", 0.05, "supported", True, "lies above 0."),
    ("", -0.05, "supported", True, "lies below 0."),
    (", margin: 0.01", -0.05, "supported", True, "lies below the margin, −0.01."),
    (", margin: 0.048", 0.05, "supported", True, "but not above the margin, 0.048."),
    ("", 0.0001, "unresolved", None, "Not significant"),
    (", margin: 0.02", 0.0001, "equivalent", False, "lies within ±0.02."),
    (", margin: 0.03", 0.0142, "different but negligible", False, "lies within ±0.03."),
    (", test: sign-flip", 0.05, "insufficient seeds", None, "above alpha 0.05."),
]
BOUND = [
    (0.05, "supported", True, "lies {0} 0."),
    (-0.005, "supported", True, "lies {0} the margin, {1}0.02."),
    (0.0001, "supported", True, "lies {0} the margin, {1}0.02."),
    (-0.018, "unresolved", None, "Neither {0} the margin nor {2} it"),
    (-0.05, "refuted", False, "lies {2} the margin, {1}0.02."),
]
SAME = [
    (0.0001, "equivalent", True, "The 95 % interval, −0.0062 to 0.0060, lies within ±0.02."),
    (0.0142, "unresolved", None, "Neither equal within the margin nor beyond it"),
    (0.0102, "different but negligible", True, "Different, but the 95 % interval, 0.0039 to 0.0161, lies within ±0.02."),
    (0.05, "refuted", False, "lies beyond the margin, ±0.02."),
    (-0.05, "refuted", False, "lies beyond the margin, ±0.02."),
]


@pytest.mark.parametrize(("relation", "sign"), [("higher_than", 1), ("lower_than", -1)])
@pytest.mark.parametrize(("more", "difference", "verdict", "holds", "words"), BEYOND)
def test_higher_and_lower_than_another_arm(tmp_path, relation, sign, more, difference, verdict, holds, words):
    result = Study(tmp_path, {"c": THAN % relation + more}, accuracy(0.9 + sign * difference, 0.9)).one()
    (part,) = result.parts
    assert verdict_of(result) == (verdict, holds) and part.verdict == verdict
    words = words.format(*(("above", "", "below") if sign > 0 else ("below", "−", "above")))
    words = words.replace("0.0437 to 0.0559", "0.0437 to 0.0559" if sign > 0 else "−0.0563 to −0.0441")
    assert words in part.why
    assert part.result.n == 5 and part.result.difference == pytest.approx(sign * difference - 0.0002)
    assert (result.relation, part.quantity, part.reference) == (relation, "difference of val/accuracy", 0.0)
    assert len(part.run_ids) == 10 and part.contrast == "model=small vs model=large at noise=0"


@pytest.mark.parametrize(("more", "difference", "verdict", "holds", "words"), DIFFERS)
def test_that_arms_differ_is_asked_of_both_sides(tmp_path, more, difference, verdict, holds, words):
    result = Study(tmp_path, {"c": THAN % "differs_from" + more}, accuracy(0.9 + difference, 0.9)).one()
    assert verdict_of(result) == (verdict, holds) and words in result.parts[0].why


@pytest.mark.parametrize(("relation", "sign"), [("at_least", 1), ("at_most", -1)])
@pytest.mark.parametrize(("difference", "verdict", "holds", "words"), BOUND)
def test_at_least_and_at_most_are_non_inferiority_and_hold_where_the_arm_is_better(
    tmp_path, relation, sign, difference, verdict, holds, words
):
    result = Study(tmp_path, {"c": THAN % relation + ", margin: 0.02"}, accuracy(0.9 + sign * difference, 0.9)).one()
    assert verdict_of(result) == (verdict, holds)
    assert words.format(*(("above", "−", "below") if sign > 0 else ("below", "", "above"))) in result.parts[0].why
    small, large = ([base + w for w in wiggle[:5]] for base, wiggle in ((0.9 + sign * difference, WIGGLE), (0.9, OTHER)))
    towards = sign if verdict != "refuted" else -sign  # what is refuted is told by the p of the other side
    one_sided = ttest_1samp(np.subtract(small, large), -sign * 0.02, alternative="greater" if towards > 0 else "less").pvalue
    assert result.parts[0].p == pytest.approx(min(1, 2 * one_sided))


@pytest.mark.parametrize(("difference", "verdict", "holds", "words"), SAME)
def test_the_same_is_equivalence_within_the_margin(tmp_path, difference, verdict, holds, words):
    result = Study(tmp_path, {"c": THAN % "same_as" + ", margin: 0.02"}, accuracy(0.9 + difference, 0.9)).one()
    assert verdict_of(result) == (verdict, holds) and words in result.parts[0].why
    deltas = [difference + a - b for a, b in zip(WIGGLE[:5], OTHER[:5], strict=True)]
    inside = max(ttest_1samp(deltas, edge, alternative=side).pvalue for edge, side in ((-0.02, "greater"), (0.02, "less")))
    outside = min(ttest_1samp(deltas, edge, alternative=side).pvalue for edge, side in ((-0.02, "less"), (0.02, "greater")))
    one_sided = outside if verdict == "refuted" else inside
    assert result.parts[0].p == pytest.approx(min(1, 2 * one_sided)), "on the two-sided scale, as the interval is"


NUMBERS = [
    ("higher_than: 0.85", "supported", True),
    ("higher_than: 0.95", "refuted", False),
    ("higher_than: 0.9", "unresolved", None),
    ("lower_than: 0.95", "supported", True),
    ("lower_than: 0.85", "refuted", False),
    ("lower_than: 0.9, margin: 0.02", "equivalent", False),
    ("differs_from: 0.85", "supported", True),
    ("differs_from: 0.9, margin: 0.02", "equivalent", False),
    ("at_least: 0.91, margin: 0.02", "supported", True),
    ("at_least: 0.95, margin: 0.02", "refuted", False),
    ("at_least: 0.918, margin: 0.02", "unresolved", None),
    ("at_most: 0.85, margin: 0.02", "refuted", False),
    ("at_most: 0.89, margin: 0.02", "supported", True),
    ("same_as: 0.9, margin: 0.02", "equivalent", True),
    ("same_as: 0.89, margin: 0.02", "different but negligible", True),
    ("same_as: 0.85, margin: 0.02", "refuted", False),
    ("higher_than: 0.5, test: sign-flip", "insufficient seeds", None),
]


@pytest.mark.parametrize(("relation", "verdict", "holds"), NUMBERS)
def test_an_arm_against_a_number_is_the_one_sample_t_test(tmp_path, relation, verdict, holds):
    result = Study(tmp_path, {"c": SMALL + relation}, accuracy()).one()
    assert verdict_of(result) == (verdict, holds)
    (part,) = result.parts
    name, number = relation.split(",")[0].split(": ")
    expected = ttest_1samp([0.9 + w for w in WIGGLE[:5]], float(number))
    assert part.result.difference == pytest.approx(0.8998 - float(number)) and part.result.p == pytest.approx(
        expected.pvalue if "sign-flip" not in relation else 0.0625
    )
    assert part.contrast == f"model=small, noise=0 vs {number}" and len(part.run_ids) == 5 and result.relation == name


def test_two_differences_are_compared_by_the_double_difference(tmp_path):
    """What noise costs the small model is less than what it costs the large one."""

    def value(labels, seed):
        cost = {("small", "0.04"): 0.02 + OTHER[seed], ("large", "0.04"): 0.1 + WIGGLE[seed]}
        return {"val/accuracy": 0.9 - cost.get((labels["model"], labels["noise"]), 0)}

    of = "metric: val/accuracy, stage: s, of: {model: small, noise: 0, minus: {noise: 0.04}}, "
    claims = {"less": of + "lower_than: {model: large}", "more": of + "higher_than: {model: large, minus: {noise: 0.01}}"}
    less, more = Study(tmp_path, claims, value).judge().claims
    deltas = [0.02 + OTHER[seed] - 0.1 - WIGGLE[seed] for seed in range(5)]
    assert list(less.parts[0].result.deltas.values()) == pytest.approx(deltas) and verdict_of(less) == ("supported", True)
    assert (
        less.parts[0].contrast
        == "(model=small, noise=0 − model=small, noise=0.04) vs (model=large, noise=0 − model=large, noise=0.04)"
    )
    assert list(more.parts[0].result.deltas.values()) == pytest.approx([0.02 + OTHER[seed] for seed in range(5)])


@pytest.mark.parametrize(("number", "verdict"), [(0.03, "supported"), (0.049, "unresolved"), (0.07, "refuted")])
def test_more_than_so_much_is_a_difference_against_a_number(tmp_path, number, verdict):
    claim = f"metric: val/accuracy, stage: s, of: {{model: small, noise: 0, minus: {{model: large}}}}, higher_than: {number}"
    part = Study(tmp_path, {"c": claim}, accuracy(0.95, 0.9)).one().parts[0]
    deltas = [0.05 + a - b for a, b in zip(WIGGLE[:5], OTHER[:5], strict=True)]
    assert part.verdict == verdict and part.p == pytest.approx(ttest_1samp(deltas, number).pvalue)


def times(labels, seed):
    return {"wall_clock": (100 + seed) * (1 if labels["model"] == "small" else 10 + 0.1 * (seed % 2))}


@pytest.mark.parametrize(
    ("relation", "verdict", "holds", "words"),
    [
        ("lower_than: 1/7", "supported", True, "lies below 0.1429."),
        ("lower_than: 1/20", "refuted", False, "lies above 0.05."),
        ("higher_than: 0.0996", "unresolved", None, "find a factor of"),
        ("at_least: 0.11, margin: 20%", "supported", True, "lies above the margin, 0.0917 times."),
        ("at_most: 0.05, margin: 20%", "refuted", False, "lies above the margin, 0.06 times."),
        ("same_as: 0.1, margin: 20%", "equivalent", True, "lies within 0.0833 to 0.12 times."),
        ("same_as: 0.2, margin: 20%", "refuted", False, "lies beyond the margin, 0.167 to 0.24 times."),
    ],
)
def test_an_arm_divided_by_another_is_held_against_a_ratio(tmp_path, relation, verdict, holds, words):
    claim = "metric: wall_clock, stage: s, of: {model: small, noise: 0, divided_by: {model: large}}, "
    result = Study(tmp_path, {"c": claim + relation}, times).one()
    (part,) = result.parts
    assert verdict_of(result) == (verdict, holds) and words in part.why
    assert part.result.ratio and part.result.difference == pytest.approx(0.0996, abs=1e-4)
    number = relation.split(",")[0].split(": ")[1]
    assert part.reference == pytest.approx(1 / 7 if number == "1/7" else 1 / 20 if number == "1/20" else float(number))
    assert part.quantity == "ratio of wall_clock" and next(iter(part.result.deltas.values())) == pytest.approx(0.1)
    assert part.result.ci_low < part.result.difference < part.result.ci_high


def test_times_are_compared_by_their_ratio_and_what_is_divided_too(tmp_path):
    both = {
        "times": "metric: wall_clock, stage: s, of: {model: small, noise: 0}, lower_than: {model: large}",
        "same": "metric: wall_clock, stage: s, of: {model: small, noise: 0}, same_as: {model: large}, margin: 50%",
        "shares": "metric: val/loss, stage: s, of: {model: small, noise: 0, divided_by: {model: large}}, lower_than: 0.95",
    }

    def value(labels, seed):
        loss = (0.45 if labels["model"] == "small" else 0.5) * (1.01 ** (WIGGLE if labels["model"] == "small" else OTHER)[seed])
        return {**times(labels, seed), "val/loss": loss}

    faster, same, shares = Study(tmp_path, both, value).judge().claims
    assert (faster.verdict, faster.parts[0].reference, same.verdict) == ("supported", 1.0, "refuted")
    assert shares.verdict == "supported" and shares.parts[0].result.difference == pytest.approx(0.9, abs=1e-3)
