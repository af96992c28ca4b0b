"""What recording costs: its share of a quick run, and beside MLflow's fluent API with a call for every number."""

import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from harness import ROOT, Row, seconds, tell
from running import DATABASE, digits_suite, opened_tracker, planned, run, workplace

ROUNDS = 3
SUITE, PROFILE = ROOT / "suites" / "noise_vs_complexity.yaml", "quick"
BASELINE = "MLflow's fluent API, a call a metric and epoch"


@dataclass
class Recorded:
    """All that one trial wrote."""

    name: str
    tags: dict[str, str]
    params: dict[str, str]
    history: list[dict[str, float]] = field(default_factory=list)
    end: dict = field(default_factory=dict)


class Recorder:
    """A tracker that passes everything on and remembers it."""

    def __init__(self, tracker):
        self.tracker, self.uri, self.histories = tracker, tracker.uri, tracker.histories
        self.trials: dict[str, Recorded] = {}

    def start(self, name, tags, params, began=None) -> str:
        run_id = self.tracker.start(name, tags, params, began)
        self.trials[run_id] = Recorded(name, tags, params)
        return run_id

    def log(self, run_id, history) -> None:
        self.tracker.log(run_id, history)
        self.trials[run_id].history += history

    def finish(self, run_id, **end) -> None:
        self.tracker.finish(run_id, **end)
        self.trials[run_id].history += end["history"]
        self.trials[run_id].end = end


def measure(rounds: int, smoke: bool) -> list[Row]:
    shares, fluent_shares, ours, theirs = [], [], [], []
    notes = []
    for number in range(rounds):
        with workplace() as folder:
            suite = _suite(folder, smoke)
            summary, trials, opening, workers = _recorded_run(folder, suite)
            mine = _replayed(_copied(folder, "ours"), suite, trials)
            fluent = _fluently(_copied(folder, "fluent"), trials)
        # the workers do not wait for the writing: what it costs them is the processor, which they fill
        spent = summary.seconds * workers
        shares.append(100 * summary.tracking / spent)
        fluent_shares.append(100 * fluent / spent)
        ours.append(1000 * mine / len(trials))
        theirs.append(1000 * fluent / len(trials))
        notes.append(
            f"{len(trials)} trials on {workers} workers in {summary.seconds:.1f} s, {1000 * summary.tracking / len(trials):.0f} "
            f"ms of processor time a trial, {opening:.1f} s to make the store (once in a folder, not in the share)"
        )
        tell(f"  round {number + 1}/{rounds}: share {shares[-1]:.2f} %, {ours[-1]:.1f} against {theirs[-1]:.1f} ms a trial")
    title = f"{suite.name}, profile {suite.profile}"
    return [
        Row(
            f"tracking, share of the processor time of {title}",
            "%",
            shares,
            BASELINE,
            fluent_shares,
            goal=1.0,
            note="; ".join(notes),
        ),
        Row("tracking a trial, nothing else running", "ms", ours, BASELINE, theirs, note="the same content written again"),
    ]


def _suite(folder: Path, smoke: bool):
    """Return the quick profile; in a smoke test, two small trials."""
    from bench.suite.load import load_suite

    if smoke:
        return digits_suite(folder, trials=2, images=64, epochs=2)
    return load_suite(SUITE, profile=PROFILE)


def _recorded_run(folder: Path, suite):
    """Run a suite as `bench run` does; return the summary, what was recorded, the seconds to make the store, the workers."""
    from bench.runner.executors import open_executor

    with open_executor("local", device="cpu") as executor:
        began = time.perf_counter()
        tracker = Recorder(opened_tracker(folder, suite))
        opening = time.perf_counter() - began
        summary = run(planned(suite, executor), tracker, executor)
        workers = len(executor.workers)
    return summary, list(tracker.trials.values()), opening, workers


def _copied(folder: Path, name: str) -> Path:
    """Return a new folder with a copy of the database: MLflow takes seconds to make one, and both arms get the same."""
    place = folder / name
    place.mkdir()
    shutil.copy(folder / DATABASE, place / DATABASE)
    return place


def _replayed(folder: Path, suite, trials: list[Recorded]) -> float:
    """Return the seconds that our tracker takes to write the trials again."""
    tracker = opened_tracker(folder, suite)

    def write() -> None:
        for trial in trials:
            run_id = tracker.start(trial.name, trial.tags, trial.params)
            tracker.finish(run_id, **{**trial.end, "history": trial.history})

    return seconds(write)


def _fluently(folder: Path, trials: list[Recorded]) -> float:
    """Return the seconds of writing the trials as MLflow's tutorials do it."""
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{folder / DATABASE}")
    mlflow.set_experiment("fluent")

    def write() -> None:
        for trial in trials:
            with mlflow.start_run(run_name=trial.name):
                mlflow.set_tags(trial.tags)
                mlflow.log_params(trial.params)
                for row in trial.history:
                    for name, value in row.items():
                        if name not in ("epoch", "seconds"):
                            mlflow.log_metric(name, value, step=int(row["epoch"]))
                for name, value in trial.end["metrics"].items():
                    mlflow.log_metric(name, value)
                mlflow.set_tags(trial.end["tags"])
                with tempfile.TemporaryDirectory() as files:
                    for name, content in trial.end["artifacts"].items():
                        Path(files, name).write_bytes(content)
                        mlflow.log_artifact(str(Path(files, name)))

    return seconds(write)
