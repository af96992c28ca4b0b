"""Verdicts that were once wrong or empty, each with the data on which they were."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import stdtr

from bench.errors import BenchError
from bench.reports.claims.judge import judge
from bench.reports.records.arms import Records
from bench.reports.statistics import look_level
from tests.reports.claims.study import (
    ALONG,
    FOUR,
    OTHER,
    SMALL,
    THAN,
    WIGGLE,
    Study,
    accuracy,
    along,
    by_seed,
    predictions_of,
    verdict_of,
    with_time,
)

THOUSAND = {"images.val": "1000"}


def constant(small, large):
    return lambda labels, seed: {"val/accuracy": small if labels["model"] == "small" else large}


@pytest.mark.parametrize("listed", ["0.64, 0.32, 0.16", "0.16, 0.32, 0.64"])
@pytest.mark.parametrize("relation", ["higher_along", "higher_each_step"])
def test_a_trend_does_not_follow_the_listing_order_of_the_levels(tmp_path, listed, relation):
    value = along("noise", {"0.16": 0.7, "0.32": 0.75, "0.64": 0.8})
    assert Study(tmp_path, {"c": ALONG % relation}, value, noise=listed).one().verdict == "supported"


@pytest.mark.parametrize("relation", ["at_least: {model: large}", "at_least: 0.7"])
def test_what_reaches_another_is_not_refuted_where_it_is_better(tmp_path, relation):
    result = Study(tmp_path, {"c": SMALL + relation + ", margin: 0.02"}, accuracy(0.9, 0.7)).one()
    assert verdict_of(result) == ("supported", True)


def test_a_constant_difference_is_not_unresolved_for_ever(tmp_path):
    """Of a metric that counts images: ten steps or more are no accident, and one step may be."""
    claims = {
        "higher": THAN % "higher_than",
        "same": THAN % "same_as" + ", margin: 0.02",
        "least": THAN % "at_least" + ", margin: 0.02",
    }
    clear, step, none = (
        Study(tmp_path, claims, constant(*pair), tags=THOUSAND).judge() for pair in ((1.0, 0.1), (0.901, 0.9), (0.9, 0.9))
    )
    assert [claim.verdict for claim in clear.claims] == ["supported", "refuted", "supported"]
    assert [claim.verdict for claim in step.claims] == ["unresolved", "equivalent", "supported"]
    assert step.claims[0].parts[0].p == 0.0625, "by the exact test, which counts signs"
    assert [claim.verdict for claim in none.claims] == ["unresolved", "equivalent", "supported"]
    (unknown, *_) = Study(tmp_path, claims, constant(1.0, 0.1)).judge().claims
    assert unknown.verdict == "unresolved" and "The difference is the same for every seed" in unknown.parts[0].why


def test_arms_of_the_same_predictions_are_identical(tmp_path):
    relations = ["same_as: {model: large}, margin: 0.01", "at_least: {model: large}, margin: 0.01", "higher_than: {model: large}"]
    relations += ["differs_from: {model: large}", "at_most: {model: large}, margin: 0.01"]
    study = Study(tmp_path, {f"c{i}": SMALL + relation for i, relation in enumerate(relations)}, constant(0.75, 0.75))
    same = predictions_of(study, lambda labels, seed: [0, 0, 0, int(seed < 9)])
    found = study.judge(predictions=same).claims
    assert [verdict_of(claim) for claim in found] == [("identical", holds) for holds in (True, True, False, False, True)]
    assert found[0].parts[0].why == "The predictions of both arms are the same in every seed."
    others = predictions_of(study, lambda labels, seed: [1, 0, 0, 0] if labels["model"] == "small" else [0, 0, 0, 1])
    assert {claim.verdict for claim in study.judge(predictions=others).claims} == {"unresolved"}
    assert {claim.verdict for claim in study.judge(predictions=lambda run_id: b"damaged").claims} == {"unresolved"}


def test_an_exact_test_that_reaches_its_level_is_not_insufficient(tmp_path):
    six, five = (Study(tmp_path, {"c": THAN % "higher_than" + ", test: sign-flip"}, constant(1.0, 0.1), n).one() for n in (6, 5))
    assert (six.verdict, six.parts[0].p) == ("supported", 2 / 64)
    assert six.parts[0].why == "By the exact sign-flip test the difference lies above 0."
    assert five.verdict == "insufficient seeds"
    bound = Study(tmp_path, {"c": THAN % "at_least" + ", margin: 0.02, test: sign-flip"}, constant(1.0, 0.1), 6).one()
    assert bound.verdict == "supported"


@pytest.mark.parametrize(
    ("claim", "mend"),
    [
        (THAN % "same_as" + ", margin: 2", "write 0.02"),
        (SMALL + "higher_than: 95", "write 0.95"),
        (SMALL + "at_least: 0.9, margin: 5", "write 0.05"),
        (ALONG % "higher_along" + ", margin: 20", "write 0.2"),
    ],
)
def test_percent_of_a_metric_from_0_to_1_are_refused(tmp_path, claim, mend):
    with pytest.raises(BenchError) as error:
        Study(tmp_path, {"c": claim}, accuracy())
    assert mend in error.value.mend and '{unit: "%"}' in error.value.mend
    assert Study(tmp_path, {"c": claim}, accuracy(), head='metrics: {val/accuracy: {unit: "%"}}').claims


def test_a_loss_of_a_third_is_not_negligible(tmp_path):
    claim = {"c": THAN % "same_as" + ", margin: 2"}
    result = Study(tmp_path, claim, accuracy(0.57, 0.9), head='metrics: {val/accuracy: {unit: "%"}}').one()
    assert verdict_of(result) == ("refuted", False) and result.parts[0].result.difference == pytest.approx(-33.02)


def test_the_cells_of_a_grid_are_no_independent_cases(tmp_path):
    """Two models by four levels: with nothing but the model in common, r is near 1."""
    claims = {
        "cells": "metric: val/accuracy, stage: s, higher_with: wall_clock, across: [model, noise]",
        "blocks": "metric: val/accuracy, stage: s, higher_with: wall_clock, across: noise, within: model",
    }

    def value(labels, seed):
        large, noise = labels["model"] == "large", FOUR.split(", ").index(labels["noise"])
        accuracy = 0.7 + 0.2 * large + 0.01 * (1.0, 0.0, 0.3, 0.9)[noise]
        return {"val/accuracy": accuracy, "wall_clock": 10.0 + 50 * large + 0.1 * noise}

    cells, blocks = Study(tmp_path, claims, value, noise=FOUR).judge().claims
    assert verdict_of(cells) == ("descriptive", None) and cells.parts[0].result.difference > 0.99
    assert verdict_of(blocks) == ("unresolved", None) and abs(blocks.parts[0].result.difference) < 0.01
    assert Study(tmp_path, {"c": claims["cells"]}, with_time(1), noise=FOUR).one().verdict == "descriptive"


@pytest.mark.parametrize("seeds", [2, 3])
def test_the_test_over_seeds_and_images_keeps_its_level_with_few_seeds(tmp_path, seeds):
    """Equal arms, whose seeds alone differ: the level holds, where Satterthwaite's degrees of freedom err in .07 to .13."""
    rng = np.random.default_rng(1)
    wrong = 0
    study = Study(tmp_path, {"c": THAN % "higher_than" + ", test: crossed"}, accuracy(), seeds=seeds)
    records = Records(study.records())
    for _ in range(200):
        share = {(model, seed): rng.uniform(0.6, 0.9) for model in ("small", "large") for seed in range(seeds)}
        draws = {key: (rng.random(200) > one).astype(int).tolist() for key, one in share.items()}
        predictions = predictions_of(study, lambda labels, seed, draws=draws: draws[labels["model"], seed])
        (claim,) = judge(study.claims, study.schedules, records, predictions).claims
        wrong += claim.verdict != "unresolved"
    assert wrong / 200 < 0.05 + 2 * (0.05 * 0.95 / 200) ** 0.5


