"""Trials that were killed in their middle go on from a checkpoint, and the results are those of an undisturbed run."""

import os
import signal
import sqlite3
from pathlib import Path

import pytest

GATED = ("--set", 'train.loss={name: "gated:loss"}', "--set", "train.epochs=5", "--workers", "1")
SEARCH = """\
suite: tiny
title: A search that prunes
data: {source: digits, subset: {train: 96, val: 48, test: 48}}
base: {model: {name: simple_cnn}, train: {epochs: 5, batch_size: 32, optimizer: {name: sgd, lr: 0.05}}}
seeds: 1
stages:
  s:
    search:
      space: {lr: {path: train.optimizer.lr, low: 0.0001, high: 0.2, log: true}}
      trials: 8
      sampler: {name: random}
      pruner: {name: asha, min_epochs: 1, factor: 2}
tables:
  t: {stage: s, rows: trial, values: val/accuracy}
"""
FAILS = """\
from torch.nn import functional


def loss(scores, targets, options, context):
    if context.epoch >= 2:
        raise ValueError("a mistake")
    return functional.cross_entropy(scores, targets)
"""
KINDS = {
    "alone": ("--pack", "off"),
    "restore_best": ("--pack", "off", "--set", "train.restore_best=val/loss"),
    "pack": ("--pack", "4"),
    "search": ("--pack", "off"),
    "inline": ("--pack", "off", "--executor", "inline"),
}


def told(bench):
    """What a run wrote of each trial, but times and when; of those that were interrupted, nothing."""
    runs = [run for run in bench.runs() if run.tags["outcome"] in ("finished", "pruned")]
    timed = ("wall_clock", "images_per_second")
    found = {run.tags["fingerprint"]: (run.tags["outcome"], *histories(bench, run, timed)) for run in runs}
    assert len(found) == len(runs)
    return found


def histories(bench, run, timed):
    with sqlite3.connect(bench.folder / "mlflow.db") as database:
        rows = database.execute("SELECT key, step, value FROM metrics WHERE run_uuid = ? ORDER BY key, step", (run.run_id,))
        epochs = [row for row in rows if row[0] not in timed]
    return {name: value for name, value in run.metrics.items() if name not in timed}, epochs


def checkpoints(bench) -> list[Path]:
    return sorted(Path(bench.environment["BENCH_DATA"]).glob("checkpoints/*"))


@pytest.fixture
def bench(bench, tmp_path):
    """With data of its own, so that no other test's checkpoints are seen."""
    bench.environment = {**bench.environment, "BENCH_DATA": str(tmp_path / "data"), "BENCH_CHECKPOINT_EVERY": "0"}
    return bench


@pytest.fixture
def undisturbed(new_bench, tmp_path_factory):
    """Run the same elsewhere, without checkpoints."""

    def run(bench, *words):
        other = new_bench(tmp_path_factory.mktemp("other"))
        other.suite.write_text(bench.suite.read_text())
        answer = other(*words, BENCH_CHECKPOINT_EVERY="off")
        assert answer.code == 0, answer.err
        return told(other)

    return run


def kill(bench, who, *words, after=0):
    """Run until a trial, or a pack, is in its second epoch; then kill the coordinator with its workers, or a worker alone.

    after: so many that come so far are let through before."""
    bench.gate.shut(after)
    process = bench.start(*words)
    worker = bench.gate.wait(process)
    assert len(checkpoints(bench)) == 1
    if who == "all":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        os.kill(worker, signal.SIGKILL)
        bench.gate.open()
    _, err = process.communicate(timeout=300)
    if who == "all":
        bench.gate.open()
    assert "Traceback" not in err
    return process.returncode


@pytest.mark.parametrize(
    "kind", [kind if kind in ("alone", "search") else pytest.param(kind, marks=pytest.mark.nightly) for kind in KINDS]
)
def test_killed_in_the_middle_of_a_trial_it_goes_on_from_there(bench, undisturbed, kind):
    if kind == "search":
        bench.write(SEARCH)
    words = ("run", "tiny.yaml", *GATED, *KINDS[kind])
    assert kill(bench, "all", *words, after=2 if kind == "search" else 0) == -signal.SIGKILL
    answer = bench(*words)
    assert answer.code == 0, answer.err
    resumed = [run.tags["resumed"] for run in bench.runs() if "resumed" in run.tags]
    assert resumed == ["epoch 1"] * (4 if kind == "pack" else 1)
    found = told(bench)
    assert found == undisturbed(bench, *words), "to the last bit, every epoch of every trial"
    assert {outcome for outcome, *_ in found.values()} == ({"finished", "pruned"} if kind == "search" else {"finished"})
    assert not checkpoints(bench)
    assert bench("run", "tiny.yaml", *GATED, *KINDS[kind]).out.count("to do: 0 trials") == 1


