"""Verdicts that are withheld: a condition fails, seeds were lost, or an arm is tested on the runs that chose it."""

import pytest

from bench.api.plan import records
from bench.reports.claims.judge import judge
from bench.reports.claims.reach import warnings
from bench.reports.records.arms import Records
from bench.runner.planner import make_plan
from tests.reports.claims.study import OTHER, SMALL, THAN, WIGGLE, Study, accuracy, verdict_of

HIGHER = THAN % "higher_than"
TEN = {"classes": "10"}


@pytest.mark.parametrize(
    ("requires", "verdict", "words"),
    [
        ("{above_chance: 0.05}", "supported", "lies above 0."),
        (
            "{above_chance: 0.9}",
            "regime not reached",
            "Its condition fails, model=small, noise=0 above chance by 0.9: it is 0.9498.",
        ),
        ("{of: {model: large, noise: 0}, above_chance: 0.05}", "supported", "lies above 0."),
        ("{metric: train/accuracy, at_least: 0.9, margin: 0.01}", "supported", "lies above 0."),
        ("{metric: train/accuracy, at_most: 0.9, margin: 0.01}", "regime not reached", "(at most): it is 0.9898."),
        (
            "{metric: train/accuracy, higher_than: 0.9905}",
            "supported",
            "Whether it can be asked is not known: model=small, noise=0",
        ),
        ("[{above_chance: 0.05}, {lower_than: {model: large}}]", "regime not reached", "(lower than): it is 0.0498."),
    ],
)
def test_a_claim_whose_condition_fails_is_not_judged(tmp_path, requires, verdict, words):
    base = accuracy(0.95, 0.90)

    def value(labels, seed):
        return base(labels, seed) | {"train/accuracy": 0.99 + WIGGLE[seed]}

    result = Study(tmp_path, {"c": f"{HIGHER}, requires: {requires}"}, value, tags=TEN).one()
    assert verdict_of(result) == (verdict, True if verdict == "supported" else None)
    assert words in result.parts[0].why, result.parts[0].why
    assert "provided that" in result.reading


def test_chance_that_is_not_known_is_told(tmp_path):
    result = Study(tmp_path, {"c": f"{HIGHER}, requires: {{above_chance: 0.05}}"}, accuracy(0.95, 0.90)).one()
    assert result.verdict == "supported" and "Whether it can be asked is not known" in result.parts[0].why


def test_a_condition_holds_level_by_level(tmp_path):
    claim = "metric: val/accuracy, stage: s, of: {model: small}, higher_than: {model: large}, each: noise"

    def value(labels, seed):
        level = 0.1 if labels["noise"] == "0.04" else 0.8
        small = labels["model"] == "small"
        return {"val/accuracy": level + (0.05 + WIGGLE[seed] if small else OTHER[seed])}

    result = Study(tmp_path, {"c": f"{claim}, requires: {{above_chance: 0.3}}"}, value, tags=TEN).one()
    assert [part.verdict for part in result.parts] == ["supported", "supported", "regime not reached"]
    assert verdict_of(result) == ("regime not reached", None)


@pytest.mark.parametrize(
    ("claim", "classes", "verdict", "words"),
    [
        # 0.95 against 0.9, where one seed of the first is lost: at chance it is far below
        (HIGHER, TEN, "survivors only", "Supported, but unresolved with the worst result for each lost seed."),
        (SMALL + "lower_than: {model: large}", TEN, "survivors only", "Refuted, but unresolved with the worst"),
        (SMALL.replace("val/accuracy", "val/loss") + "higher_than: {model: large}", TEN, "survivors only", "there is no worst"),
        (SMALL.replace("small", "large") + "lower_than: {model: small}", {}, "survivors only", "but unresolved with the worst"),
    ],
)
def test_a_verdict_that_rests_on_who_survived_is_withheld(tmp_path, claim, classes, verdict, words):
    base = accuracy(0.95, 0.90)

    def value(labels, seed):
        values = base(labels, seed)
        return values | {"val/loss": values["val/accuracy"]}

    def outcome(labels, seed):
        return "diverged" if (labels["model"], seed) == ("small", 2) else "finished"

    result = Study(tmp_path, {"c": claim}, value, outcome=outcome, tags=classes).one()
    assert verdict_of(result) == (verdict, None) and words in result.parts[0].why, result.parts[0].why
    assert "Without a result: seed 2 (diverged)." in result.parts[0].why


