"""What every claim may say beside its relation: each, mean_over, exclude, units and margins of the suite, other stages, tests."""

import numpy as np
import pytest
from scipy.stats import ttest_ind, ttest_rel

from tests.reports.claims.study import (
    FOUR,
    OTHER,
    SMALL,
    THAN,
    WIGGLE,
    WITHIN,
    Study,
    accuracy,
    verdict_of,
    with_time,
)


def test_each_level_must_hold_and_the_claim_is_one_of_its_family(tmp_path):
    """Refutation is corrected over the levels: one of them at p = .03 alone would refute a claim that holds at the two others."""
    claim = "metric: val/accuracy, stage: s, of: {model: small}, higher_than: {model: large}, each: noise"

    def value(shift):
        def of(labels, seed):
            base = {"0": 0.05, "0.01": 0.05, "0.04": shift}[labels["noise"]] if labels["model"] == "small" else 0
            return {"val/accuracy": 0.8 + base + (WIGGLE if labels["model"] == "small" else OTHER)[seed]}

        return of

    up, open_, weak, down = (Study(tmp_path, {"c": claim}, value(shift)).one() for shift in (0.04, 0.0, -0.007, -0.05))
    assert verdict_of(up) == ("supported", True) and [part.label for part in up.parts] == ["noise=0", "noise=0.01", "noise=0.04"]
    assert up.m == 1 and up.p == pytest.approx(max(part.p for part in up.parts)), "all must hold: no correction"
    assert verdict_of(open_) == ("unresolved", None) and verdict_of(down) == ("refuted", False)
    assert 0.0167 < weak.parts[2].p < 0.05 and verdict_of(weak) == ("unresolved", None), "Holm over three levels"
    assert [part.verdict for part in down.parts] == ["supported", "supported", "refuted"]
    assert "The 98.33 % interval" in down.parts[2].why and "The 95 % interval" in down.parts[0].why


def test_each_of_two_axes_and_of_some_levels(tmp_path):
    of = "metric: val/accuracy, stage: s, "
    claims = {
        "both": of + "higher_than: 0.5, each: [model, noise]",
        "some": of + "higher_than: 0.5, each: {model: small, noise: [0.04, 0]}",
    }
    both, some = Study(tmp_path, claims, accuracy()).judge().claims
    assert len(both.parts) == 6 and both.parts[1].label == "model=small, noise=0.01"
    assert [part.label for part in some.parts] == ["model=small, noise=0.04", "model=small, noise=0"]
    assert verdict_of(both) == verdict_of(some) == ("supported", True)


def test_a_mean_is_taken_seed_by_seed(tmp_path):
    def value(labels, seed):
        base = 0.9 if labels["model"] == "small" else 0.8
        return {"val/accuracy": base + float(labels["noise"]) * 0.1 + WIGGLE[(seed + int(100 * float(labels["noise"]))) % 12]}

    def means(model, *levels):
        found = [[value({"model": model, "noise": level}, seed)["val/accuracy"] for level in levels] for seed in range(5)]
        return np.mean(found, axis=1)

    of = "metric: val/accuracy, stage: s, of: {model: small"
    claims = {
        "axis": of + "}, higher_than: {model: large}, mean_over: noise",
        "levels": of + "}, higher_than: {model: large}, mean_over: {noise: [0, 0.04]}",
        "list": of + ", noise: [0, 0.04]}, higher_than: {model: large, noise: 0.01}",
        "cells": "metric: val/accuracy, stage: s, higher_than: 0.5, mean_over: [model, noise]",
    }
    axis, levels, lists, cells = Study(tmp_path, claims, value).judge().claims
    every = ("0", "0.01", "0.04")
    assert axis.parts[0].result.difference == pytest.approx(0.1) and axis.parts[0].contrast.startswith(
        "model=small vs model=large"
    )
    assert list(lists.parts[0].result.deltas.values()) == pytest.approx(
        list(means("small", "0", "0.04") - means("large", "0.01"))
    )
    whole = [(a + b) / 2 - 0.5 for a, b in zip(means("small", *every), means("large", *every), strict=True)]
    assert list(cells.parts[0].result.deltas.values()) == pytest.approx(whole) and len(cells.parts[0].run_ids) == 30
    assert len(axis.parts[0].run_ids) == 30 and len(levels.parts[0].run_ids) == 20