def test_nothing_is_made_of_what_is_not_significant(tmp_path):
    """Ten seeds would do at the margin, and there are twelve: no word that the effect is none."""
    study = Study(tmp_path, {"c": THAN % "higher_than" + ", margin: 0.004"}, accuracy(0.9022, 0.9), seeds=12)
    part = study.one().parts[0]
    assert part.verdict == "unresolved" and part.seeds_needed <= 12
    assert f"at the margin, ±0.004, {part.seeds_needed} seeds have 80 % power, and there are 12." in part.why
    assert "near" not in part.why


def test_seeds_of_unpaired_arms_are_counted_by_the_arm(tmp_path):
    study = Study(tmp_path, {"c": THAN % "higher_than" + ", margin: 0.0035, test: welch"}, accuracy(0.9025, 0.9), seeds=8)
    part = study.one().parts[0]
    assert part.verdict == "unresolved" and part.result.n == 16 and 8 < part.seeds_needed <= 16
    assert f"About {part.seeds_needed} seeds an arm" in part.why


def test_no_factor_is_told_that_no_measurement_could_show(tmp_path):
    def value(labels, seed):
        return {"wall_clock": 10.0 ** (seed * 20) if labels["model"] == "small" else 1.0}

    claim = THAN.replace("val/accuracy", "wall_clock") % "higher_than"
    part = Study(tmp_path, {"c": claim}, value, seeds=3).one().parts[0]
    assert part.detectable is None and "factor" not in part.why


