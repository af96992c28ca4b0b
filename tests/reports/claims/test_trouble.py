"""What a claim says where seeds are lost, values are none, tests cannot reach their level, and of how many seeds would do."""

from dataclasses import replace

import pytest

from bench.reports.claims.judge import judge
from bench.reports.records.arms import Records
from tests.reports.claims.study import OTHER, SMALL, THAN, Study, accuracy, predictions_of, verdict_of

HIGHER, SAME = THAN % "higher_than", THAN % "same_as" + ", margin: 0.02"


def test_the_seeds_needed_are_those_of_the_declared_margin(tmp_path):
    narrow = Study(tmp_path, {"c": HIGHER + ", margin: 0.001"}, accuracy()).one().parts[0]
    wide = Study(tmp_path, {"c": HIGHER + ", margin: 0.002"}, accuracy()).one().parts[0]
    assert narrow.verdict == wide.verdict == "unresolved"
    # by the normal approximation, n = ((1.96 + 0.84) SD / margin)²
    assert narrow.seeds_needed == pytest.approx((2.8 * narrow.result.sd / 0.001) ** 2, rel=0.05)
    assert wide.seeds_needed < narrow.seeds_needed / 3
    assert narrow.detectable == pytest.approx(1.68 * narrow.result.sd, rel=0.01)
    # the SD of five seeds may be sqrt(4 / 1.65) times as large (80 % bound)
    assert narrow.seeds_at_most == pytest.approx(narrow.seeds_needed * 4 / 1.6488, rel=0.05)
    assert f"About {narrow.seeds_needed} seeds (up to {narrow.seeds_at_most}, by the spread's 80 % bound) would" in narrow.why
    undeclared = Study(tmp_path, {"c": HIGHER}, accuracy()).one().parts[0]
    assert (undeclared.seeds_needed, undeclared.seeds_at_most) == (None, None)
    assert "Declare a margin to learn how many seeds would settle it." in undeclared.why


def test_the_seeds_needed_in_a_family_are_those_of_its_level(tmp_path):
    alone = Study(tmp_path, {"c": HIGHER + ", margin: 0.001"}, accuracy()).one().parts[0]
    claims = {f"c{i}": HIGHER + ", margin: 0.001, family: f" for i in range(4)}
    together = Study(tmp_path, claims, accuracy()).judge().claims[0].parts[0]
    assert together.seeds_needed > alone.seeds_needed and together.detectable > alone.detectable


@pytest.mark.parametrize(
    ("claim", "verdict", "holds", "why"),
    [
        (
            SAME.replace("0.02", "0.1"),
            "different but negligible",
            True,
            "Different, but by the exact sign-flip test the difference",
        ),
        (HIGHER + ", margin: 0.1", "different but negligible", False, "lies within ±0.1."),
        (SAME, "refuted", False, "By the exact sign-flip test the difference lies beyond the margin, ±0.02."),
        (SAME.replace("0.02", "0.05"), "unresolved", None, "; it is the same in every seed, so that more of them"),
        (HIGHER, "supported", True, "By the exact sign-flip test the difference lies above 0."),
        (THAN % "at_least" + ", margin: 0.02", "supported", True, "lies above 0."),
    ],
)
def test_a_constant_difference_is_for_the_sign_flip_test_to_judge(tmp_path, claim, verdict, holds, why):
    def value(labels, seed):
        return {"val/accuracy": 0.75 + (0.05 if labels["model"] == "small" else 0)}

    result = Study(tmp_path, {"c": claim + ", test: sign-flip"}, value, seeds=8).one()
    assert verdict_of(result) == (verdict, holds) and why in result.parts[0].why and result.parts[0].result.ci_low is None


def test_a_sign_flip_test_of_few_seeds_is_insufficient_and_never_unresolved(tmp_path):
    five = Study(tmp_path, {"c": HIGHER + ", test: sign-flip"}, accuracy(0.95, 0.5)).one()
    assert verdict_of(five) == ("insufficient seeds", None)
    assert five.parts[0].why == "The smallest p that n=5 seeds allow is 0.0625: above alpha 0.05."
    six = Study(tmp_path, {"c": HIGHER + ", test: sign-flip"}, accuracy(0.95, 0.5), seeds=6).one()
    assert six.verdict == "supported" and six.parts[0].p == 0.03125
    both = {"c": HIGHER + ", test: sign-flip, family: f", "d": HIGHER + ", test: sign-flip, family: f"}
    result = Study(tmp_path, both, accuracy(0.95, 0.5), seeds=6).judge().claims[0]
    assert result.verdict == "insufficient seeds" and "times m=2" in result.parts[0].why