PERCENT = 'metrics: {val/accuracy: {unit: "%", margin: 2}}'


def test_a_unit_is_that_of_numbers_margins_and_results(tmp_path):
    claims = {
        "same": THAN % "same_as",
        "own": THAN % "same_as" + ", margin: 6",
        "number": SMALL + "higher_than: 90",
        "least": SMALL + "at_least: 96",
    }
    same, own, number, least = Study(tmp_path, claims, accuracy(0.95, 0.9), head=PERCENT).judge().claims
    assert same.margin == 2 and verdict_of(same) == ("refuted", False) and verdict_of(own) == ("different but negligible", True)
    assert own.margin == 6 and own.parts[0].result.difference == pytest.approx(4.98) and "lies within ±6." in own.parts[0].why
    assert number.parts[0].result.difference == pytest.approx(4.98) and number.verdict == "supported"
    assert "4.52 to 5.44, lies above the margin, 2." in number.parts[0].why
    assert verdict_of(least) == ("supported", True), "the metric's margin is every claim's"


def test_a_margin_of_the_suite_is_none_of_a_correlation_and_of_a_spread(tmp_path):
    claims = {"grid": WITHIN % "higher_with", "spread": SMALL.replace("metric", "spread") + "higher_than: {model: large}"}
    grid, spread = Study(tmp_path, claims, with_time(1), noise=FOUR, head=PERCENT).judge().claims
    assert grid.margin is None and grid.verdict == "supported" and spread.margin is None


def test_an_arm_of_another_stage_takes_over_the_axes_that_it_has(tmp_path):
    stages = "  t: {axes: {model: {small: {train: {epochs: 2}}, large: {train: {epochs: 3}}}}}"
    claims = {
        "c": "metric: val/accuracy, stage: s, of: {model: small, noise: 0}, higher_than: {stage: t}",
        "d": "metric: val/accuracy, of: {stage: t, model: small}, higher_than: {model: large}, stage: t",
    }

    def value(labels, seed):
        return {"val/accuracy": (0.9 if "noise" in labels else 0.8) + WIGGLE[(seed + 3 * len(labels)) % 12]}

    study = Study(tmp_path, claims, value, stages=stages)
    other, own = study.judge().claims
    ((contrast,), _) = (contrasts for _, contrasts in study.claims.values())
    assert [(arm.stage, dict(arm.labels)) for arm in contrast.arms] == [
        ("s", {"model": "small", "noise": "0"}),
        ("t", {"model": "small"}),
    ]
    assert verdict_of(other) == ("supported", True) and other.parts[0].result.n == 5
    assert own.verdict == "unresolved" and "no spread to test it against" in own.parts[0].why


def test_welch_is_of_arms_whose_seeds_are_not_paired(tmp_path):
    result = Study(tmp_path, {"c": THAN % "higher_than" + ", test: welch"}, accuracy(0.91, 0.90)).one()
    small, large = ([base + w for w in wiggle[:5]] for base, wiggle in ((0.91, WIGGLE), (0.9, OTHER)))
    assert result.test == "welch" and result.parts[0].p == pytest.approx(ttest_ind(small, large, equal_var=False).pvalue)
    paired = Study(tmp_path, {"c": THAN % "higher_than"}, accuracy(0.91, 0.90)).one()
    assert paired.parts[0].p == pytest.approx(ttest_rel(small, large).pvalue)


def test_a_claim_can_hold_for_each_of_several_classes(tmp_path):
    claim = "metric: test/class_accuracy/*, stage: s, of: {model: small, noise: 0}, lower_than: 0.5, each: {class: [cat, dog]}"

    def value(labels, seed):
        return {"test/class_accuracy/cat": 0.3 + WIGGLE[seed], "test/class_accuracy/dog": 0.6 + OTHER[seed]}

    result = Study(tmp_path, {"c": claim}, value).one()
    assert [(part.label, part.verdict) for part in result.parts] == [("class=cat", "supported"), ("class=dog", "refuted")]
    assert verdict_of(result) == ("refuted", False)
    assert [part.result.difference for part in result.parts] == pytest.approx(
        [-0.2 + np.mean(WIGGLE[:5]), 0.1 + np.mean(OTHER[:5])]
    )