def test_a_verdict_that_the_lost_seeds_cannot_change_stands(tmp_path):
    """The arm that is lower in every seed lost one."""

    def value(labels, seed):
        return {"val/accuracy": 0.9 + WIGGLE[seed] if labels["model"] == "small" else 0.12 + OTHER[seed]}

    def outcome(labels, seed):
        return "diverged" if (labels["model"], seed) == ("large", 2) else "finished"

    result = Study(tmp_path, {"c": HIGHER}, value, outcome=outcome, tags=TEN).one()
    assert result.verdict == "supported" and "It stays so with the worst result for each lost seed." in result.parts[0].why


def test_a_seed_that_was_not_run_is_no_lost_one(tmp_path):
    def outcome(labels, seed):
        return "oom" if (labels["model"], seed) == ("small", 2) else "finished"

    assert Study(tmp_path, {"c": HIGHER}, accuracy(0.95, 0.90), outcome=outcome, tags=TEN).one().verdict == "supported"


STAGES = """\
  winner:
    axes:
      from: {{best: {{start: {{stage: s, each: noise{fresh}}}}}, first: {{train: {{batch_size: 16}}}}}}
      noise: {{path: data.noise.variance, values: [0]}}
"""
CHOSEN = "metric: {metric}, stage: winner, of: {{from: best, noise: 0}}, {relation}: {{from: first}}"


def chosen(tmp_path, claim, fresh=""):
    """A study in whose second stage an arm starts from the best cell of the first one."""
    return Study(tmp_path, {"c": claim}, of_both_stages, stages=STAGES.format(fresh=fresh))


def of_both_stages(labels, seed):
    if "from" in labels:
        return {"val/accuracy": 0.95 + WIGGLE[seed] if labels["from"] == "best" else 0.8 + OTHER[seed]}
    return accuracy(0.95, 0.90)(labels, seed)


def run_both_stages(study, rounds=2):
    """Return the plan when all has run, and the runs: of what starts from the best cell those that are there already count."""
    runs = []
    for _ in range(rounds):
        known = {run.tags["fingerprint"] for run in runs}
        trials = {trial.fingerprint: trial for trial in make_plan(study.suite, runs).trials if trial.known}
        runs += [study._run(trial) for fingerprint, trial in trials.items() if fingerprint not in known]
    return make_plan(study.suite, runs), runs


@pytest.mark.parametrize(
    ("relation", "metric", "fresh", "verdict"),
    [
        ("higher_than", "val/accuracy", "", "selected on its own data"),
        ("differs_from", "val/accuracy", "", "selected on its own data"),
        ("lower_than", "val/accuracy", "", "selected on its own data"),
        ("lower_than", "val/accuracy", ", seeds: fresh", "refuted"),
        ("higher_than", "val/accuracy", ", seeds: fresh", "supported"),
    ],
)
def test_an_arm_is_not_tested_on_the_runs_that_chose_it(tmp_path, relation, metric, fresh, verdict):
    study = chosen(tmp_path, CHOSEN.format(metric=metric, relation=relation), fresh)
    plan, runs = run_both_stages(study)
    seeds = {trial.seed for trial in plan.trials if trial.cell.stage == "winner"}
    assert seeds == (set(range(5, 10)) if fresh else set(range(5)))
    (claim,) = judge(study.suite.tested_claims, study.suite.schedules, Records(records(plan, runs))).claims
    assert claim.verdict == verdict, claim.parts[0].why
    assert (claim.holds is None) == (verdict == "selected on its own data")


VOTES = """\
  votes:
    ensemble: {{stages: {of}, pool: seed, share: {share}}}
    seeds: {seeds}
    axes: {{vote: {{soft: {{ensemble: {{vote: soft}}}}}}}}
"""