@pytest.mark.parametrize(
    ("relation", "difference", "true"),
    [("higher_than", 0.0, "equivalent"), ("higher_than", 0.01, "supported"), ("same_as", 0.01, ""), ("at_least", -0.01, "")],
)
def test_the_false_verdicts_of_one_claim_together_are_at_most_alpha(tmp_path, relation, difference, true):
    """Of five normal seeds, where the truth lies on an edge: at 0, or at the margin, neither within it nor beyond it."""
    study = Study(tmp_path, {"c": THAN % relation + ", margin: 0.01"}, accuracy())
    records, rng, draws, wrong = Records(study.records()).records, np.random.default_rng(5), 600, 0
    arms = [record for record in records if record.labels["noise"] == "0"]
    for spread in rng.choice([0.002, 0.005, 0.02], draws):
        values = rng.normal([[0.8 + difference], [0.8]], spread, (2, 5))
        filled = [
            replace(one, run=replace(one.run, metrics={"val/accuracy": values[int(one.labels["model"] == "large")][one.seed]}))
            for one in arms
        ]
        (claim,) = judge(study.claims, study.schedules, Records(filled)).claims
        wrong += claim.verdict not in {"unresolved", true}
    assert wrong / draws < 0.05 + 2 * (0.05 * 0.95 / draws) ** 0.5


def test_two_seeds_never_give_a_verdict(tmp_path):
    text = [f"{THAN % name}{more}" for name in ("higher_than", "differs_from") for more in ("", ", margin: 0.3")]
    text += [f"{THAN % name}, margin: 0.3" for name in ("same_as", "at_least", "at_most")]
    text += [THAN % "higher_than" + ", test: welch", ALONG % "higher_along", ALONG % "differs_along", ALONG % "higher_each_step"]
    text += [
        ALONG % "same_along" + ", margin: 0.3",
        SMALL + "highest_of: model",
        SMALL.replace("metric", "spread") + "higher_than: {model: large}",
    ]

    def value(labels, seed):
        base = (0.9 if labels["model"] == "small" else 0.7) - float(labels["noise"])
        return {"val/accuracy": base + (WIGGLE if labels["model"] == "small" else OTHER)[seed + len(labels["noise"])] / 100}

    found = Study(tmp_path, {f"c{i}": one for i, one in enumerate(text)}, value, seeds=2).judge().claims
    assert {claim.name: claim.verdict for claim in found} == {claim.name: "insufficient seeds" for claim in found}
    assert found[0].parts[0].p < 0.05 and "Two seeds are too few for a verdict; plan at least three." in found[0].parts[0].why


