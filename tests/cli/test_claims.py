"""Claims from the suite file to the verdict, with seeds on demand, through the command line."""

import json
import re

import pytest

from bench.runner.planner import make_plan
from bench.suite.load import load_suite
from bench.trackers import open_tracker

SUITE = """\
suite: tiny
title: A tiny suite
data: {source: digits, subset: {train: 96, val: 96, test: 48}}
base: {model: {name: simple_cnn}, train: {epochs: 2, batch_size: 32, optimizer: {name: sgd, lr: 0.1}}}
seeds: SEEDS
stages:
  s:
    axes:
      lr: {path: train.optimizer.lr, values: [0.00001, 0.09, 0.1]}
      model: {plain: {}}
tables:
  t: {title: Accuracy by rate, stage: s, rows: lr, columns: model, values: val/accuracy}
claims:
  open:
    says: a little more of the rate matters
    metric: val/accuracy
    stage: s
    of: {lr: 0.1}
    higher_than: {lr: 0.09}
  clear:
    says: without a rate nothing is learned
    metric: val/loss
    stage: s
    of: {lr: 0.1}
    lower_than: {lr: 0.00001}
"""


@pytest.fixture
def write(bench):
    def write(seeds, **changes):
        text = SUITE.replace("SEEDS", str(seeds))
        for old, new in changes.items():
            text = text.replace(old, new)
        return bench.write(text)

    return write


def seeds_by_rate(runs):
    found = {}
    for run in runs:
        found.setdefault(run.tags["axis.lr"], set()).add(int(run.tags["seed"]))
    return found


def by_rate(rate, seed):
    """Metrics that rise with the rate."""
    return {"val/accuracy": 0.5 + rate + 0.01 * (seed % 2), "val/loss": 2.3 - 10 * rate - 0.01 * seed}


def log_by_hand(bench, measured=by_rate):
    """Store finished runs of the suite's trials, as `bench run` would under the present declaration of seeds. measured: gives a
    trial's metrics; None leaves it to do."""
    suite = load_suite(bench.suite)
    tracker = open_tracker(f"sqlite:///{bench.folder}/mlflow.db")
    tracker.open("tiny", {})
    for cell, seed, fingerprint in make_plan(suite, []).trials:
        if metrics := measured(float(cell.labels["lr"]), seed):
            tags = {"fingerprint": fingerprint, "stage": "s", "seed": str(seed), "seeds": suite.schedule("s").text}
            run = tracker.start(cell.name, tags | {f"axis.{axis}": label for axis, label in cell.labels.items()}, {})
            tracker.finish(run, status="FINISHED", tags={"outcome": "finished"}, metrics=metrics, history=[], artifacts={})


def test_only_the_unresolved_claim_gets_more_seeds(bench, write):
    """The higher rates' first two seeds are by hand, so that verdicts hang on no rounding: accuracies that differ by 0.4 and by
    -0.4, which no further ones can settle, and losses far below the ln 10 of a network that has learned nothing."""

    def two_seeds(rate, seed):
        accuracy = 0.9 if (rate == 0.1) == (seed == 0) else 0.5
        return {"val/accuracy": accuracy, "val/loss": 0.9 + 0.01 * seed} if rate > 0.01 and seed < 2 else None

    write("{looks: [3, 4], alpha: 0.1}")
    log_by_hand(bench, two_seeds)
    ran = bench("run", "tiny.yaml")
    assert ran.code == 0, ran.err
    assert seeds_by_rate(bench.runs()) == {"1e-05": {0, 1, 2}, "0.09": {0, 1, 2, 3}, "0.1": {0, 1, 2, 3}}
    assert "s: 3 cells x 3 to 4 seeds = 9 trials" in ran.out and "5 finished in" in ran.out and "2 finished in" in ran.out
    assert "more seeds, for claims that were unresolved: open\n" in ran.out and "<!-- runs" not in ran.out
    verdicts = json.loads(bench("report", "tiny.yaml", "--json").out)["claims"]
    assert (verdicts["clear"]["verdict"], verdicts["clear"]["look"]) == ("supported", "look 1 of 2, 3 seeds")
    assert (verdicts["open"]["verdict"], verdicts["open"]["look"]) == ("unresolved", "look 2 of 2, 4 seeds")

    again = bench("run", "tiny.yaml")
    assert again.code == 0 and "to do: 0 trials" in again.out and len(bench.runs()) == 11
    assert bench("status", "tiny.yaml").code == 0
    assert again.tables == ran.tables


def test_seeds_that_were_not_declared_are_refused_or_make_the_result_exploratory(bench, write):
    write(1)
    log_by_hand(bench)
    write(3)
    assert "xploratory" not in bench("report", "tiny.yaml").out, "one seed cannot be tested, so nobody had a look"
    log_by_hand(bench)
    write(4)
    refused = bench("run", "tiny.yaml")
    assert refused.code == 1 and len(bench.runs()) == 12
    assert "tiny.yaml:5: stage 's' was begun with the seeds [0, 1, 2]" in refused.err and "--exploratory" in refused.err
    ran = bench("run", "tiny.yaml", "--exploratory")
    assert ran.code == 0 and len(bench.runs()) == 15
    assert "**Exploratory**" in ran.tables and "(exploratory)" in ran.tables
    write(3)
    back = bench("report", "tiny.yaml").out
    assert "**Exploratory**" not in back and "Exploratory, as a term of theirs changed: clear, open." in back
    assert re.search(r"\| seeds of stage s +\| 0, 1, 2, 3 +\| 0, 1, 2 +\|", back), "what the first run declared was four"


def test_the_plan_warns_of_tests_that_cannot_reach_alpha(bench, write):
    write(
        5,
        **{
            "metric: val/accuracy": "metric: val/accuracy\n    test: sign-flip\n    family: f",
            "metric: val/loss": "metric: val/loss\n    family: f",
        },
    )
    plan = bench("plan", "tiny.yaml", "--no-probe")
    assert plan.code == 0
    assert "warning: claim 'open' can never be significant: a sign-flip test of n=5 seeds has a smallest p of 0.0625" in plan.out
    assert "times m=2, above alpha 0.05; plan 7 seeds, or `test: t`" in plan.out and "claim 'clear'" not in plan.out
    assert json.loads(bench("plan", "tiny.yaml", "--no-probe", "--json").out)["warnings"]
    write(1)
    assert "claim 'clear' cannot be tested with one seed" in bench("plan", "tiny.yaml", "--no-probe").out
    write(5, **{"metric: val/loss": "metric: val/los"})
    for verb in ("run", "plan", "report", "validate"):
        refused = bench(verb, "tiny.yaml")
        assert refused.code == 1 and "no trial of bench records 'val/los'" in refused.err
        assert "did you mean 'val/loss'?" in refused.err
    write(5)
    assert "warning" not in bench("plan", "tiny.yaml", "--no-probe").out


def test_a_claim_about_a_missing_cell(bench, write):
    write(3, **{"higher_than: {lr: 0.09}": "higher_than: {lr: 0.9}"})
    for verb in ("run", "plan", "report", "validate"):
        answer = bench(verb, "tiny.yaml")
        assert answer.code == 1 and "axis 'lr' has no level '0.9'" in answer.err and "did you mean '0.09'?" in answer.err
    assert bench.runs() == []