@pytest.mark.parametrize(
    ("of", "share", "metric", "fresh", "reason"),
    [
        ("winner", 1, "test/accuracy", False, "10 of its members' runs chose it as the best of stage s by val/accuracy"),
        ("winner", 1, "test/accuracy", True, ""),
        ("s", 0.5, "val/accuracy", False, "its members were chosen by val/accuracy, on the images on which it is measured"),
        ("s", 0.5, "worst", False, "its members were chosen by val/accuracy, on the images on which it is measured"),
        ("s", 0.5, "test/accuracy", False, ""),
        ("s", 1, "val/accuracy", False, ""),
    ],
)
def test_a_vote_is_not_tested_on_what_chose_its_members(tmp_path, of, share, metric, fresh, reason):
    """Members that start from the best of a stage, or that are the best on the images on which the vote is measured."""
    seeds = "[5, 6, 7, 8, 9]" if fresh else 5
    stages = STAGES.format(fresh=", seeds: fresh" if fresh else "").replace("values: [0]", "values: [0, 0.01]")
    stages += VOTES.format(of=of, share=share, seeds=seeds)
    claim = f"metric: {metric}, stage: votes, of: {{vote: soft}}, higher_than: 0.5"

    def value(labels, seed):
        accuracies = accuracy(0.9, 0.8)(labels, seed) if "model" in labels else {"val/accuracy": 0.9 + WIGGLE[seed]}
        accuracy_of_all = accuracies["val/accuracy"]
        return accuracies | {"test/accuracy": accuracy_of_all, "val/f1/a": accuracy_of_all, "val/f1/b": 0.99}

    study = Study(tmp_path, {"c": claim}, value, stages=stages, head="metrics: {worst: {min: val/f1}}")
    plan, runs = run_both_stages(study, rounds=3)
    (result,) = judge(study.suite.tested_claims, study.suite.schedules, Records(records(plan, runs))).claims
    assert result.verdict == ("selected on its own data" if reason else "supported"), result.parts[0].why
    assert reason in result.parts[0].why


def test_what_an_arm_was_chosen_by_is_told_before_anything_runs(tmp_path):
    claim = CHOSEN.format(metric="val/accuracy", relation="higher_than")
    for fresh, told in (("", 1), (", seeds: fresh", 0)):
        study = chosen(tmp_path, claim, fresh)
        sentences = warnings(study.suite.tested_claims, {}, {}, study.suite.schedules)
        assert sum("on the runs that chose it" in sentence for sentence in sentences) == told
        assert any("stage winner runs it again, 5 trials" in sentence for sentence in sentences) == bool(told)
        assert sum("they were not tuned alike" in sentence for sentence in sentences) == 1


def test_levels_that_all_start_from_the_same_best_are_not_warned_of(tmp_path):
    """Whether any of three levels differ: what was chosen is the same for all."""
    stages = STAGES.format(fresh="")
    stages += "  more: {patch: {start: {stage: s}}, axes: {noise: {path: data.noise.variance, values: [0, 0.01, 0.04]}}}\n"
    study = Study(tmp_path, {"c": "metric: val/accuracy, stage: more, differs_along: noise"}, accuracy(), stages=stages)
    assert not warnings(study.suite.tested_claims, {}, {}, study.suite.schedules)


def test_a_condition_on_the_claims_own_arms_is_warned_of(tmp_path):
    own = Study(tmp_path, {"c": f"{HIGHER}, requires: {{above_chance: 0.1}}"}, accuracy())
    other = Study(tmp_path, {"c": f"{HIGHER}, requires: {{metric: train/accuracy, above_chance: 0.1}}"}, accuracy())
    told = [warnings(study.suite.tested_claims, {}, {}, study.suite.schedules) for study in (own, other)]
    assert [len(sentences) for sentences in told] == [1, 0] and "condition on its own arms and metric" in told[0][0]


def test_fresh_seeds_are_none_that_chose_anything_behind(tmp_path):
    """A stage starts from the best of another, which starts from the best of a third."""
    stages = STAGES.format(fresh="").replace("axes:", "seeds: 2\n    axes:", 1)
    stages += "  last: {patch: {start: {stage: winner, seeds: fresh}}, axes: {flip: {off: {}}}}\n"
    study = Study(tmp_path, {"c": CHOSEN.format(metric="val/accuracy", relation="higher_than")}, accuracy(), stages=stages)
    assert study.suite.seeds("s") == [0, 1, 2, 3, 4] and study.suite.seeds("winner") == [0, 1]
    assert study.suite.seeds("last") == [5, 6, 7, 8, 9]


@pytest.mark.parametrize(
    ("test", "verdict", "warned"),
    [("", "insufficient seeds", "pairs arms that share 0 seeds"), (", test: welch", "supported", "")],
)
def test_arms_of_two_stages_are_read_with_the_seeds_of_each(tmp_path, test, verdict, warned):
    claim = "metric: val/accuracy, stage: winner, of: {from: first, noise: 0}, "
    claim += f"lower_than: {{stage: s, model: small, from: null}}{test}"
    study = chosen(tmp_path, claim, ", seeds: fresh")
    plan, runs = run_both_stages(study)
    (result,) = judge(study.suite.tested_claims, study.suite.schedules, Records(records(plan, runs))).claims
    assert result.verdict == verdict, result.parts[0].why
    told = warnings(study.suite.tested_claims, {}, {}, study.suite.schedules)
    assert any(warned in sentence for sentence in told) if warned else not told
