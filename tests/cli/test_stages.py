"""Stages that rest on others, through the command line: sweeps, searches, weights, votes, and parts of one's own."""

import signal
from collections import Counter

from bench.runner.planner import rules
from bench.suite.load import load_suite

HEAD = """\
title: Stages that rest on others
data: {source: digits, subset: {train: 96, val: 48, test: 48}}
base:
  model: {name: simple_cnn, args: {filters: [8, 8, 8], hidden: 16}}
  train: {epochs: 4, batch_size: 16, optimizer: {name: sgd, lr: 0.05, momentum: 0.9}}
seeds: 2
"""
CHAIN = (
    "suite: chain\n"
    + HEAD
    + """\
stages:
  tuning:
    sweep:
      lr: {path: train.optimizer.lr, values: [0.00001, 0.1]}
      batch: {path: train.batch_size, values: [8, 16]}
  further:
    patch: {start: {stage: tuning}, model: {weights: {stage: tuning-lr, cell: {lr: 0.1}}}}
    axes: {frozen: {path: model.frozen, values: [true, false]}}
  votes:
    ensemble: {stages: [tuning, further], pool: seed}
    axes: {vote: {path: ensemble.vote, values: [soft, hard]}}
tables:
  batches: {stage: tuning-batch, rows: batch, values: test/accuracy}
  votes: {stage: votes, rows: vote, values: [val/accuracy, test/accuracy]}
"""
)
SEARCH = (
    "suite: hunt\n"
    + HEAD.replace("epochs: 4", 'epochs: 5, loss: {name: "gated:loss"}')
    + """\
stages:
  hunt:
    seeds: [7, 42]
    search:
      trials: 8
      seed: 46
      sampler: {name: tpe, startup: 3}
      pruner: {name: asha, min_epochs: 2, factor: 2}
      space:
        optimizer: {sgd: {}, adam: {train: {optimizer: {name: adam}}}}
        lr: {path: train.optimizer.lr, low: 1e-4, high: 1e-1, log: true}
  winner:
    patch: {start: {stage: hunt}}
    axes: {flip: {no: {}, yes: {data: {augment: [{name: flip}]}}}}
tables:
  winner: {stage: winner, rows: flip, values: test/accuracy}
"""
)


def test_a_chain_of_stages(bench):
    bench.write(CHAIN, "chain.yaml")
    answer = bench("run", "chain.yaml")
    assert answer.code == 0, answer.err
    runs = bench.runs("chain")
    by_stage = Counter(run.tags["stage"] for run in runs)
    assert by_stage == {"tuning-lr": 4, "tuning-batch": 2, "further": 4, "votes": 4}, (
        "the batch size that was the default ran once"
    )
    batch = next(run for run in runs if run.tags["stage"] == "tuning-batch")
    assert batch.tags["start"] == "tuning-lr: lr=0.1" and batch.tags["axis.batch"] == "8"
    further = {run.tags["axis.frozen"] + run.tags["seed"]: run for run in runs if run.tags["stage"] == "further"}
    assert further["true0"].tags["weights"] == "tuning-lr: lr=0.1, seed 0" and further["true1"].tags["weights"].endswith("seed 1")
    assert further["true0"].tags["start"].startswith("tuning-batch: batch=")
    kept = [run.tags["axis.lr"] for run in runs if "kept" in run.tags]
    assert kept == ["0.1", "0.1"]
    votes = [run for run in runs if run.tags["stage"] == "votes"]
    assert {run.tags["members"] for run in votes} == {"5 of 5"} and all(run.metrics["test/accuracy"] > 0 for run in votes)
    assert "Every trial starts from the best of tuning-lr: lr=0.1." in bench("report", "chain.yaml").out, "the shared ones too"
    again = bench("run", "chain.yaml")
    assert again.code == 0 and "to do: 0 trials" in again.out and again.tables == answer.tables
    assert len(bench.runs("chain")) == len(runs)


