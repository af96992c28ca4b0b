"""The writer's thread, beside a process of its own that writes the same: how late the coordinator's loop wakes meanwhile, and how
long the writing takes."""

import multiprocessing
import os
import time
from pathlib import Path

from harness import Row, tell
from running import DATABASE, digits_suite, opened_tracker, workplace

ROUNDS = 3
TRIALS, EPOCHS = 60, 30
STEP = 0.001
"""Seconds for which the loop sleeps: what it takes longer is how late it wakes."""
BASELINE = "a process that writes the same"


def measure(rounds: int, smoke: bool) -> list[Row]:
    trials = 3 if smoke else TRIALS
    late: dict[str, list[float]] = {"thread": [], "process": []}
    whole: dict[str, list[float]] = {"thread": [], "process": []}
    quiet: list[float] = []
    for number in range(rounds):
        for arm, write in {"thread": _by_thread, "process": _by_process}.items():
            with workplace() as folder:
                os.environ["BENCH_STATE"] = str(folder / "state")
                suite = digits_suite(folder, trials=1, images=64, epochs=1)
                seconds, lateness = write(folder, suite, trials)
            late[arm].append(1000 * _quantile(lateness, 0.99))
            whole[arm].append(1000 * seconds / trials)
        began, quiet_lateness = time.perf_counter(), []
        while time.perf_counter() - began < (0.1 if smoke else 1.0):
            _wake(quiet_lateness)
        quiet.append(1000 * _quantile(quiet_lateness, 0.99))
        tell(f"  round {number + 1}/{rounds}: {late['thread'][-1]:.2f} ms late, {late['process'][-1]:.2f} with a process")
    note = f"99th percentile; {max(quiet):.2f} ms at most while nothing writes"
    return [
        Row(
            "how late the coordinator's loop wakes while results are written",
            "ms",
            late["thread"],
            BASELINE,
            late["process"],
            note=note,
        ),
        Row(
            f"writing a trial of {EPOCHS} epochs",
            "ms",
            whole["thread"],
            BASELINE,
            whole["process"],
            note="the process is up before; it takes the memory of another MLflow",
        ),
    ]


def _content() -> tuple[list[dict[str, float]], dict[str, float], dict[str, bytes]]:
    """Return the history, the metrics and the artifacts of a trial."""
    rows = [
        {"epoch": epoch, "seconds": 1.0, "train/loss": 1.0 / epoch, "val/loss": 1.1 / epoch, "val/accuracy": 1 - 1 / (epoch + 1)}
        for epoch in range(1, EPOCHS + 1)
    ]
    return rows, {"test/accuracy": 0.9, "test/loss": 0.3, "wall_clock": 30.0}, {"predictions.npz": b"0" * 100_000}


def _by_thread(folder: Path, suite, trials: int) -> tuple[float, list[float]]:
    """Return the seconds until the writer has written all, and how late the loop woke in that time."""
    from bench.runner.spool import Spool
    from bench.runner.writer import Writer
    from bench.trackers.record import Outcome, TrialEnd, TrialStart

    tracker = opened_tracker(folder, suite)
    _warm(tracker)
    rows, metrics, artifacts = _content()
    lateness: list[float] = []
    with Writer(tracker, Spool(tracker.uri, suite.experiment)) as writer:
        began = time.perf_counter()
        for number in range(trials):
            attempt = writer.begin(f"trial {number}", _start(TrialStart, number), {"lr": "0.1"})
            writer.finish(attempt, TrialEnd(Outcome.FINISHED, ""), metrics, rows, artifacts)
        while not writer.drained(0.0):
            _wake(lateness)
        return time.perf_counter() - began, lateness


def _by_process(folder: Path, suite, trials: int) -> tuple[float, list[float]]:
    """Likewise by a process that is told each trial through a queue."""
    from bench.trackers.record import Outcome, TrialEnd, TrialStart

    tracker = opened_tracker(folder, suite)
    context = multiprocessing.get_context("spawn")
    queue, ready, done = context.SimpleQueue(), context.Event(), context.Event()
    process = context.Process(target=_write, args=(f"sqlite:///{folder / DATABASE}", suite.experiment, queue, ready, done))
    process.start()
    ready.wait()
    rows, metrics, artifacts = _content()
    end, lateness = TrialEnd(Outcome.FINISHED, ""), []
    began = time.perf_counter()
    for number in range(trials):
        start = _start(TrialStart, number)
        queue.put((f"trial {number}", start.tags(), {"lr": "0.1"}, end.tags(), metrics, rows, artifacts))
    queue.put(None)
    while not done.is_set():
        _wake(lateness)
    seconds = time.perf_counter() - began
    process.join()
    del tracker
    return seconds, lateness


def _write(uri: str, experiment: str, queue, ready, done) -> None:
    """The process: write what comes until nothing more comes."""
    from bench.trackers import open_tracker

    tracker = open_tracker(uri)
    tracker.open(experiment, {})
    _warm(tracker)
    ready.set()
    while (trial := queue.get()) is not None:
        name, tags, params, end, metrics, rows, artifacts = trial
        run_id = tracker.start(name, tags, params)
        tracker.finish(run_id, status="FINISHED", tags=end, metrics=metrics, history=rows, artifacts=artifacts, ended=time.time())
    done.set()


def _warm(tracker) -> None:
    """Let MLflow import what it writes with."""
    rows, metrics, artifacts = _content()
    run_id = tracker.start("warm", {}, {})
    tracker.finish(run_id, status="FINISHED", tags={}, metrics=metrics, history=rows, artifacts=artifacts, ended=time.time())


def _start(kind, number: int):
    """Return what is known of a trial when it begins."""
    texts = dict.fromkeys(("suite", "profile", "stage", "cell", "seeds", "device", "precision", "commit", "coordinator"), "x")
    return kind(
        **texts, labels={}, seed=number, fingerprint=f"{number:032d}", co_workers=1, threads=1, versions={}, source="x", user="x"
    )


def _wake(lateness: list[float]) -> None:
    began = time.perf_counter()
    time.sleep(STEP)
    lateness.append(time.perf_counter() - began - STEP)


def _quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
