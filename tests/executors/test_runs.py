"""Whole suites by each executor: the same results, interrupted and limited alike; and workers that come and go."""

import os
import signal

import pytest

import bench
from bench.api import Listener
from bench.errors import BenchError
from bench.runner.executors import open_executor
from bench.trackers.record import Outcome


class Noted(Listener):
    """Notes what goes by; acts on the first epoch of the first trial."""

    def __init__(self, act=lambda: None):
        self.act, self.outcomes, self.names = act, [], []

    def progressed(self, job, epoch, metrics):
        act, self.act = self.act, lambda: None
        act()

    def ended(self, job, outcome, message, metrics):
        self.outcomes.append(outcome)
        self.names.append((outcome, message))


@pytest.mark.parametrize("name", ["inline", "toy"])
def test_the_results_are_those_of_local_processes(suite_file, toy, name):
    first = bench.load(suite_file, tracker="sqlite:///local.db")
    assert first.run(executor="local", workers=1, device="cpu").report().complete
    other = bench.load(suite_file, tracker=f"sqlite:///{name}.db")
    result = other.run(executor=name, workers=1, device="cpu")
    assert result.report().complete and not result.interrupted
    ours, theirs = (suite.report().frame().set_index(["lr", "seed"]) for suite in (first, other))
    for metric in ("train/loss", "val/loss", "test/loss", "val/accuracy"):
        assert ours[metric].tolist() == pytest.approx(theirs[metric].tolist(), rel=1e-4), metric
    assert other.run(executor=name).rounds == [], "there is nothing more to do"


@pytest.mark.parametrize("name", ["local", "inline"])
def test_an_interruption_ends_the_trial_and_the_same_command_goes_on(suite_file, name):
    suite = bench.load(suite_file, set=["train.epochs=60"])
    listener, before = Noted(lambda: os.kill(os.getpid(), signal.SIGINT)), signal.getsignal(signal.SIGINT)
    result = suite.run(executor=name, workers=1, device="cpu", pack="off", listener=listener)
    assert result.interrupted and listener.outcomes == [Outcome.INTERRUPTED]
    assert [run.status for run in suite.tracker.runs("tiny")] == ["KILLED"]
    assert signal.getsignal(signal.SIGINT) is before
    again = bench.load(suite_file, set=["train.epochs=60"]).status()
    assert len(again.plan.todo()) == 4


@pytest.mark.parametrize("name", ["local", "inline", "toy"])
def test_an_executor_that_stays_open_goes_on_after_an_interruption(suite_file, toy, name):
    suite = bench.load(suite_file, set=["train.epochs=20"])
    with open_executor(name, workers=1, device="cpu") as executor:
        interrupts = Noted(lambda: os.kill(os.getpid(), signal.SIGINT))
        assert suite.run(executor=executor, pack="off", listener=interrupts).interrupted
        result = suite.run(executor=executor, pack="off")
    assert result.report().complete and not result.interrupted
    assert sorted(run.status for run in suite.tracker.runs("tiny")) == ["FINISHED"] * 4 + ["KILLED"]


def test_an_inline_trial_that_takes_too_long_is_ended_after_an_epoch(suite_file):
    suite = bench.load(suite_file, set=["train.epochs=60"])
    listener = Noted()
    result = suite.run(executor="inline", device="cpu", time_limit=1e-6, listener=listener)
    assert set(listener.outcomes) == {Outcome.TIMEOUT} and len(listener.outcomes) == 4
    assert not result.report().complete and len(suite.status().plan.todo()) == 0, "it stands until it is retried"


def test_what_a_lost_worker_was_at_runs_elsewhere_and_counts_once(suite_file, toy):
    suite = bench.load(suite_file, set=["train.epochs=20"])
    with open_executor("toy", workers=1) as threads:
        lose = Noted(lambda: threads.lose(threads.workers[0]))
        result = suite.run(executor=threads, pack="off", listener=lose)
        assert [worker.number for worker in threads.workers] == [1]
    assert lose.outcomes == [Outcome.FINISHED] * 4 and result.report().complete
    assert [run.status for run in suite.tracker.runs("tiny")] == ["FINISHED"] * 4
    assert {len(run.metrics) for run in suite.tracker.runs("tiny")} == {len(suite.tracker.runs("tiny")[0].metrics)}


def test_a_trial_with_which_worker_after_worker_is_lost_has_crashed(suite_file, toy):
    class Killer(Noted):
        def progressed(self, job, epoch, metrics):
            if job.trial.cell.labels["lr"] == "0.01" and job.trial.seed == 0:
                threads.lose(threads.workers[0])

    suite = bench.load(suite_file)
    with open_executor("toy", workers=1) as threads:
        listener = Killer()
        suite.run(executor=threads, pack="off", listener=listener)
    assert sorted(listener.outcomes) == ["crashed", "finished", "finished", "finished"]
    (message,) = (message for outcome, message in listener.names if outcome is Outcome.CRASHED)
    assert message.startswith("3 workers were lost with it (thread ") and message.endswith("its machine is gone")


def test_an_unknown_executor_is_refused(suite_file):
    with pytest.raises(BenchError, match="no executor 'locl'") as error:
        bench.load(suite_file).run(executor="locl")
    assert error.value.mend == "did you mean 'local'?"
    with pytest.raises(BenchError, match="one worker, this process"):
        open_executor("inline", workers=2)