@pytest.mark.parametrize("which", [("small", "large"), ("large",), ("small",)])
def test_insufficient_seeds_is_not_said_where_every_seed_diverged(tmp_path, which):
    def outcome(labels, seed):
        return "diverged" if labels["model"] in which else "finished"

    claims = {"two": THAN % "higher_than", "number": SMALL.replace("small", which[0]) + "higher_than: 0.5"}
    for claim in Study(tmp_path, claims, accuracy(), outcome=outcome).judge().claims:
        assert verdict_of(claim) == ("unresolved", None)
        assert claim.parts[0].why == f"There is no result of model={which[0]}, noise=0 (diverged)."


def test_no_interval_stands_uncorrected_beside_holms_p(tmp_path):
    claims = {f"c{i}": THAN % "higher_than" + ", family: f" for i in range(5)}
    value = by_seed("model", {"small": [0.904, 0.907, 0.912, 0.915, 0.899], "large": [0.899, 0.903, 0.901, 0.909, 0.897]})
    for claim in Study(tmp_path, claims, value).judge().claims:
        (part,) = claim.parts
        assert claim.m == 5 and part.result.confidence == pytest.approx(0.99)
        assert part.p < 0.05 < part.holm and claim.verdict == "unresolved" and part.result.ci_low < 0


def test_means_over_unlike_levels_are_refused(tmp_path):
    """Two equal models, one of which lacks the level where both are bad: it is no better."""
    claim = "metric: val/accuracy, stage: s, of: {model: small}, higher_than: {model: large}, %s"
    for text in (
        "mean_over: noise, exclude: [{model: small, noise: 0.04}]",
        "exclude: [{model: small, noise: 0.04}], mean_over: {noise: [0, 0.04]}",
    ):
        with pytest.raises(BenchError, match=r"model=small.* has no cell at noise=0\.04") as error:
            Study(tmp_path, {"c": claim % text}, accuracy())
        assert "average the same levels in both" in error.value.mend


def test_an_arm_that_stands_twice_is_not_two_independent_ones(tmp_path):
    """The first step gains more than the second: the level between them stands in both."""
    claim = "metric: val/accuracy, stage: s, of: {model: small, noise: 0.01, minus: {noise: 0}}, "
    claim += "higher_than: {noise: 0.04, minus: {noise: 0.01}}, test: welch"
    arms = {noise: [0.9 + WIGGLE[(seed + 3 * i) % 12] for seed in range(5)] for i, noise in enumerate(("0", "0.01", "0.04"))}
    part = Study(tmp_path, {"c": claim}, by_seed("noise", arms)).one().parts[0]
    variances = {noise: np.var(values, ddof=1) / 5 for noise, values in arms.items()}
    assert part.result.error == pytest.approx((variances["0"] + 4 * variances["0.01"] + variances["0.04"]) ** 0.5)


def test_a_family_is_as_large_as_declared_whatever_is_left_out_of_the_report(tmp_path):
    """Three claims, each with a p of about .03: none of them is significant among three, also where the others are not shown."""
    claim = "metric: val/accuracy, stage: s, of: {model: small, noise: %s}, higher_than: {model: large}, family: f"
    study = Study(tmp_path, {f"c{i}": claim % noise for i, noise in enumerate((0, 0.01, 0.04))}, accuracy(0.9078, 0.9))
    records = study.records()
    every = judge(study.claims, study.schedules, Records(records)).claims
    some = judge(study.claims, study.schedules, Records([r for r in records if r.labels["noise"] == "0"])).claims
    assert 0.05 / 3 < every[0].parts[0].p < 0.05
    assert [(claim.verdict, claim.m) for claim in some] == [("unresolved", 3)] == [(every[0].verdict, every[0].m)]