def test_holms_p_is_that_of_the_step_down_procedure(tmp_path):
    """.001, .03, .04 and .5 come to .004, .09, .09 and .5."""
    claim = "metric: val/accuracy, stage: s, of: {model: small, noise: %s}, higher_than: {model: large}, family: f"
    study = Study(tmp_path, {f"c{i}": claim % noise for i, noise in enumerate((0, 0.01, 0.02, 0.04))}, with_time(0), noise=FOUR)
    shifts = dict(zip(("0", "0.01", "0.02", "0.04"), (0.0155, 0.0078, 0.0071, 0.001), strict=True))
    study.value = lambda labels, seed: accuracy(0.9 + shifts[labels["noise"]], 0.9)(labels, seed)
    parts = [claim.parts[0] for claim in study.judge().claims]
    p = [part.p for part in parts]
    assert p == sorted(p)
    expected = [4 * p[0], max(4 * p[0], 3 * p[1]), max(3 * p[1], 2 * p[2]), max(3 * p[1], 2 * p[2], p[3])]
    assert [part.holm for part in parts] == pytest.approx([min(1.0, value) for value in expected])


def test_a_difference_within_a_difference_is_worded_as_it_is_computed(tmp_path):
    claim = (
        "metric: val/accuracy, stage: s, of: {model: small, noise: 0, minus: {noise: 0.01, minus: {noise: 0.04}}}, higher_than: 0"
    )

    def value(labels, seed):
        return {
            "val/accuracy": {"0": 0.9, "0.01": 0.7, "0.04": 0.4}[labels["noise"]] + WIGGLE[(seed * 3 + len(labels["noise"])) % 12]
        }

    part = Study(tmp_path, {"c": claim}, value).one().parts[0]
    assert part.contrast.startswith("model=small, noise=0 − (model=small, noise=0.01 − model=small, noise=0.04) vs 0") or (
        part.contrast == "noise=0 − (noise=0.01 − noise=0.04) vs 0 at model=small"
    )
    assert part.result.difference == pytest.approx(0.9 - (0.7 - 0.4), abs=0.02)


def test_pages_l_ranks_what_the_claim_is_of(tmp_path):
    claim = "metric: val/accuracy, stage: s, of: {model: small, minus: {model: large}}, higher_each_step: noise"
    levels = ("0", "0.01", "0.04")

    def value(labels, seed):
        place, small = levels.index(labels["noise"]), labels["model"] == "small"
        return {"val/accuracy": 0.5 + 0.1 * place * small + (WIGGLE if small else OTHER)[(seed + 3 * place) % 12]}

    result = Study(tmp_path, {"c": claim}, value).one()
    assert result.verdict == "supported"
    assert result.parts[-1].why.endswith("Page's L is 70, exact p 1.3e-04.")  # five times 1 + 4 + 9, one of 6^5 orders


@pytest.mark.parametrize(
    ("metric", "head", "quantity"),
    [
        ("val/accuracy", 'metrics: {val/accuracy: {unit: "%"}}', "difference of val/accuracy (percentage points)"),
        ("val/accuracy", "", "difference of val/accuracy"),
        ("convergence_epoch", "", "difference of convergence_epoch (epochs)"),
        ("wall_clock", "", "ratio of wall_clock"),
    ],
)
def test_what_is_estimated_is_told_with_its_unit(tmp_path, metric, head, quantity):
    claim = (THAN % "higher_than").replace("val/accuracy", metric)
    base = accuracy(0.95, 0.9)
    study = Study(tmp_path, {"c": claim}, lambda labels, seed: base(labels, seed) | {"convergence_epoch": 3.0 + seed}, head=head)
    assert study.one().parts[0].quantity == quantity
