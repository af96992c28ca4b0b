"""Suites run by the product's own parts, without its command line and display."""

import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

DATABASE = "mlflow.db"
DIGITS = """\
suite: digits
title: Equal trials on the handwritten digits
data: {{source: digits, subset: {{train: {images}, val: 100, test: 100}}}}
base: {{model: {{name: simple_cnn}}, train: {{epochs: {epochs}, optimizer: {{name: sgd, momentum: 0.9}}}}}}
seeds: {trials}
stages: {{main: {{axes: {{lr: {{path: train.optimizer.lr, values: [0.01]}}}}}}}}
"""


@contextmanager
def workplace() -> Iterator[Path]:
    """Work in an empty folder, where MLflow's default places for artifacts lie, too."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        yield Path(folder)


def digits_suite(folder: Path, *, trials: int, images: int, epochs: int):
    """Return a suite of equal trials, one a seed; `images` trained on in each epoch."""
    from bench.suite.load import load_suite

    path = folder / "digits.yaml"
    path.write_text(DIGITS.format(trials=trials, images=images, epochs=epochs), encoding="utf-8")
    return load_suite(path)


def opened_tracker(folder: Path, suite):
    """Return a tracker on a new database in the folder, ready for the suite's runs."""
    from bench.trackers import open_tracker

    tracker = open_tracker(f"sqlite:///{folder / DATABASE}")
    tracker.open(suite.experiment, {"suite": suite.name, "profile": suite.profile})
    return tracker


def planned(suite, executor):
    """Return the plan of the whole suite, checked and estimated as `bench run` does it."""
    from bench.runner.estimate import estimate
    from bench.runner.planner import make_plan
    from bench.runner.preflight import preflight

    plan = make_plan(suite, [])
    preflight(plan, executor)
    estimate(plan, executor)
    return plan


def run(plan, tracker, executor):
    """Run a plan and return the coordinator's summary. Raises RuntimeError where a trial did not finish."""
    from bench.api import Listener, Outcome
    from bench.runner.coordinator import Coordinator
    from bench.runner.spool import Spool
    from bench.runner.stored import Stored
    from bench.runner.writer import Writer

    with Writer(tracker, Spool(tracker.uri, plan.suite.experiment)) as writer:
        summary = Coordinator(plan, tracker, writer, executor, Listener(), Stored(tracker)).run()
    if set(summary.outcomes) != {Outcome.FINISHED}:
        raise RuntimeError(f"not all trials finished: {dict(summary.outcomes)}")
    return summary