def test_what_is_not_complete_does_not_loosen_the_level_of_what_is(tmp_path):
    claim = "metric: val/accuracy, stage: s, of: {model: small, noise: %s}, higher_than: {model: large}, family: f"

    def value(labels, seed):
        high = {"0": 0.9078, "0.01": 0.99}.get(labels["noise"], 0.9)
        return accuracy(high, 0.9)(labels, seed)

    study = Study(tmp_path, {"a": claim % 0, "b": claim % 0.01}, value)
    records = study.records()
    partial = [r for r in records if not (r.labels["noise"] == "0.01" and r.seed == 4)]
    whole, lacking = (judge(study.claims, study.schedules, Records(of)).claims for of in (records, partial))
    assert 0.025 < whole[0].parts[0].p < 0.05
    assert [claim.verdict for claim in whole] == ["supported", "supported"]  # Holm: b first, then a at the full level
    assert [claim.verdict for claim in lacking] == ["unresolved", "supported"] and lacking[1].parts[0].preliminary


def test_one_level_without_its_regime_leaves_the_others_their_seeds(tmp_path):
    claim = "metric: val/accuracy, stage: s, of: {model: small}, higher_than: {model: large}, each: noise, "
    claim += "requires: {of: {model: large}, higher_than: 0.5}"

    def value(labels, seed):
        level = 0.1 if labels["noise"] == "0.04" else 0.9
        return {"val/accuracy": level + (WIGGLE if labels["model"] == "small" else OTHER)[seed]}

    study = Study(tmp_path, {"c": claim}, value, seeds="{looks: [5, 8]}")
    found = study.judge()
    assert [part.verdict for part in found.claims[0].parts] == ["unresolved", "unresolved", "regime not reached"]
    assert found.claims[0].verdict == "regime not reached" and found.due


@pytest.mark.parametrize("m", [1, 10])
def test_looks_keep_their_level_in_a_family_too(m):
    """The constant level is no fixed share of alpha."""
    sizes, share = (5, 8, 12), look_level((5, 8, 12), 0.05 / m)
    rng = np.random.default_rng(3)
    deltas = rng.standard_normal((200_000, 12))
    wrong = np.zeros(len(deltas), dtype=bool)
    for n in sizes:
        part = deltas[:, :n]
        t = part.mean(1) / (part.std(1, ddof=1) / n**0.5)
        wrong |= 2 * stdtr(n - 1, -np.abs(t)) <= share
    assert wrong.mean() * m == pytest.approx(0.05, abs=4 * (0.05 * m / len(deltas)) ** 0.5)


def test_two_seeds_of_the_same_predictions_are_not_identical_arms(tmp_path):
    claim = THAN % "same_as" + ", margin: 0.02"
    for seeds, verdict in ((2, "insufficient seeds"), (3, "identical")):
        study = Study(tmp_path, {"c": claim}, lambda labels, seed: {"val/accuracy": 0.1}, seeds=seeds, tags={"images.val": "100"})
        result = study.one(predictions=predictions_of(study, lambda labels, seed: [0] * 100))
        assert result.verdict == verdict, result.parts[0].why


def test_diverged_seeds_are_told_where_a_relation_reads_its_classes_itself(tmp_path):
    claim = (
        "metric: test/class_accuracy/*, stage: s, of: {model: small, noise: 0}, higher_with: train/class_size/*, across: class"
    )

    def value(labels, seed):
        return {f"{name}/c{i}": 0.1 * i for i in range(5) for name in ("train/class_size", "test/class_accuracy")}

    part = Study(tmp_path, {"c": claim}, value, outcome=lambda labels, seed: "diverged" if seed else "finished").one().parts[0]
    assert part.why.endswith("Without a result: seed 1 (diverged), seed 2 (diverged), seed 3 (diverged), seed 4 (diverged).")
    assert len(part.run_ids) == 1
