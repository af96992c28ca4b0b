"""The writer: nothing that is told to it waits for the store, and nothing is lost or written twice, whatever the store does."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import BenchError, ErrorCode
from bench.runner import spool as spools
from bench.runner import writer as writing
from bench.runner.spool import Spool
from bench.runner.writer import Writer, recover
from bench.trackers import record
from bench.trackers.record import Outcome, TrialEnd, TrialStart
from tests.trackers.toy import Toy

DOWN = BenchError("the store is down", mend="start it", code=ErrorCode.UNREACHABLE)
ROWS = [{"epoch": 1, "seconds": 0.5, "val/loss": 2.0}, {"epoch": 2, "seconds": 1.0, "val/loss": 1.0}]


class Store(Toy):
    """A toy store that fails as it is told. fault: called before each call; raises, or waits. after: when it is done."""

    fault: Callable[[], None] = staticmethod(lambda: None)
    after: Callable[[], None] = staticmethod(lambda: None)

    def start(self, *given, **named):
        self.fault()
        run_id = super().start(*given, **named)
        self.after()
        return run_id

    def log(self, *given):
        self.fault()
        super().log(*given)
        self.after()

    def finish(self, *given, **named):
        self.fault()
        super().finish(*given, **named)
        self.after()


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(writing, "PAUSES", (0.05,))


@pytest.fixture
def store(tmp_path) -> Store:
    store = Store(tmp_path / "store")
    store.open("suite", {})
    return store


@pytest.fixture
def spool(store) -> Spool:
    return Spool(store.uri, "suite")


def start(seed: int) -> TrialStart:
    words = dict.fromkeys(("suite", "profile", "seeds", "device", "precision", "commit", "coordinator", "source", "user"), "x")
    return TrialStart(
        **words,
        stage="grid",
        cell="lr=1",
        labels={"lr": "1"},
        seed=seed,
        fingerprint=f"f{seed}",
        co_workers=1,
        threads=1,
        versions={},
    )


def trial(writer: Writer, seed: int, outcome: Outcome = Outcome.FINISHED, weight: int = 10) -> str:
    """Let a trial go by."""
    attempt = writer.begin(f"seed={seed}", start(seed), {"lr": "1"})
    writer.log(attempt, ROWS[:1])
    writer.finish(attempt, TrialEnd(outcome), {"test/accuracy": seed / 10}, ROWS[1:], {"config.yaml": b"x" * weight})
    return attempt


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def raising(error: BaseException):
    def throw() -> None:
        raise error

    return throw


def whole(store: Store, run) -> bool:
    """Whether a run has all that `trial` tells."""
    curve = store.histories([run.run_id], ["val/loss"])
    kept = store.artifact(run.run_id, "config.yaml")
    seed = int(record.seed(run))
    return curve == {run.run_id: {"val/loss": [(1, 2.0), (2, 1.0)]}} and bool(kept) and run.metrics["test/accuracy"] == seed / 10


def test_what_is_told_is_in_the_store_in_order(store, spool):
    with Writer(store, spool, holder=3) as writer:
        attempts = [trial(writer, seed) for seed in range(5)]
        assert writer.drained(60)
    runs = store.runs("suite")
    assert sorted(record.attempt(run) for run in runs) == sorted(attempts) and {record.holder(run) for run in runs} == {3}
    assert all(run.status == "FINISHED" and whole(store, run) for run in runs)
    assert writer.seconds > 0 and not spool.ids()


def test_results_wait_on_disk_while_the_store_is_down_and_are_written_when_it_is_back(store, spool):
    store.fault = raising(DOWN)
    with Writer(store, spool) as writer:
        for seed in range(3):
            trial(writer, seed)
        until(lambda: (writer.outage() and len(spool.ids()) == 3) or writer.look())
        outage = writer.outage()
        assert outage.waiting == 3 and outage.reason == "the store is down" and len(outage.since) == len("12:34:56")
        assert not writer.drained(0.1) and store.runs("suite") == []
        store.fault = Store.fault
        assert writer.drained(60) and writer.outage() is None
    assert [whole(store, run) for run in store.runs("suite")] == [True] * 3
    assert not spool.folder.exists()


def test_a_store_that_never_answers_holds_nothing_up(store, spool, monkeypatch):
    monkeypatch.setattr(writing, "SLOW", 0.1)
    answer = threading.Event()
    store.fault = answer.wait
    writer = Writer(store, spool)
    began = time.monotonic()
    for seed in range(3):
        trial(writer, seed)
    until(lambda: writer.look() or len(spool.ids()) == 3)
    assert writer.outage().reason == "" and writer.outage().waiting == 3
    assert writer.close(0.1) == 3 and time.monotonic() - began < 30
    again = Store(store.folder)
    again.open("suite", {})
    assert recover(again, spool, again.runs("suite")) == 3 and spool.ids() == []
    assert all(whole(again, run) for run in again.runs("suite"))
    answer.set()


def test_one_that_ends_and_goes_to_disk_while_its_epochs_are_written_stays_there(store, spool, monkeypatch):
    monkeypatch.setattr(writing, "SLOW", 0.1)
    with Writer(store, spool) as writer:
        attempt = writer.begin("seed=0", start(0), {})
        assert writer.drained(60)
        asked, answer = threading.Event(), threading.Event()
        store.fault = lambda: asked.set() or answer.wait()
        writer.log(attempt, ROWS[:1])
        assert asked.wait(60)
        writer.finish(attempt, TrialEnd(Outcome.FINISHED), {"test/accuracy": 0.0}, ROWS[1:], {"config.yaml": b"x"})
        until(lambda: writer.look() or spool.ids())
        answer.set()
        assert writer.drained(60)
    (run,) = store.runs("suite")
    assert run.status == "FINISHED" and whole(store, run) and not spool.ids()


def test_more_than_the_memory_is_to_hold_goes_to_disk(store, spool, monkeypatch):
    monkeypatch.setattr(writing, "MEMORY", 250)
    answer = threading.Event()
    store.fault = answer.wait
    with Writer(store, spool) as writer:
        for seed in range(4):
            trial(writer, seed, weight=100)
        assert len(spool.ids()) == 2, "two results are less than 250 bytes"
        answer.set()
        assert writer.drained(60)
    assert all(whole(store, run) for run in store.runs("suite")) and len(store.runs("suite")) == 4


@pytest.mark.parametrize(("limit", "spared"), [(150, 0), (10**12, 2**62)])
def test_where_the_disk_is_full_no_more_can_wait(store, spool, monkeypatch, limit, spared):
    monkeypatch.setattr(spools, "LIMIT", limit)
    monkeypatch.setattr(spools, "SPARED", spared)
    store.fault = raising(DOWN)
    with Writer(store, spool) as writer:
        for seed in range(3):
            trial(writer, seed, weight=100)
        until(lambda: writer.look() or writer.full)
        assert len(spool.ids()) == (0 if spared else 1)
        store.fault = Store.fault
        assert writer.drained(60)
        writer.look()
        assert not writer.full
    assert [whole(store, run) for run in store.runs("suite")] == [True] * 3


def test_an_error_that_does_not_pass_ends_the_writing_and_keeps_the_results(store, spool):
    full = BenchError("disk full", mend="free some space")
    store.fault = raising(full)
    with Writer(store, spool) as writer:
        trial(writer, 0)
        trial(writer, 1, outcome=Outcome.INTERRUPTED)
        with pytest.raises(BenchError, match="disk full"):
            writer.drained(60)
    assert len(spool.ids()) == 1, "what was interrupted has no result"
    store.fault = Store.fault
    assert recover(store, spool, store.runs("suite")) == 1
    assert [record.seed(run) for run in store.runs("suite")] == ["0"]


def test_what_an_earlier_run_left_is_written_once_and_only_where_no_result_counts(store, spool):
    store.fault = raising(DOWN)
    with Writer(store, spool, holder=1) as writer:
        for seed in range(4):
            trial(writer, seed)
        trial(writer, 4, outcome=Outcome.DIVERGED)
    kept = {spool.get(attempt).tags["seed"]: attempt for attempt in spool.ids()}
    store.fault = Store.fault
    with Writer(store, spool, holder=2) as writer:
        trial(writer, 0)  # by another, who took over
        assert writer.drained(60)
    killed = spool.get(kept["1"])  # in the store, and not yet off the disk when its process was killed
    writing.finish(store, store.start(killed.name, killed.tags, killed.params), killed.end, killed.history)
    spool.path(kept["2"]).write_bytes(b"no archive")
    (spool.folder / "half.part").write_bytes(b"x")
    assert recover(store, spool, store.runs("suite")) == 2
    assert not spool.folder.exists()
    by_seed = sorted((record.seed(run), record.outcome(run), record.holder(run)) for run in store.runs("suite"))
    finished, diverged = Outcome.FINISHED, Outcome.DIVERGED
    assert by_seed == [("0", finished, 2), ("1", finished, 1), ("3", finished, 1), ("4", diverged, 1)]


def test_a_searchs_trial_is_no_other_trial_of_its_configuration(store, spool):
    """Each counts by itself, so that a result of the one is no reason to drop that of the other."""
    store.fault = raising(DOWN)
    with Writer(store, spool) as writer:
        for number in range(2):
            drawn = replace(start(0), rules="random", cell=f"trial={number}")
            attempt = writer.begin("drawn", drawn, {})
            writer.finish(attempt, TrialEnd(Outcome.FINISHED), {}, [], {})
    store.fault = Store.fault
    with Writer(store, spool) as writer:
        trial(writer, 0)  # of a grid, with the same fingerprint
        assert writer.drained(60)
    assert recover(store, spool, store.runs("suite")) == 2
    assert len(store.runs("suite")) == 3 and record.superseded(store.runs("suite")) == []


def test_what_a_result_supersedes_is_tagged_with_it_and_what_it_does_not_is_not(store, spool):
    with Writer(store, spool) as writer:
        trial(writer, 0, Outcome.CRASHED)
        trial(writer, 1)
        until(lambda: writer.drained(0.1))
    with Writer(store, spool, holder=2) as writer:
        writer.knows(store.runs("suite"))
        trial(writer, 0)  # the attempt that failed is repeated
        trial(writer, 1, Outcome.CRASHED)  # and what has a result stays as it is
        trial(writer, 2)
        until(lambda: writer.drained(0.1))
    tagged = {(record.seed(run), record.outcome(run)) for run in store.runs("suite") if record.is_superseded(run)}
    assert tagged == {("0", Outcome.CRASHED), ("1", Outcome.CRASHED)} and record.superseded(store.runs("suite")) == []


def test_a_result_that_can_no_longer_be_read_from_disk_is_no_result(store, spool):
    store.fault = raising(DOWN)
    with Writer(store, spool) as writer:
        attempt = trial(writer, 0)
        until(lambda: writer.look() or spool.ids())
        spool.path(attempt).write_bytes(b"no archive")
        store.fault = Store.fault
        assert writer.drained(60)
    (run,) = store.runs("suite")
    assert record.outcome(run) is Outcome.INTERRUPTED and "can no longer be read" in record.message(run)


def test_a_mistake_in_the_writing_is_raised_where_one_can_see_it(store, spool):
    store.fault = raising(ZeroDivisionError("a mistake"))
    with Writer(store, spool) as writer:
        trial(writer, 0)
        with pytest.raises(ZeroDivisionError):
            writer.drained(60)
    assert len(spool.ids()) == 1


@settings(max_examples=30, deadline=None)
@given(faults=st.lists(st.sampled_from(["well", "before", "after"]), max_size=20), ended=st.integers(0, 8))
def test_each_result_is_finished_once_whatever_fails_and_when_it_is_killed(tmp_path_factory, faults, ended):
    """ended: after how many answers the run is ended, as by a kill; then the next one goes on."""
    folder = tmp_path_factory.mktemp("store")
    store, spool = Store(folder), Spool(folder.as_uri(), "suite")
    store.open("suite", {})
    schedule, answers = list(faults), []

    def fault() -> None:
        answers.append(schedule.pop(0) if schedule else "well")
        if answers[-1] == "before":
            raise DOWN

    def after() -> None:
        if answers[-1] == "after":  # it was done, and the answer was lost
            raise DOWN

    store.fault, store.after = fault, after
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "PAUSES", (0.001,))
        with Writer(store, spool) as writer:
            for seed in range(3):
                trial(writer, seed)
            until(lambda: len(answers) >= ended or writer.drained(0.001))
        writer._thread.join(60)
        store.fault = store.after = Store.fault
        recover(store, spool, store.runs("suite"))
    counted = [run for run in store.runs("suite") if run.status == "FINISHED"]
    assert sorted(record.seed(run) for run in counted) == ["0", "1", "2"]
    assert all(whole(store, run) for run in counted) and not spool.ids()
