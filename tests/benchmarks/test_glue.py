"""The arm of the product keeps its workers from run to run, and starts new ones where sections are to be timed."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # the measurements are scripts, not a package

from glue import product
from glue.clock import Clock

from bench.api.plan import opened
from bench.runner.executors import EXECUTORS, process
from bench.trackers.mlflow_tracker import MlflowTracker


@pytest.fixture
def clock(monkeypatch):
    """A clock that is off. What the arm replaces is put back, and what it keeps is ended."""
    monkeypatch.setitem(EXECUTORS, "local", EXECUTORS["local"])
    monkeypatch.setattr(process, "main", process.main)
    for name in product.TRACKER:
        monkeypatch.setattr(MlflowTracker, name, getattr(MlflowTracker, name))
    yield Clock()
    while product._KEPT:
        product._KEPT.pop().close()


def _processes(clock: Clock) -> list[int]:
    """Return the process ids of the workers of a run, which is over."""
    product._prepare(clock)
    with opened("local", 1, 1, "cpu", 1) as executor:
        executor.hello()
    return [worker.process.pid for worker in executor.workers if worker.process.is_alive()]


def test_runs_are_done_by_the_workers_of_the_first_until_sections_are_timed(clock):
    first = _processes(clock)
    assert len(first) == 1
    assert _processes(clock) == first
    untimed = product._KEPT[0]
    clock.start(True)
    timed = _processes(clock)
    assert len(timed) == 1 and timed != first
    assert all(worker.ended for worker in untimed.workers)
    assert _processes(clock) == timed