def test_times_of_unlike_conditions_are_not_compared(tmp_path):
    study = Study(tmp_path, {"c": HIGHER.replace("val/accuracy", "wall_clock")}, accuracy(0.5, 0.9))
    records = [
        replace(r, run=replace(r.run, tags=r.run.tags | {"precision": "bfloat16"})) if r.labels["model"] == "large" else r
        for r in study.records()
    ]
    (claim,) = judge(study.claims, study.schedules, Records(records)).claims
    assert claim.verdict == "unresolved" and "Timed under unlike conditions" in claim.parts[0].why
    assert "bfloat16" in claim.parts[0].why


def test_a_diverged_seed_never_disappears(tmp_path):
    def outcome(labels, seed):
        return "diverged" if (labels["model"], seed) == ("large", 2) else "finished"

    part = Study(tmp_path, {"c": HIGHER}, accuracy(0.95, 0.90), outcome=outcome).one().parts[0]
    assert part.result.n == 4 and part.why.endswith("Without a result: seed 2 (diverged).")


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_no_number_is_left_out_and_told(tmp_path, broken):
    value = accuracy(0.95, 0.90)

    def with_one(labels, seed):
        return {"val/accuracy": broken} if (labels["model"], seed) == ("small", 3) else value(labels, seed)

    part = Study(tmp_path, {"c": HIGHER}, with_one).one().parts[0]
    assert part.verdict == "survivors only" and part.result.n == 4
    assert part.why.endswith(f"Without a result: seed 3 (val/accuracy is {broken}).")


def test_a_mean_of_cells_lacks_a_seed_that_one_of_them_lacks(tmp_path):
    def outcome(labels, seed):
        return "diverged" if (labels["model"], labels["noise"], seed) == ("small", "0.04", 2) else "finished"

    claim = "metric: val/accuracy, stage: s, of: {model: small}, higher_than: {model: large}, mean_over: noise"
    part = Study(tmp_path, {"c": claim}, accuracy(0.95, 0.90), outcome=outcome).one().parts[0]
    assert part.result.n == 4 and "seed 2" in part.why and "diverged" in part.why


@pytest.mark.parametrize(
    ("seeds", "value", "verdict", "words"),
    [
        (1, accuracy(0.95, 0.9), "insufficient seeds", "One seed in common; a test needs two."),
        (5, lambda labels, seed: {"val/accuracy": 0.5}, "unresolved", "The difference is the same for every seed"),
        (5, lambda labels, seed: {"val/loss": 1.0}, "unresolved", "no metric 'val/accuracy'"),
        (5, lambda labels, seed: {"val/accuracy": float("nan")}, "unresolved", "val/accuracy is nan"),
        (
            4,
            lambda labels, seed: {"val/accuracy": 0.5} if (seed < 2) == (labels["model"] == "small") else {},
            "insufficient seeds",
            "no seed in common",
        ),
    ],
)
def test_what_cannot_be_tested_is_said_in_a_sentence(tmp_path, seeds, value, verdict, words):
    claim = Study(tmp_path, {"c": HIGHER}, value, seeds=seeds).one()
    part = claim.parts[0]
    assert verdict_of(claim) == (verdict, None) and words in part.why and part.why.endswith(".")
    assert part.p is None and part.holm is None and claim.p is None


@pytest.mark.parametrize("constant", ["small", "large"])
def test_one_constant_arm_is_tested_as_any_other(tmp_path, constant):
    value = accuracy(0.95, 0.9)

    def with_one(labels, seed):
        return {"val/accuracy": 0.93} if labels["model"] == constant else value(labels, seed)

    result = Study(tmp_path, {"c": HIGHER}, with_one).one()
    assert result.verdict == "supported"


