"""Running a suite, and seeing it go by."""

import os
import signal
import time
from collections import Counter, defaultdict
from contextlib import contextmanager

import pytest

import bench
from bench import BenchError
from bench.api import Listener
from bench.config import Data
from bench.errors import ErrorCode
from bench.runner.executors import open_executor
from bench.runner.messages import Prepare
from bench.trackers import record
from bench.trackers.record import Outcome

ROUNDS = """\
stages:
  first: {axes: {lr: {path: train.optimizer.lr, values: [0.01, 0.1]}}}
  then: {patch: {start: {stage: first}, train: {epochs: 2}}, axes: {batch: {path: train.batch_size, values: [16]}}}
"""
NOISY = """\
stages: {s: {axes: {noise: {none: {}, some: {data: {noise: {variance: 0.04}, denoise: {name: tv}}}}}}}
"""
SEARCH = """\
stages:
  hunt: {search: {trials: 3, sampler: {name: random}, space: {lr: {path: train.optimizer.lr, low: 0.001, high: 0.1}}}}
tables: {t: {stage: hunt, rows: trial, values: val/accuracy}}
"""


class Diary(Listener):
    """Notes all that it sees: the name of what was called, and with what."""

    def __init__(self):
        self.calls = []

    def __getattribute__(self, name):
        if name not in vars(Listener) or name.startswith("_"):
            return object.__getattribute__(self, name)
        return lambda *given: self.calls.append((name, *given))

    @property
    def names(self):
        return [name for name, *_ in self.calls]

    def of(self, name):
        return [given for called, *given in self.calls if called == name]


def test_the_report_after_a_run_waits_for_a_store_that_does_not_answer(write, inline, monkeypatch):
    monkeypatch.setattr("bench.api.run.PAUSE", 0)
    diary, suite = Diary(), bench.load(write(ROUNDS))
    result = suite.run(**inline, listener=diary)
    whole, runs = result.report().render(with_runs=False), result.tracker.runs
    down = [BenchError("the store is down", code=ErrorCode.UNREACHABLE)] * 2 + [None]

    def answers(experiment):
        if error := down.pop(0):
            raise error
        return runs(experiment)

    monkeypatch.setattr(result.tracker, "runs", answers)
    assert result.report().render(with_runs=False) == whole and not down
    told = [outage for (outage,) in diary.of("store")][-3:]
    assert [outage and outage.reason for outage in told] == ["the store is down", "the store is down", None]
    with pytest.raises(BenchError, match="the store is down"):
        down[:] = [BenchError("the store is down")]  # which does not pass by itself
        result.report()


def test_what_a_listener_sees_and_in_which_order(write, inline):
    diary, suite = Diary(), bench.load(write(ROUNDS))
    result = suite.run(**inline, listener=diary)
    rounds = [name for name in diary.names if name not in ("started", "progressed", "ended")]
    assert rounds == ["planned", "round_began", "round_ended", "next_round", "round_began", "round_ended"]
    ((first,),), ((second,),) = diary.of("planned"), diary.of("next_round")
    assert first.workers == second.workers == 1 and first.seconds > 0
    assert [len(plan.todo()) for plan, _ in diary.of("round_began")] == [4, 2]
    assert [workers for _, workers in diary.of("round_began")] == [1, 1]
    trials = defaultdict(list)
    for name, *given in diary.calls:
        if name in ("started", "progressed", "ended"):
            trials[given[0].trial.fingerprint].append((name, *given[1:]))
    assert len(trials) == 6
    for told in trials.values():
        (started,), *epochs, (ended, outcome, message, metrics) = told
        assert started == "started" and ended == "ended" and outcome is Outcome.FINISHED and message == ""
        assert [(name, epoch) for name, epoch, _ in epochs] == [("progressed", epoch) for epoch in range(1, len(epochs) + 1)]
        assert metrics["epochs"] == len(epochs) and all("val/accuracy" in seen for *_, seen in epochs)
    assert sorted(len(told) - 2 for told in trials.values()) == [1] * 4 + [2] * 2
    summaries = [summary for (summary,) in diary.of("round_ended")]
    assert summaries == result.rounds and [dict(one.outcomes) for one in summaries] == [{"finished": 4}, {"finished": 2}]
    between = diary.names.index("next_round")
    assert not {"started", "ended"} & set(diary.names[between - 1 : between + 2])
    assert diary.names[between + 1 :].count("ended") == 2 and diary.names[:between].count("ended") == 4


def test_a_result_says_how_it_went_and_a_second_run_has_nothing_to_do(write, inline):
    suite, diary = bench.load(write()), Diary()
    result = suite.run(**inline)
    assert not result.interrupted and result.report().complete and result.report().render() == suite.report().render()
    assert result.plan.counts() == {"done": 4} and result.tracker is suite.tracker
    again = suite.run(**inline, listener=diary)
    assert again.rounds == [] and not again.interrupted and diary.names == ["planned"]
    assert diary.of("planned")[0][0].complete and again.report().render() == suite.report().render()
    assert len(suite.tracker.runs("tiny")) == 4 and suite.runs_url()


def test_what_is_raised_when_it_is_planned_leaves_nothing_behind(write, inline):
    class No(Exception):
        pass

    class Refuses(Listener):
        def planned(self, forecast):
            assert len(forecast.plan.todo()) == 4
            raise No

    suite = bench.load(write())
    with pytest.raises(No):
        suite.run(**inline, listener=Refuses())
    assert suite.tracker.runs("tiny") == [] and len(suite.status().plan.todo()) == 4
    assert suite.run(**inline).report().complete


