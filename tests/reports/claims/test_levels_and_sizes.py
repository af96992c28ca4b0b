"""Claims on when a level is reached, on what follows from the settings alone, and on what old runs did not record."""

from dataclasses import replace

import pytest

from bench.reports.claims.judge import judge
from bench.reports.records.arms import Records
from tests.reports.claims.study import OTHER, SMALL, THAN, WIGGLE, Study, verdict_of

LEVEL = "metrics: {to_60: {first: val/accuracy, at_least: 0.6%s}}"
SOONER = SMALL.replace("val/accuracy", "to_60") + "lower_than: {model: large}"


def reaching(small, large):
    """Return curves of 20 epochs that are at the level from an epoch on. small, large: which, by seed; None for never."""

    def curve(labels, seed):
        epoch = (small if labels["model"] == "small" else large)[seed]
        return [(number, 0.7 if epoch and number >= epoch else 0.5) for number in range(1, 21)]

    return curve


def study(tmp_path, curve, bounds="", claim=SOONER):
    return Study(tmp_path, {"c": claim}, lambda labels, seed: {"epochs": 20.0}, head=LEVEL % bounds, curve=curve)


def test_who_reaches_a_level_sooner_is_told_from_the_curves(tmp_path):
    claim = study(tmp_path, reaching([3, 4, 3, 5, 4], [9, 11, 10, 9, 12])).one()
    assert verdict_of(claim) == ("supported", True)
    assert claim.parts[0].result.difference == pytest.approx(-6.4) and "(epochs)" in claim.parts[0].quantity


def test_a_trial_that_never_reaches_it_is_a_survivor_less_and_no_divergence(tmp_path):
    claim = study(tmp_path, reaching([3, 4, 3, 5, 4], [9, 11, None, 9, 12])).one()
    assert verdict_of(claim) == ("survivors only", None)
    why = claim.parts[0].why
    assert "there is no worst for the others" in why and "Without a result: seed 2 (val/accuracy never reached 0.6)" in why
    assert "diverged" not in why


def test_with_a_longest_training_the_worst_is_known(tmp_path):
    claim = study(tmp_path, reaching([3, 4, 3, 5, 4], [9, 11, None, 9, 12]), ", range: [1, 20]").one()
    assert verdict_of(claim) == ("supported", True)
    assert "It stays so with the worst result for each lost seed." in claim.parts[0].why
    late = study(tmp_path, reaching([3, 4, None, None, 4], [9, 11, 10, 9, 12]), ", range: [1, 20]").one()
    assert late.verdict == "survivors only" and "with the worst result for each lost seed" in late.parts[0].why


def test_a_range_shorter_than_the_training_is_no_worst(tmp_path):
    """An epoch that was reached beyond the range is worse than its end."""
    claim = study(tmp_path, reaching([11, 12, 13, None, None], [15, 17, 18, 16, 16]), ", range: [1, 10]").one()
    assert claim.verdict == "survivors only"


def test_an_arm_that_never_reaches_it_says_so(tmp_path):
    claim = study(tmp_path, reaching([3, 4, 3, 5, 4], [None] * 5)).one()
    assert claim.verdict == "unresolved" and "(val/accuracy never reached 0.6)" in claim.parts[0].why


def sizes(labels, seed):
    large = labels["model"] == "large"
    return {"parameters": 1_000_000.0 if large else 100_000.0, "peak_memory": 300.0 if large else 100.0}


@pytest.mark.parametrize(
    ("metric", "relation", "verdict"),
    [
        ("parameters", "lower_than: {model: large}", ("supported", True)),
        ("parameters", "higher_than: {model: large}", ("refuted", False)),
        ("parameters", "lower_than: 100001, margin: 10", ("unresolved", None)),
        ("parameters", "lower_than: 100020", ("supported", True)),
        ("peak_memory", "lower_than: {model: large}", ("supported", True)),
        ("peak_memory", "same_as: {model: large}, margin: 10%", ("refuted", False)),
        ("peak_memory", "same_as: {noise: 0.01}, margin: 10%", ("equivalent", True)),
    ],
)
def test_what_follows_from_the_settings_needs_no_spread_over_seeds(tmp_path, metric, relation, verdict):
    claim = Study(tmp_path, {"c": SMALL.replace("val/accuracy", metric) + relation}, sizes).one()
    assert verdict_of(claim) == verdict


def test_ratios_of_sizes_are_held_against_a_number(tmp_path):
    divided = "metric: parameters, stage: s, of: {model: small, noise: 0, divided_by: {model: large}}, lower_than: 1/9"
    assert verdict_of(Study(tmp_path, {"c": divided}, sizes).one()) == ("supported", True)


def test_memory_is_compared_on_one_kind_of_device_whatever_runs_beside(tmp_path):
    made = Study(tmp_path, {"c": SMALL.replace("val/accuracy", "peak_memory") + "lower_than: {model: large}"}, sizes)

    def judged(**tags):
        records = [replace(r, run=replace(r.run, tags=r.run.tags | tags)) if r.seed > 2 else r for r in made.records()]
        (claim,) = judge(made.claims, made.schedules, Records(records)).claims
        return claim

    assert judged(workers="1", threads="4", precision="bfloat16").verdict == "supported"
    for tags in ({"device": "GPU"}, {"pack": "4"}):
        claim = judged(**tags)
        assert claim.verdict == "unresolved" and "Measured on unlike devices, or in unlike packs" in claim.parts[0].why


def test_runs_from_before_a_metric_say_that_it_was_not_recorded(tmp_path):
    def old(labels, seed):
        return {"val/accuracy": 0.9 + (WIGGLE if labels["model"] == "small" else OTHER)[seed]}

    for metric in ("parameters", "peak_memory"):
        claim = Study(tmp_path, {"c": (THAN % "lower_than").replace("val/accuracy", metric)}, old).one()
        assert verdict_of(claim) == ("unresolved", None) and f"(no metric '{metric}')" in claim.parts[0].why
