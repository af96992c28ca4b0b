"""Seeds on demand: what gets more of them, at which level each look tests, and which data stand behind a verdict."""

from dataclasses import replace

import numpy as np
import pytest

from bench.reports.claims.judge import judge
from bench.reports.records.arms import Records
from bench.reports.statistics import look_level
from tests.reports.claims.study import OTHER, THAN, WIGGLE, Study, accuracy

LOOKS = "{looks: [3, 5, 8]}"
HIGHER = THAN % "higher_than"


def run_to_the_end(study):
    """Go on as `bench run` does until no more seeds are due. Returns the judgement and the looks of the cells."""
    due = {}
    while True:
        found = study.judge(due)
        more = {cell: look for cell, look in found.due.items() if due.get(cell, 0) < look}
        if not more:
            return found, due
        due |= more


def test_only_what_is_unresolved_gets_more_seeds(tmp_path):
    clear = "metric: val/accuracy, stage: s, of: {model: small, noise: 0.04}, lower_than: {noise: 0}"
    value = accuracy(0.901, 0.90)

    def with_noise(labels, seed):
        shift = -0.3 + 5 * WIGGLE[seed + 1] if labels["noise"] == "0.04" else 0.0
        return {"val/accuracy": value(labels, seed)["val/accuracy"] + shift}

    found, due = run_to_the_end(Study(tmp_path, {"open": HIGHER, "clear": clear}, with_noise, seeds=LOOKS))
    first, second = found.claims
    assert (second.verdict, second.look, second.parts[0].result.n) == ("supported", "look 1 of 3, 3 seeds", 3)
    assert (first.verdict, first.look, first.parts[0].result.n) == ("unresolved", "look 3 of 3, 8 seeds", 8)
    assert due == {("s", (("model", model), ("noise", "0"))): 2 for model in ("small", "large")}


@pytest.mark.parametrize(
    ("more", "level"),
    [
        ("", look_level([3, 5, 8], 0.05)),
        (", test: t", look_level([3, 5, 8], 0.05)),
        (", test: sign-flip", 0.05 / 3),
        (", test: welch", 0.05 / 3),
    ],
)
def test_each_look_tests_at_the_level_that_keeps_the_total(tmp_path, more, level):
    """The constant level for paired t-tests lies above the even share, and below alpha."""
    claim = Study(tmp_path, {"c": HIGHER + more}, accuracy(0.95, 0.9), seeds=LOOKS).one()
    assert claim.alpha == pytest.approx(level) and claim.parts[0].result.confidence == pytest.approx(1 - level)
    assert 0.05 / 3 < look_level([3, 5, 8], 0.05) < 0.05
    once = Study(tmp_path, {"c": HIGHER + more}, accuracy(0.95, 0.9), seeds=8).one()
    assert once.alpha == 0.05 and once.look == ""


def test_the_level_is_that_of_the_looks_that_are_declared(tmp_path):
    claim = Study(tmp_path, {"c": HIGHER}, accuracy(0.95, 0.9), seeds="{looks: [5, 8, 12]}").one()
    assert claim.alpha == pytest.approx(0.0212, abs=2e-4)


def test_a_verdict_stands_with_the_data_of_its_look(tmp_path):
    """The clear claim shares a cell with the open one, which goes on; its own numbers stay those of its look."""
    clear = "metric: val/accuracy, stage: s, of: {model: small, noise: 0.01}, higher_than: {model: large, noise: 0.01}"
    open_ = "metric: val/accuracy, stage: s, of: {model: large, noise: 0.01}, lower_than: {noise: 0}"
    value = accuracy(0.9, 0.90)

    def wiggly(labels, seed):
        shift = 0.3 if labels == {"model": "small", "noise": "0.01"} else 0.0
        extra = OTHER[(seed * 5 + 2) % 12] if labels["noise"] == "0.01" else 0
        return {"val/accuracy": value(labels, seed)["val/accuracy"] + shift + extra}

    study = Study(tmp_path, {"clear": clear, "open": open_}, wiggly, seeds=LOOKS)
    found, _due = run_to_the_end(study)
    first, second = found.claims
    assert (first.verdict, first.parts[0].result.n, first.look) == ("supported", 3, "look 1 of 3, 3 seeds")
    assert (second.verdict, second.parts[0].result.n) == ("unresolved", 8)
    assert study.judge().claims[0] == first