def test_the_spread_of_a_constant_arm_is_no_divisor(tmp_path):
    def value(labels, seed):
        return {"val/accuracy": 0.9 if labels["model"] == "small" else 0.8 + OTHER[seed]}

    claim = SMALL.replace("metric", "spread") + "lower_than: {model: large}"
    result = Study(tmp_path, {"c": claim}, value).one()
    assert result.verdict == "unresolved" and "there is no ratio of spreads" in result.parts[0].why


def test_a_ratio_of_values_below_zero_is_none(tmp_path):
    def value(labels, seed):
        return {"val/loss": -0.1 if (labels["model"], seed) == ("large", 1) else 0.5 + OTHER[seed]}

    claim = "metric: val/loss, stage: s, of: {model: small, noise: 0, divided_by: {model: large}}, higher_than: 2"
    result = Study(tmp_path, {"c": claim}, value).one()
    assert (
        result.verdict == "unresolved"
        and "a ratio needs values above 0, and that of seed 1 is not" in result.parts[0].why.lower()
    )


def test_a_family_is_corrected_together_and_an_irrelevant_claim_changes_nothing(tmp_path):
    alone = Study(tmp_path, {"c": HIGHER}, accuracy(0.906, 0.90)).one()
    other = "metric: val/accuracy, stage: s, of: {model: small, noise: 0.01}, lower_than: {noise: 0}"
    value = accuracy(0.906, 0.90)

    def value_with_noise(labels, seed):
        shift = OTHER[seed + 3] if labels["noise"] == "0.01" else 0
        return {"val/accuracy": value(labels, seed)["val/accuracy"] + shift}

    apart = Study(tmp_path, {"d": other, "c": HIGHER}, value_with_noise).judge().claims[1]
    assert apart == alone
    together = Study(tmp_path, {"d": f"{other}, family: f", "c": f"{HIGHER}, family: f"}, value_with_noise).judge().claims[1]
    assert together.m == 2 and together.parts[0].p == alone.parts[0].p
    assert together.parts[0].holm == pytest.approx(2 * alone.parts[0].p)


def test_a_claim_of_many_contrasts_is_one_of_its_family(tmp_path):
    many = "metric: val/accuracy, stage: s, of: {model: small}, higher_than: {model: large}, each: noise, family: f"
    found = Study(tmp_path, {"many": many, "one": SMALL + "higher_than: 0.1, family: f"}, accuracy(0.95, 0.9)).judge().claims
    assert [claim.m for claim in found] == [2, 2] and {claim.verdict for claim in found} == {"supported"}
    (part,) = found[1].parts
    assert part.holm == pytest.approx(2 * part.p)


@pytest.mark.parametrize(("claim", "wrong"), [(HIGHER, 40), (HIGHER, 3), (SAME, 3)])
@pytest.mark.parametrize("seeds", [1, 5])
def test_two_models_of_one_seed_are_described_and_not_judged(tmp_path, claim, wrong, seeds):
    """One seed a side, planned or left: what the images say is of these two models, and not of their methods."""

    def outcome(labels, seed):
        return "oom" if seed else "finished"

    study = Study(tmp_path, {"c": claim + ", test: crossed"}, accuracy(0.9, 0.9), seeds=seeds, outcome=outcome)
    predictions = predictions_of(study, lambda labels, seed: [int(labels["model"] == "large" and i < wrong) for i in range(1000)])
    result = study.one(predictions=predictions)
    (part,) = result.parts
    assert (result.verdict, result.holds) == ("descriptive", None) and "McNemar's test over the images" in part.why
    assert part.result.test == "mcnemar" and part.result.n == 1000 and part.result.difference == pytest.approx(wrong / 1000)
    assert part.p is None and part.seeds_needed is None


def test_a_crossed_test_needs_the_predictions_of_every_seed(tmp_path):
    study = Study(tmp_path, {"c": HIGHER + ", test: crossed"}, accuracy(0.91, 0.90))
    for predictions, words in (
        (None, "needs one run a seed, with its predictions"),
        (lambda run_id: None, "has no stored predictions"),
        (lambda run_id: b"damaged", "Predictions.npz of the run of seed 0"),
    ):
        result = study.one(predictions=predictions)
        assert result.verdict == "unresolved" and words in result.parts[0].why