def test_a_killed_search_resumes(bench):
    """The same budget, nothing lost, nothing twice; then its winner is measured."""
    path = bench.write(SEARCH, "hunt.yaml")
    first = bench.stop_after(3, signal.SIGKILL, "run", "hunt.yaml", "--workers", "1", "--only", "hunt")
    assert first.code == -signal.SIGKILL
    before = {run.tags["axis.trial"]: run for run in bench.runs("hunt")}
    assert [before[str(trial)].status == "RUNNING" for trial in range(4)] == [False, False, False, True] and len(before) == 4
    answer = bench("run", "hunt.yaml")
    assert answer.code == 0, answer.err
    runs = bench.runs("hunt")
    ended = [run for run in runs if run.tags["stage"] == "hunt" and run.tags.get("outcome") in ("finished", "pruned")]
    assert sorted(run.tags["axis.trial"] for run in ended) == [str(number) for number in range(8)]
    drawn = {run.tags["axis.trial"]: (run.tags["search.lr"], run.tags["search.optimizer"], run.tags["seed"]) for run in ended}
    for trial, run in before.items():
        assert drawn[trial] == (run.tags["search.lr"], run.tags["search.optimizer"], run.tags["seed"])
    assert all(run in runs for run in before.values() if run.status != "RUNNING")
    by_outcome = {outcome: [run for run in ended if run.tags["outcome"] == outcome] for outcome in ("finished", "pruned")}
    assert by_outcome["finished"] and {run.metrics["epochs"] for run in by_outcome["finished"]} == {5}
    assert {run.metrics["epochs"] for run in by_outcome["pruned"]} <= {2, 4}, "at the rungs"
    assert before["1"] in by_outcome["pruned"], "after two epochs with a rate of 0.0002 it is far below the one before, with 0.04"
    assert {run.tags["search"] for run in ended} == {rules(load_suite(path).spec.stages["hunt"].search)}
    # of equals the first
    best = min(by_outcome["finished"], key=lambda run: (-run.metrics["val/accuracy"], int(run.tags["axis.trial"])))
    winners = [run for run in runs if run.tags["stage"] == "winner"]
    assert all(f"lr={best.tags['search.lr']}" in run.tags["start"] for run in winners)
    assert {run.tags["axis.flip"] for run in winners} == {"no", "yes"} or len(winners) == 3
    assert bench("status", "hunt.yaml").code == 0


def test_weights_that_know_what_is_held_out_are_refused(bench):
    """A split of some classes of the digits is not the split of all of them."""
    bench.write(
        "suite: leak\n"
        + HEAD
        + "stages:\n"
        + "  few: {axes: {digits: {0-4: {data: {classes: [0, 1, 2, 3, 4]}}}}}\n"
        + "  tuned: {patch: {model: {weights: {stage: few}}}, axes: {frozen: {path: model.frozen, values: [true, false]}}}\n",
        "leak.yaml",
    )
    for verb in ("validate", "run"):
        answer = bench(verb, "leak.yaml")
        assert answer.code == 1 and "leak.yaml:10: stage 'few' trains these weights on " in answer.err, answer.err
        assert "of the images that tuned: frozen=false holds out" in answer.err and "`data.split`" in answer.err
    assert not bench.runs("leak")


def test_a_sweep_with_nothing_to_keep(bench):
    text = CHAIN.replace("[0.00001, 0.1]", "[1e+30, 1e+31]").replace("cell: {lr: 0.1}", "cell: {lr: 1e+30}")
    bench.write(text.replace("start: {stage: tuning}, ", ""), "chain.yaml")
    answer = bench("run", "chain.yaml")
    assert answer.code == 3
    assert "stage tuning-lr has nothing to keep: no cell of which every trial finished with val/accuracy" in answer.out
    assert "the trial that trains its weights, tuning-lr: lr=1e+30, seed=0, is failed" in answer.out