def test_of_a_claim_of_several_levels_only_those_that_are_open_get_more_seeds(tmp_path):
    claim = "metric: val/accuracy, stage: s, of: {model: small}, higher_than: {model: large}, each: noise"
    value = accuracy(0.9, 0.9)

    def clear_but_one(labels, seed):
        shift = 0.3 if labels["model"] == "small" and labels["noise"] != "0" else 0.0
        return {"val/accuracy": value(labels, seed)["val/accuracy"] + shift}

    found, due = run_to_the_end(Study(tmp_path, {"c": claim}, clear_but_one, seeds=LOOKS))
    (result,) = found.claims
    assert result.verdict == "unresolved" and [part.result.n for part in result.parts] == [8, 3, 3]
    assert [part.verdict for part in result.parts] == ["unresolved", "supported", "supported"]
    assert {dict(labels)["noise"] for _, labels in due} == {"0"}


def test_a_verdict_is_preliminary_while_trials_are_to_run(tmp_path):
    study = Study(tmp_path, {"c": HIGHER}, accuracy(0.95, 0.90))
    assert not study.one().parts[0].preliminary
    part = study.judge(without={4}).claims[0].parts[0]
    assert part.preliminary and part.result.n == 4 and part.verdict == "supported"
    assert "seed 4 (missing)" in part.why
    failed = Study(tmp_path, {"c": HIGHER}, accuracy(0.95, 0.90), outcome=lambda labels, seed: "finished" if seed else "oom")
    assert not failed.one().parts[0].preliminary


def test_nothing_is_due_before_a_look_is_complete_or_where_an_arm_cannot_run(tmp_path):
    study = Study(tmp_path, {"c": HIGHER}, accuracy(), seeds=LOOKS)
    assert study.judge(without={2}).due == {} and study.judge().due
    failed = Study(
        tmp_path,
        {"c": HIGHER},
        accuracy(),
        seeds=LOOKS,
        outcome=lambda labels, seed: "oom" if labels["model"] == "large" else "finished",
    )
    found = failed.judge()
    assert found.due == {} and found.claims[0].verdict == "unresolved"


def test_a_family_is_corrected_look_by_look(tmp_path):
    """What is settled at the first look counts in the family at the next."""
    clear = "metric: val/accuracy, stage: s, of: {model: small, noise: 0.04}, lower_than: {noise: 0}"
    value = accuracy(0.901, 0.90)

    def with_noise(labels, seed):
        shift = -0.3 + 5 * WIGGLE[seed + 1] if labels["noise"] == "0.04" else 0.0
        return {"val/accuracy": value(labels, seed)["val/accuracy"] + shift}

    claims = {"open": HIGHER + ", family: f", "clear": clear + ", family: f"}
    found, _ = run_to_the_end(Study(tmp_path, claims, with_noise, seeds=LOOKS))
    assert [(claim.m, claim.parts[0].result.n) for claim in found.claims] == [(2, 8), (2, 3)]


def test_looks_keep_the_false_positive_rate(tmp_path):
    """Both arms are drawn from the same distribution: alpha of all studies come to `supported` or `refuted`."""
    rng = np.random.default_rng(20)
    draws = rng.normal(0.9, 0.01, size=(1500, 2, 12))
    trial = {"n": 0}

    def value(labels, seed):
        return {"val/accuracy": draws[trial["n"], int(labels["model"] == "large"), seed]}

    study = Study(tmp_path, {"c": HIGHER}, value, seeds="{looks: [5, 8, 12], alpha: 0.05}")
    arms = {("s", (("model", model), ("noise", "0"))) for model in ("small", "large")}
    by_look = [[r for r in study.records(dict.fromkeys(arms, k)) if ("s", tuple(r.labels.items())) in arms] for k in range(3)]
    found = {"supported": 0, "refuted": 0, "unresolved": 0}
    naive = 0
    for n in range(len(draws)):
        trial["n"] = n
        filled = [[_filled(r, value) for r in records] for records in by_look]
        verdict, smallest = _sequentially(study.claims, study.schedules, filled)
        found[verdict] += 1
        naive += smallest <= 0.05  # what one would do without thinking
    wrong = (found["supported"] + found["refuted"]) / len(draws)
    error = (0.05 * 0.95 / len(draws)) ** 0.5
    assert 0.05 - 3 * error < wrong < 0.05 + 3 * error
    assert found["supported"] == pytest.approx(found["refuted"], rel=0.6)
    assert naive / len(draws) > 0.08


def _filled(record, value):
    return replace(record, run=replace(record.run, metrics=value(record.labels, record.seed)))


def _sequentially(claims, schedules, by_look):
    """Return the verdict of a claim, and the smallest p of the looks that it took."""
    smallest = 1.0
    for records in by_look:
        found = judge(claims, schedules, Records(records))
        smallest = min(smallest, found.claims[0].parts[0].p)
        if not found.due:
            break
    return found.claims[0].verdict, smallest
