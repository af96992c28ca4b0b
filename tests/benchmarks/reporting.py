"""`bench report` on 10,000 stored runs, every cell in a table and tested, against reading them and taking mean ± SD alone."""

import os
import random
import sqlite3
import subprocess
import sys
import uuid
from functools import partial
from math import comb
from pathlib import Path

from harness import Row, in_turn, seconds
from running import workplace

ROUNDS = 5
SEEDS = 5
LEVELS = ((50, 10, 4), (20, 10, 10))
"""Tables, rows of each, columns of each: as reports have them, and with many columns, all pairs of which are compared."""
METRICS = (
    *(f"{split}/{what}" for split in ("train", "val", "test") for what in ("loss", "accuracy")),
    *(f"test/class_accuracy/class{i}" for i in range(10)),
    "wall_clock", "images_per_second", "epochs", "best_epoch",
)  # fmt: skip
PLAIN = """
import sys, mlflow
mlflow.set_tracking_uri(sys.argv[1])
runs = mlflow.search_runs(experiment_names=["stored"], max_results=50_000)
axes = [f"tags.axis.{axis}" for axis in ("part", "noise", "model")]
print(runs.groupby(axes)["metrics.val/accuracy"].agg(["mean", "std"]).unstack().to_markdown())
"""


def measure(rounds: int, smoke: bool) -> list[Row]:
    return [_row(levels, rounds) for levels in (((2, 3, 3),) if smoke else LEVELS)]


def _row(levels: tuple[int, int, int], rounds: int) -> Row:
    with workplace() as folder:
        (folder / "stored.yaml").write_text(_suite(levels), encoding="utf-8")
        count = _store(folder)
        uri = f"sqlite:///{folder / 'mlflow.db'}"
        report = [str(Path(sys.executable).parent / "bench"), "report", "stored.yaml"]
        arms = {
            "report": partial(seconds, partial(_run, report, folder)),
            "plain": partial(seconds, partial(_run, [sys.executable, "-c", PLAIN, uri], folder)),
        }
        found = in_turn(rounds, arms)
    tests = levels[0] * (levels[1] * comb(levels[2], 2) + levels[2] * comb(levels[1], 2))
    title = f"`bench report` on {count:,} runs: {levels[0]} tables of {levels[1]} x {levels[2]} cells, {tests:,} tests"
    baseline = "`mlflow.search_runs`, then pandas' mean and std"
    return Row(title, "s", found["report"], baseline, found["plain"], goal=5.0)


def _suite(levels: tuple[int, int, int]) -> str:
    parts, rows, columns = ([f"{letter}{i}" for i in range(n)] for letter, n in zip("prc", levels, strict=True))
    lines = ["suite: stored", "title: Many runs", "data: {source: digits}", f"seeds: {SEEDS}"]
    lines += ["base: {model: {name: simple_cnn}, train: {epochs: 1, optimizer: {name: sgd}}}", "stages:", "  grid:", "    axes:"]
    for axis, path, labels in (
        ("part", "train.optimizer.lr", parts), ("noise", "data.noise.variance", rows), ("model", "model.head.dropout", columns)
    ):  # fmt: skip
        values = ", ".join(f"{label}: {round(0.01 * (i + 1), 2)}" for i, label in enumerate(labels))
        lines.append(f"      {axis}: {{path: {path}, levels: {{{values}}}}}")
    lines.append("tables:")
    for part in parts:
        lines.append(f"  {part}: {{stage: grid, rows: noise, columns: model, values: val/accuracy, where: {{part: {part}}}}}")
    lines.append("claims:")
    for part in parts:
        lines.append(f"  {part}: {{says: it matters, metric: val/accuracy, stage: grid, margin: 0.01,")
        lines.append(f"    of: {{part: {part}, noise: r0, model: c0}}, higher_than: {{model: c1}}}}")
    return "\n".join(lines) + "\n"


def _store(folder: Path) -> int:
    """Fill a database with a finished run for every trial; return how many. MLflow itself would take minutes."""
    from bench.runner.planner import make_plan
    from bench.suite.load import load_suite
    from bench.trackers import open_tracker

    suite = load_suite(folder / "stored.yaml")
    trials = make_plan(suite, []).trials
    open_tracker(f"sqlite:///{folder / 'mlflow.db'}").open(suite.experiment, {})
    draw = random.Random(1)
    runs, tags, metrics = [], [], []
    with sqlite3.connect(folder / "mlflow.db") as database:
        ((experiment,),) = database.execute("SELECT experiment_id FROM experiments WHERE name = 'stored'").fetchall()
        for number, trial in enumerate(trials):
            key = uuid.UUID(int=draw.getrandbits(128)).hex
            at = 1_700_000_000_000 + 1000 * number
            artifacts = f"{folder}/mlruns/{experiment}/{key}/artifacts"
            runs.append((key, f"run {number}", "LOCAL", "someone", "FINISHED", at, at + 900, "active", artifacts, experiment))
            told = {
                "fingerprint": trial.fingerprint, "outcome": "finished", "stage": "grid", "seed": str(trial.seed),
                "cell": trial.cell.name, "suite": "stored", "profile": "default", "device": "CPU", "workers": "2", "threads": "1",
                **{f"axis.{axis}": label for axis, label in trial.cell.labels.items()},
            }  # fmt: skip
            tags += [(name, value, key) for name, value in told.items()]
            metrics += [(name, draw.gauss(0.9, 0.01), at, 0, 0, key) for name in METRICS]
        columns = (
            "run_uuid, name, source_type, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri, experiment_id"
        )
        database.executemany(f"INSERT INTO runs ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", runs)
        database.executemany("INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", tags)
        for table in ("latest_metrics", "metrics"):
            columns = "key, value, timestamp, step, is_nan, run_uuid"
            database.executemany(f"INSERT INTO {table} ({columns}) VALUES (?, ?, ?, ?, ?, ?)", metrics)
    return len(trials)


def _run(command: list[str], folder: Path) -> None:
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}  # no network on either side
    environment.pop("MLFLOW_TRACKING_URI", None)
    subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
