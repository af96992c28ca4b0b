"""What there is to do, given what was done."""

import pytest

from bench.runner.packs import Packs
from bench.runner.planner import make_plan
from bench.runner.queue import Queue
from bench.runner.recording import params, trial_start
from bench.trackers import StoredRun
from bench.trackers.record import Outcome

BODY = """\
stages:
  s: {axes: {lr: {path: train.optimizer.lr, values: [0.05, 0.1]}}}
  t: {axes: {epochs: {path: train.epochs, values: [2, 3]}}}
"""


def no_histories(run_ids, metrics):
    return {}


def run_of(job, status, **tags):
    key = job.trial.fingerprint
    return StoredRun(f"run-{key[:6]}", status, {"fingerprint": key, **tags}, {"val/accuracy": 0.5})


def test_trials_of_one_fingerprint_are_one_job(make):
    plan = make_plan(make(BODY), [])
    assert len(plan.trials) == 8 and len(plan.jobs) == 6
    shared = [job for job in plan.jobs.values() if len(job.cells) > 1]
    assert [[cell.name for cell in job.cells] for job in shared] == [["lr=0.05", "epochs=2"]] * 2


@pytest.mark.parametrize(
    ("status", "found", "state", "retried"),
    [
        ("FINISHED", {}, "done", "done"),
        ("FAILED", {"outcome": "diverged"}, "failed", "todo"),
        ("FAILED", {"outcome": "oom"}, "failed", "todo"),
        ("FAILED", {"outcome": "timeout"}, "failed", "todo"),
        ("FAILED", {"outcome": "crashed"}, "todo", "todo"),
        ("KILLED", {"outcome": "interrupted"}, "todo", "todo"),
        ("KILLED", {}, "todo", "todo"),
        ("RUNNING", {"coordinator": "elsewhere:1:2"}, "running", "running"),
    ],
)
def test_states(make, status, found, state, retried):
    suite = make(BODY)
    job = next(iter(make_plan(suite, []).jobs.values()))
    runs = [run_of(job, status, **found)]
    assert make_plan(suite, runs).jobs[job.trial.fingerprint].state == state
    assert make_plan(suite, runs, retry=True).jobs[job.trial.fingerprint].state == retried
    assert len(make_plan(suite, runs).todo()) == 6 - (state != "todo")


def test_a_finished_run_outweighs_failed_ones_in_any_order(make):
    suite = make(BODY)
    job = next(iter(make_plan(suite, []).jobs.values()))
    runs = [run_of(job, "FAILED", outcome="timeout"), run_of(job, "FINISHED"), run_of(job, "FAILED", outcome="oom")]
    for order in (runs, runs[::-1]):
        assert make_plan(suite, order).jobs[job.trial.fingerprint].state == "done"


def test_runs_of_another_configuration_do_not_count(make):
    job = next(iter(make_plan(make(BODY), []).jobs.values()))
    changed = make_plan(make(BODY, overrides=["train.batch_size=16"]), [run_of(job, "FINISHED")])
    assert len(changed.todo()) == 6


def test_longest_first_and_rebuilt_from_what_is_done(make):
    suite = make(BODY)
    first = next(iter(make_plan(suite, []).jobs.values()))
    plan = make_plan(suite, [run_of(first, "FINISHED")])
    for seconds, job in enumerate(plan.todo()):
        job.seconds = float(seconds)
    queue = Queue(plan, no_histories, Packs())
    asked = []
    while pack := queue.ask():
        (one,) = pack
        asked.append(one.seconds)
        queue.tell(one, *((Outcome.FINISHED, {"val/accuracy": 0.25}) if len(asked) > 1 else (Outcome.OOM, {})))
    assert asked == [4.0, 3.0, 2.0, 1.0, 0.0]
    states = [trial.state.name for trial in queue.grid.trials]
    assert states == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE", "COMPLETE", "COMPLETE"]
    assert queue.grid.trials[0].params == {"s.lr": "0.05"} and queue.grid.trials[0].value == 0.5
    assert queue.grid.best_value == 0.5


class _Executor:
    threads = 1

    def hello(self):
        from bench.runner.messages import Hello

        return Hello("CPU", 0, {"torch": "2"})


def test_what_is_written_of_a_trial(make):
    plan = make_plan(make(BODY), [])
    job = next(iter(plan.jobs.values()))
    written = trial_start(plan, job, _Executor(), 2).tags()
    assert written["cell"] == "lr=0.05" and written["axis.lr"] == "0.05" and written["also"] == "t: epochs=2"
    assert written["suite"] == "tiny" and written["profile"] == "default" and written["workers"] == "2"
    assert params(job)["train.optimizer.lr"] == "0.05" and params(job)["data.subset.train"] == "64"
    assert "data.resize" not in params(job)


def test_estimates_order_nothing_when_absent(make):
    plan = make_plan(make(BODY), [])
    queue = Queue(plan, no_histories, Packs())
    asked = [job for _ in range(6) for job in queue.ask()]
    assert asked == list(plan.jobs.values())
