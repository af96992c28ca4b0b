"""One coordinator at a time, in every store: whoever comes second is refused, waits, or takes over."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from bench.errors import BenchError
from bench.trackers import lease

QUICK = 3.0


@pytest.fixture(params=["server", "toy"])
def kind(request) -> str:
    """A SQLite file has a lock beside it, and is looked at in test_local.py."""
    return request.param


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setenv("BENCH_LEASE_SECONDS", str(QUICK))


@pytest.fixture
def silent(monkeypatch):
    """Lets leases that are taken from now on have no beat, as that of a process that is dead or stopped."""
    monkeypatch.setattr(lease.Lease, "_beat", lambda self: None)
    monkeypatch.setattr(lease.Lease, "release", lambda self: None)


def holding(tracker, experiment, **given):
    """Hold the experiment as `bench run` does: the number is known when it is open."""
    held = ExitStack()
    hold = held.enter_context(tracker.hold(experiment, **given))
    tracker.open(experiment, {})
    return hold, held


def test_the_second_is_refused_while_the_first_is_at_work(store, experiment):
    first, held = holding(store(), experiment)
    with held:
        with pytest.raises(BenchError, match=r"another `bench run` of this suite is at work \(process \d+ on ") as error:
            holding(store(), experiment)
        assert "--wait" in error.value.mend and "--take-over" in error.value.mend
        other, also = holding(store(), f"{experiment}-other")
        also.close()
    second, held = holding(store(), experiment)
    held.close()
    assert (first.number, second.number, other.number) == (1, 2, 1)
    assert not first.taken_over


def test_one_that_waits_goes_on_when_the_first_has_ended(store, experiment):
    _, held = holding(store(), experiment)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(holding, store(), experiment, wait=True)
        time.sleep(QUICK * 1.5)
        assert not waiting.done(), "the first one is at work"
        held.close()
        second, also = waiting.result()
    also.close()
    assert second.number == 2


def test_one_that_waits_asks_again_where_the_store_does_not_answer(store, experiment, monkeypatch, caplog):
    _, held = holding(store(), experiment)
    waits, outage = store(), threading.Event()
    read = lease.Lease.__init__

    def unsteady(self, book):
        """Let this lease's book be out of reach while the outage lasts."""
        read(self, book)
        for name in ("read", "write"):
            monkeypatch.setattr(book, name, _failing(getattr(book, name), outage))

    monkeypatch.setattr(lease.Lease, "__init__", unsteady)
    with ThreadPoolExecutor(1) as pool, caplog.at_level("WARNING", "bench"):
        waiting = pool.submit(holding, waits, experiment, wait=True)
        time.sleep(QUICK / 2)
        outage.set()
        time.sleep(QUICK)
        assert not waiting.done()
        held.close()
        outage.clear()
        second, also = waiting.result()
    also.close()
    assert second.number == 2
    assert [record.message for record in caplog.records] == ["the store is out of reach; this run goes on waiting"]


def _failing(ask, outage):
    def asked(*given):
        if outage.is_set():
            raise BenchError("the store is out of reach")
        return ask(*given)

    return asked


def test_one_without_a_beat_is_gone_after_a_time_of_the_observers_own_clock(store, experiment, silent):
    dead, _ = holding(store(), experiment)
    began = time.monotonic()
    second, _ = holding(store(), experiment)
    assert (dead.number, second.number) == (1, 2)
    assert time.monotonic() - began >= QUICK


def test_one_that_is_taken_over_finds_out(store, experiment):
    first, held = holding(store(), experiment)
    with held:
        second, also = holding(store(), experiment, take_over=True)
        with also:
            assert second.number == 2
            deadline = time.monotonic() + 60
            while not first.taken_over and time.monotonic() < deadline:
                time.sleep(0.1)
            assert "has taken this suite over" in first.taken_over
    third, held = holding(store(), experiment)
    held.close()
    assert third.number == 3, "the one that was taken over does not say that the other has ended"


def test_of_many_at_once_each_number_is_held_once(store, experiment, silent):
    trackers, barrier = [store() for _ in range(4)], threading.Barrier(4)

    def take(tracker):
        barrier.wait()
        return holding(tracker, experiment, take_over=True)[0].number

    with ThreadPoolExecutor(4) as pool:
        numbers = sorted(pool.map(take, trackers))
    assert len(set(numbers)) == 4


def test_an_entry_is_written_once(store, experiment, silent, monkeypatch):
    hold, _ = holding(store(), experiment)
    assert hold.book.write(1, hold.me) and not hold.book.write(1, json.dumps({"token": "another"}))
    assert hold.book.read().holder == hold.me


@pytest.mark.parametrize("given", ["soon", "0", "-1", "inf", "nan"])
def test_a_setting_that_is_no_time_is_refused(store, experiment, monkeypatch, given):
    monkeypatch.setenv("BENCH_LEASE_SECONDS", given)
    with pytest.raises(BenchError, match="is no number of seconds") as error:
        holding(store(), experiment)
    assert error.value.where == "BENCH_LEASE_SECONDS"