def test_an_error_of_the_listener_closes_the_runs_under_way(write, inline):
    class Breaks(Listener):
        def progressed(self, job, epoch, metrics):
            raise ZeroDivisionError

    suite = bench.load(write())
    with pytest.raises(ZeroDivisionError):
        suite.run(**inline, listener=Breaks())
    assert [run.status for run in suite.tracker.runs("tiny")] == ["KILLED"]
    assert suite.run(**inline).report().complete


def test_images_that_are_denoised_are_counted(write, inline, folder, monkeypatch):
    monkeypatch.setenv("BENCH_DATA", str(folder / "data"))
    diary = Diary()
    assert bench.load(write(NOISY)).run(**inline, listener=diary).report().complete
    told = [progress for (progress,) in diary.of("denoised")]
    assert {progress.total for progress in told} == {96 + 48 + 48} and told[-1].done == told[-1].total
    assert diary.names.index("planned") < diary.names.index("denoised") < diary.names.index("round_began")


def test_what_says_that_it_runs_is_a_leftover_for_whoever_holds_the_suite(write, inline):
    """Wherever it was: a host that is gone is not asked."""
    suite, diary = bench.load(write()), Diary()
    job = suite.status().plan.todo()[0]
    suite.tracker.open("tiny", {})
    tags = {"fingerprint": job.trial.fingerprint, "cell": "lr=0.01", "coordinator": "elsewhere:1:1.00"}
    theirs = suite.tracker.start("theirs", tags, {})
    result = suite.run(**inline, listener=diary)
    assert len(diary.of("ended")) == 4 and result.report().complete
    (status,) = (run.status for run in suite.tracker.runs("tiny") if run.run_id == theirs)
    assert status == "KILLED"


def test_a_run_that_is_taken_over_ends_and_its_results_count_once(write, inline):
    """As one that was stopped, and goes on when another has done its work: the store says so, whatever the clock says."""
    suite = bench.load(write())

    class TakesOver(Listener):
        trials = 0

        def ended(self, *given):
            self.trials += 1
            if self.trials == 2:  # the third waits for its turn
                self.other = bench.load(write())
                self.result = self.other.run(**inline, take_over=True)
                deadline = time.monotonic() + 60
                while not self.hold.taken_over and time.monotonic() < deadline:
                    time.sleep(0.05)

    listener = TakesOver()
    hold = suite.tracker.hold

    @contextmanager
    def held(*given, **named):
        with hold(*given, **named) as listener.hold:
            yield listener.hold

    suite.tracker.hold = held
    with pytest.raises(BenchError, match=r"this run ends: process \d+ on .* has taken this suite over"):
        suite.run(**inline, listener=listener)
    assert listener.result.report().complete
    again = bench.load(write()).run(**inline)
    assert again.rounds == [] and again.report().complete
    runs = suite.tracker.runs("tiny")
    assert {record.holder(run) for run in runs} == {1, 2}
    counted = Counter(record.fingerprint(run) for run in runs if run.status == "FINISHED" and "superseded" not in run.tags)
    assert set(counted.values()) == {1} and len(counted) == 4


def test_an_executor_that_is_open_already_stays_open(write):
    suite = bench.load(write())
    with open_executor("inline", workers=1, device="cpu") as mine:
        assert suite.plan(executor=mine, pack="off").workers == 1
        assert suite.run(executor=mine, pack="off").report().complete
        assert mine.map([Prepare(Data(source="digits"))])[0][1] == 10


@pytest.mark.parametrize(
    ("options", "where", "message"),
    [
        ({"time_limit": 0}, "--time-limit", "more than 0 seconds"),
        ({"pack": "0"}, "--pack", ""),
        ({"workers": 3}, "--workers", "one worker, this process"),
        ({"executor": "loc"}, "--executor", "no executor 'loc'"),
    ],
)
def test_what_cannot_be_run_is_refused(write, inline, options, where, message):
    suite = bench.load(write())
    with pytest.raises(BenchError) as error:
        suite.run(**{**inline, **options})
    assert error.value.where == where and message in error.value.message
    assert suite.tracker.runs("tiny") == []


def test_a_time_limit_ends_trials_and_retrying_runs_them_again(write, inline):
    path = write()
    suite = bench.load(path)
    report = suite.run(**inline, time_limit=1e-6).report()
    assert not report.complete and set(report.frame().outcome) == {"timeout"}
    assert suite.run(**inline).rounds == [], "what timed out stands"
    assert suite.run(**inline, retry=True).report().complete


def test_more_seeds_than_declared_are_refused_and_told(write, inline):
    path = write()
    bench.load(path).run(**inline)
    more = bench.load(path, set=["seeds=3"])
    with pytest.raises(BenchError, match="raises the rate of false positives") as error:
        more.run(**inline)
    assert error.value.where == "--set seeds=3" and "exploratory" in error.value.mend
    report = more.run(**inline, exploratory=True).report()
    assert report.complete and "[0, 1]" in report.data.exploratory and "[0, 1, 2]" in report.data.exploratory


class Interrupts(Listener):
    """Ctrl-C after the second trial."""

    def __init__(self):
        self.ended_so_far = 0

    def ended(self, job, outcome, message, metrics):
        self.ended_so_far += 1
        if self.ended_so_far == 2:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("body", [pytest.param(ROUNDS, id="rounds"), pytest.param(SEARCH, id="search")])
def test_the_report_of_an_interrupted_run_holds_what_it_has_finished(write, inline, body):
    suite = bench.load(write(body))
    result = suite.run(**inline, listener=Interrupts())
    assert result.interrupted and not result.report().complete
    finished = [run for run in suite.tracker.runs("tiny") if run.status == "FINISHED"]
    assert len(finished) >= 2 and sum(suite.report().frame().outcome == "finished") == len(finished)
    assert sum(result.report().frame().outcome == "finished") == len(finished)
    assert result.report().render() == suite.report().render()
