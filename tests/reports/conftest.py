"""A small study as the runner would plan and store it: two models, three noise levels, five seeds, some trouble."""

from types import SimpleNamespace

import pytest

from bench.suite.schema import Table
from reports import Expected, collect
from trackers import StoredRun

START = 1_772_000_000.0
CONDITIONS = {"device": "Example CPU", "workers": "2", "threads": "1"}


def expected(stage="accuracy", seed=0, unavailable="", **labels) -> Expected:
    """A planned trial; axis names are keywords."""
    name = " ".join([stage, *labels.values(), str(seed)])
    return Expected(stage, labels, seed, f"fingerprint of {name}", unavailable)


def run(trial: Expected, status="FINISHED", outcome="finished", start=START, tags=(), **metrics) -> StoredRun:
    """A stored run of a trial. In metric names `__` stands for a slash."""
    told = {"fingerprint": trial.fingerprint, "outcome": outcome, "commit": "0123abc", "versions": "torch 2.15, timm 1.0"}
    values = {name.replace("__", "/"): value for name, value in metrics.items()}
    return StoredRun(f"run of {trial.fingerprint}", status, told | CONDITIONS | dict(tags), values, start, start + 60)


def spec(**changes) -> Table:
    """The table noise x model of validation accuracy."""
    given = {"title": "Accuracy", "stage": "accuracy", "rows": "noise", "columns": "model", "values": ["val/accuracy"]}
    return Table.model_validate(given | changes)


@pytest.fixture
def study():
    """Return (tables, records)."""
    accuracy = {
        ("0", "simple"): [0.912, 0.905, 0.921, 0.908, 0.916],
        ("0", "complex"): [0.900, 0.896, 0.906, 0.901, 0.905],
        ("0.01", "simple"): [0.882, 0.871, 0.893, 0.880, 0.879],
        ("0.01", "complex"): [0.861, 0.872, 0.858, 0.866, 0.870],
        ("0.04", "simple"): [0.801, 0.794, None, 0.806, 0.790],
        ("0.04", "complex"): [0.790, 0.771, 0.782, None, None],
    }
    planned, runs = [], []
    for (noise, model), values in accuracy.items():
        for seed, value in enumerate(values):
            trial = expected(noise=noise, model=model, seed=seed)
            planned.append(trial)
            tags = {"device": "Other GPU"} if (noise, model, seed) == ("0.01", "complex", 4) else {}
            if value is not None:
                seconds = 120 + 3.5 * seed if model == "simple" else 840 + 60 * float(noise) - 7 * seed**2
                at = START + 100 * len(runs)
                runs.append(run(trial, start=at, tags=tags, val__accuracy=value, wall_clock=seconds))
            elif model == "simple":
                tags = {"message": "loss 1e9 after epoch 2 | over 100 × ln(10)"}
                runs.append(run(trial, status="FAILED", outcome="diverged", tags=tags))
    for seed in range(5):
        reason = "weights of resnet50 are not in the local cache"
        planned += [expected(noise=noise, model="pretrained_50%", seed=seed, unavailable=reason) for noise in ("0", "0.01")]
    tables = {
        "table1": spec(
            title="Table 1. Models on clean & noisy images",
            values=[{"metric": "val/accuracy", "unit": "%"}, {"metric": "wall_clock", "unit": "min"}],
            published={
                "val/accuracy": {"0": {"simple": 64.9, "complex": 60.2}, "0.04": {"pretrained_50%": 71}},
                "wall_clock": {"0": {"simple": 2.5}},
            },
        )
    }
    return tables, collect(planned, runs)


@pytest.fixture
def make():
    """Return the makers of single pieces: make.expected, make.run, make.spec."""
    return SimpleNamespace(expected=expected, run=run, spec=spec)


@pytest.fixture
def finished(study):
    """Return (tables, records) of the part in which everything worked: clean images, two models."""
    tables, records = study
    kept = [r for r in records if r.labels["noise"] == "0" and r.labels["model"] in ("simple", "complex")]
    assert all(r.outcome == "finished" for r in kept)
    return tables, kept