@pytest.mark.nightly
def test_killed_again_and_again_the_times_add_up(bench, undisturbed):
    words = ("run", "tiny.yaml", *GATED, "--pack", "off", "--only", "s[lr=0.1,noise=0]")
    assert kill(bench, "all", *words) == -signal.SIGKILL
    (first,) = checkpoints(bench)
    before = first.read_bytes().split(b"\n", 1)[0]
    assert kill(bench, "all", *words) == -signal.SIGKILL  # it waits in the second epoch again, from which it had gone on
    (second,) = checkpoints(bench)
    assert second.read_bytes().split(b"\n", 1)[0] == before
    assert bench(*words).code == 0
    assert told(bench) == undisturbed(bench, *words)


@pytest.mark.nightly
def test_a_worker_that_is_killed_leaves_its_trial_to_the_next_run(bench, undisturbed):
    words = ("run", "tiny.yaml", *GATED, "--pack", "off")
    assert kill(bench, "worker", *words) in (0, 3)
    assert bench(*words).code == 0
    resumed = [run for run in bench.runs() if "resumed" in run.tags]
    assert len(resumed) == 1 and resumed[0].tags["outcome"] == "finished"
    assert told(bench) == undisturbed(bench, *words) and not checkpoints(bench)


def test_a_damaged_checkpoint_is_told_and_the_trial_begins_anew(bench, undisturbed):
    words = ("run", "tiny.yaml", *GATED, "--pack", "off", "--only", "s[lr=0.1,noise=0]")
    kill(bench, "all", *words)
    (file,) = checkpoints(bench)
    file.write_bytes(file.read_bytes()[:-100])
    answer = bench.anew(*words)
    assert answer.code == 0 and "a checkpoint is not used, so the trial begins anew (it is damaged)" in answer.err
    assert not [run for run in bench.runs() if "resumed" in run.tags]
    assert told(bench) == undisturbed(bench, *words) and not checkpoints(bench)


@pytest.mark.nightly
def test_other_code_or_another_number_of_threads_does_not_go_on_from_it(bench, monkeypatch):
    words = ("run", "tiny.yaml", *GATED, "--pack", "off", "--only", "s[lr=0.1,noise=0]")
    kill(bench, "all", *words)
    gated = bench.folder / "gated.py"
    gated.write_text(gated.read_text() + "# another version\n")
    assert bench(*words).code == 0
    assert not [run for run in bench.runs() if "resumed" in run.tags]
    (left,) = checkpoints(bench)
    os.utime(left, (0, 0))
    assert bench(*words).code == 0 and not checkpoints(bench), "it is too old"


@pytest.mark.nightly
def test_what_a_limit_or_an_error_ends_leaves_nothing(bench):
    words = ("run", "tiny.yaml", *GATED, "--pack", "off", "--only", "s[lr=0.1,noise=0]")
    bench.gate.shut()
    assert bench(*words, "--time-limit", "5").code == 3
    assert [run.tags["outcome"] for run in bench.runs()] == ["timeout"] * 2 and not checkpoints(bench)
    bench.gate.open()
    (bench.folder / "gated.py").write_text(FAILS)
    assert bench(*words).code == 3 and not checkpoints(bench)
    assert {run.tags["outcome"] for run in bench.runs()} == {"timeout", "crashed"}


@pytest.mark.nightly
def test_a_settled_trial_leaves_nothing_either(bench):
    """Its coordinator was killed after it was recorded, and before its file was deleted."""
    words = ("run", "tiny.yaml", *GATED, "--pack", "off", "--only", "s[lr=0.1,noise=0]")
    kill(bench, "all", *words)
    (file,) = checkpoints(bench)
    content = file.read_bytes()
    assert bench(*words).code == 0
    file.write_bytes(content)
    file.with_name(f"{file.name}.part").write_bytes(content[:20])
    other = file.with_name("0123456789ab-ba9876543210-another.ckpt")
    other.write_bytes(content)
    assert bench(*words).code == 0
    assert checkpoints(bench) == [other], "what is another store's stays"


@pytest.mark.parametrize("every", ["soon", "-1", "nan"])
def test_how_often_is_a_number(bench, every):
    answer = bench("run", "tiny.yaml", BENCH_CHECKPOINT_EVERY=every)
    assert answer.code == 1 and "BENCH_CHECKPOINT_EVERY" in answer.err and "is no number of seconds" in answer.err
