"""A study of models and noises with all that its trials store, and the makers of its figures."""

import io
import json
import math
import warnings
from functools import partial

import numpy as np
import pytest
from pydantic import TypeAdapter

from bench.grammar.stages import Search
from bench.reports.figures.base import FigureSource
from bench.reports.figures.build import build
from bench.reports.figures.kinds import Figure as Spec
from bench.reports.records.arms import Records
from bench.reports.records.collect import collect
from bench.reports.tables.build import build as build_table
from bench.runner.search import importances as of_search

SEARCH = Search(space={"lr": {"path": "train.optimizer.lr", "low": 0.001, "high": 1.0}}, trials=10)
CLASSES = ("cat", "dog", "class10", "class9")
KINDS = {
    "dots": {"kind": "dots", "table": "t"},
    "boxes": {"kind": "boxes", "table": "t"},
    "forest": {"kind": "forest", "table": "t"},
    "ranks": {"kind": "critical-difference", "table": "t"},
    "curves": {"kind": "curves", "stage": "accuracy", "lines": "model", "panels": "noise"},
    "classes": {"kind": "classes", "stage": "accuracy", "bars": "model", "panels": "noise"},
    "trials": {"kind": "trials", "stage": "search", "panels": "model"},
    "scatter": {"kind": "scatter", "stage": "accuracy", "x": "epochs", "y": "val/accuracy", "panels": "model"},
    "along": {"kind": "along", "stage": "accuracy", "metric": "val/accuracy", "axis": "noise", "lines": "model"},
    "pareto": {"kind": "pareto", "stage": "accuracy", "x": "wall_clock", "y": "val/accuracy", "panels": "noise"},
    "importances": {"kind": "importances", "stage": "search", "panels": "model"},
    "confusion": {"kind": "confusion", "stage": "accuracy", "panels": ["model", "noise"]},
    "images": {"kind": "images", "stage": "accuracy", "rows": "model", "panels": "noise"},
}


@pytest.fixture(params=KINDS)
def kind(request):
    """Every kind of figure in turn."""
    return request.param


def importances(search, stage, runs):
    return of_search(search, runs)


class Store:
    """What a tracker would give back, held in memory."""

    def __init__(self):
        self.curves: dict[str, dict[str, list[tuple[int, float]]]] = {}
        self.files: dict[tuple[str, str], bytes] = {}

    def histories(self, run_ids, metrics):
        found = {one: {m: values for m, values in self.curves.get(one, {}).items() if m in metrics} for one in run_ids}
        return {run_id: curves for run_id, curves in found.items() if curves}

    def artifact(self, run_id, name):
        return self.files.get((run_id, name))

    def unreachable(self, run_id):
        return ""


def pictures(seed):
    """Return stored images that look the same whatever the model and the noise."""
    buffer = io.BytesIO()
    random = np.random.default_rng(seed)
    np.savez(buffer, **{version: random.integers(0, 256, (3, 4, 5, 3), np.uint8) for version in ("clean", "noisy", "denoised")})
    return buffer.getvalue()


def searched(make, store, planned, runs, model, count, failed):
    """Add a search of one model: every third trial is pruned, after one epoch."""
    for number in range(count):
        trial = make.expected(stage="search", model=model, trial=str(number))
        planned.append(trial)
        outcome = failed(model, "", number)
        if outcome == "missing":
            continue
        if outcome:
            runs.append(make.run(trial, status="FAILED", outcome=outcome))
            continue
        pruned = number % 3 == 2
        top = 0.8 - 0.02 * number
        curves = {"val/accuracy": [(epoch, top - 0.3 / epoch) for epoch in range(1, 2 if pruned else 6)]}
        curves["train/accuracy"] = [(epoch, value + 0.05) for epoch, value in curves["val/accuracy"]]
        tags = {"search.lr": f"{0.01 * (number + 1):.2f}"}
        runs.append(
            make.run(trial, outcome="pruned" if pruned else "finished", tags=tags, val__accuracy=curves["val/accuracy"][-1][1])
        )
        store.curves[runs[-1].run_id] = curves


@pytest.fixture
def study_of(make):
    """Return a maker of (records, store): a stage of models and noises, all seeds finished but those that `failed` names."""

    def made(models=("simple", "complex"), noises=("0", "0.04"), seeds=3, failed=lambda model, noise, seed: ""):
        planned, runs, store = [], [], Store()
        for i, noise in enumerate(noises):
            for j, model in enumerate(models):
                for seed in range(seeds):
                    trial = make.expected(noise=noise, model=model, seed=seed)
                    planned.append(trial)
                    outcome = failed(model, noise, seed)
                    if outcome == "missing":
                        continue
                    if outcome:
                        runs.append(make.run(trial, status="FAILED", outcome=outcome))
                        continue
                    accuracy = 0.6 - 0.1 * i + 0.05 * j + 0.01 * math.sin(7 * seed + 3 * j + i)
                    by_class = {f"test__class_accuracy__{name}": accuracy - 0.05 * k for k, name in enumerate(CLASSES)}
                    epochs = 5.0 + i + 2 * j + seed % 2
                    times = {"wall_clock": 60.0 * (j + 1) + seed + i, "epochs": epochs}
                    run = make.run(trial, val__accuracy=accuracy, **times, **by_class)
                    runs.append(run)
                    values = [accuracy * (1 - 0.5**epoch) + 0.001 * seed for epoch in range(1, 6)]
                    losses = [2 * (1 - value) for value in values]
                    store.curves[run.run_id] = {
                        "val/accuracy": list(enumerate(values, start=1)),
                        "train/loss": list(enumerate(losses, start=1)),
                    }
                    counts = [[6 + seed if a == b else b for b in range(4)] for a in range(4)]
                    told = {"classes": CLASSES, "test": counts, "val": counts}
                    store.files[run.run_id, "confusion.json"] = json.dumps(told).encode()
                    store.files[run.run_id, "images.npz"] = pictures(seed)
        for model in models:
            searched(make, store, planned, runs, model, 2 + seeds, failed)
        return collect(planned, runs), store

    return made


@pytest.fixture
def drawn(make):
    """Return a maker of figures: drawn(kind, records, store, …, **changes of its spec), None taking a part out of it."""

    def made(kind, records, store=None, claims=(), table=(), **changes):
        values = [{"metric": "val/accuracy", "unit": "%"}, "wall_clock"]
        tables = [build_table(make.spec(**({"values": values} | dict(table))), Records(records), "t")]
        told = {key: value for key, value in (KINDS[kind] | changes).items() if value is not None}
        source = FigureSource(records, tables, claims, store, partial(importances, SEARCH))
        return build(kind, TypeAdapter(Spec).validate_python(told), source)

    return made


@pytest.fixture
def by_seed():
    """Return a metric of the trials with some labels, seed → value."""

    def found(records, metric="val/accuracy", **labels):
        return {r.seed: r.value(metric) for r in records if labels.items() <= r.labels.items() and r.value(metric) is not None}

    return found


@pytest.fixture
def silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
