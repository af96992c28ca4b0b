"""A small study as the runner would plan and store it: two models, three noise levels, five seeds, some trouble."""

from types import SimpleNamespace
from urllib.parse import quote

import pytest

from bench.grammar.cells import Cell, Section
from bench.grammar.derived import Derived
from bench.grammar.schedule import Schedule
from bench.grammar.stages import Stage
from bench.reports.claims.base import ClaimContrast, Side
from bench.reports.claims.relations import RELATIONS, Claim
from bench.reports.claims.relations.along import slope_weights
from bench.reports.claims.rules import Rule
from bench.reports.records.arms import Arm
from bench.reports.records.collect import Expected, collect
from bench.reports.tables.grammar import Table
from bench.trackers import StoredRun
from tests.reports.assembling import assemble

START = 1_772_000_000.0
CONDITIONS = {"device": "Example CPU", "workers": "2", "threads": "1"}


def expected(stage="accuracy", seed=0, unavailable="", start="", **labels) -> Expected:
    """A planned trial; axis names are keywords."""
    name = " ".join([stage, *labels.values(), str(seed)])
    return Expected(stage, labels, seed, f"fingerprint of {name}", unavailable, start)


def run(trial: Expected, status="FINISHED", outcome="finished", start=START, tags=(), **metrics) -> StoredRun:
    """A stored run of a trial. In metric names `__` stands for a slash."""
    told = {"fingerprint": trial.fingerprint, "outcome": outcome, "commit": "0123abc", "versions": "torch 2.15, timm 1.0"}
    values = {name.replace("__", "/"): value for name, value in metrics.items()}
    return StoredRun(f"run of {trial.fingerprint}", status, told | CONDITIONS | dict(tags), values, start, start + 60)


def spec(**changes) -> Table:
    """The table noise x model of validation accuracy; None takes a part out of it."""
    given = {"title": "Accuracy", "stage": "accuracy", "rows": "noise", "columns": "model", "values": ["val/accuracy"]}
    return Table.model_validate({part: value for part, value in (given | changes).items() if value is not None})


def arm(records, **labels) -> Arm:
    """One side of a claim: all cells with these labels."""
    matches = {record.cell: record for record in records if labels.items() <= record.labels.items()}
    nothing = Section(None, "", "", str)
    cells = [Cell(record.stage, record.labels, nothing, nothing, nothing) for record in matches.values()]
    return Arm(records[0].stage, labels, tuple(cells))


def claim(*arms, **fields):
    """A claim of one contrast, as `assemble` takes it; higher_than where no relation is given."""
    given = {"says": "it is so", "stage": arms[0].stage, "metric": "val/accuracy", "of": dict(arms[0].labels)} | fields
    if not RELATIONS.keys() & given.keys():
        given["higher_than"] = dict(arms[1].labels)
    spec = Claim.model_validate(given)
    return spec, [contrast(spec, *arms)]


def contrast(spec, *arms, label="") -> ClaimContrast:
    """The contrast of two arms, of an arm divided by another with a number, or along three levels."""
    ratio = spec.metric == "wall_clock"
    if spec.relation.kind == "an axis":
        places = [0, 0.01, 0.04][: len(arms)]
        rule = Rule("beyond", spec.relation.sign)
        return ClaimContrast(label, tuple(map(Side, arms)), slope_weights(places), rule, text="noise=0 → 0.01 → 0.04")
    if not isinstance(spec.than, dict):
        first, second = arms
        return ClaimContrast(label, (Side(first, Side(second), "divided_by"),), (1.0,), spec.relation.rule, spec.than, ratio)
    return ClaimContrast(label, tuple(map(Side, arms)), (1.0, -1.0), spec.relation.rule, ratio=ratio)


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
    """Return the makers of single pieces: make.expected, make.run, make.spec, make.arm, make.claim."""
    return SimpleNamespace(expected=expected, run=run, spec=spec, arm=arm, claim=claim)


@pytest.fixture
def claimed(study):
    """Return the report on the study, with a claim for every verdict that its five seeds allow."""
    tables, records = study
    clean, noisy = ({m: arm(records, model=m, noise=n) for m in ("simple", "complex", "pretrained_50%")} for n in ("0", "0.01"))
    by_noise = [(n, arm(records, model="simple", noise=n), arm(records, model="complex", noise=n)) for n in ("0", "0.01", "0.04")]
    every, _ = claim(*by_noise[0][1:], says="On every noise level the naive CNN wins, by 1 % & more", each="noise")
    claims = {
        "simple-wins": (every, [contrast(every, left, right, label=f"noise={n}") for n, left, right in by_noise]),
        "same-when-noisy": claim(noisy["simple"], noisy["complex"], same_as={"model": "complex"}, margin=0.02),
        "close-when-clean": claim(clean["simple"], clean["complex"], same_as={"model": "complex"}, margin=0.05),
        "noise-hurts": claim(*(one for _, one, _ in by_noise), lower_along="noise"),
        "faster": claim(
            clean["simple"],
            clean["complex"],
            metric="wall_clock",
            of={"model": "simple", "divided_by": {"model": "complex"}},
            lower_than="1/7",
        ),
        "complex-wins": claim(clean["complex"], clean["simple"], says="the complex model is better"),
        "pretraining-helps": claim(clean["pretrained_50%"], clean["simple"]),
        "exact": claim(clean["simple"], clean["complex"], test="sign-flip"),
    }
    schedules = {"accuracy": Schedule([[0, 1, 2, 3, 4]], 0.05)}
    return assemble(
        "noise_vs_complexity",
        "The bigger, the better?",
        "default",
        tables,
        records,
        claims=claims,
        schedules=schedules,
        run_url=lambda run_id: f"http://127.0.0.1:5000/#/experiments/1/runs/{quote(run_id)}",
    )


CLASSES = ("bird", "cat", "plane", "ship")
GROUPS = {
    "animals": Derived(mean="test/class_accuracy", classes=["bird", "cat"]),
    "spread": Derived(sd="test/class_accuracy"),
    "gap": Derived(minus=["train/accuracy", "test/accuracy"]),
}


@pytest.fixture
def stages(make):
    """Return (tables, records, searches) of a study of more than grids: a search, an ensemble, another stage's weights."""
    planned, runs = [], []

    def ran(trial, **told):
        planned.append(trial)
        runs.append(make.run(trial, start=START + 100 * len(runs), **told))

    start = {"augmented": "tuning-lr: lr=0.05"}
    weights = {"combined": "pretraining: model=vgg, seed %d"}
    for i, method in enumerate(("unbalanced", "augmented", "combined")):
        for seed in range(4):
            classes = {
                one: 0.4 + 0.1 * k + 0.04 * i * (k < 2) + 0.01 * ((seed * (k + 2) + i) % 7) for k, one in enumerate(CLASSES)
            }
            told = {f"test__class_accuracy__{one}": value for one, value in classes.items()}
            told |= {
                "test__accuracy": sum(classes.values()) / 4,
                "train__accuracy": 0.9 + 0.004 * seed,
                "test__loss": 2.0 - 0.2 * i + 0.01 * (seed * (i + 2) % 5),
                "train__class_size__bird": 50.0,
            }
            told |= {"wall_clock": 60.0 + 10 * i + seed}
            tags = {"weights": weights[method] % seed} if method in weights else {}
            ran(make.expected(stage="improvement", method=method, seed=seed, start=start.get(method, "")), tags=tags, **told)
    for number in range(13):
        trial = make.expected(stage="tuning", trial=str(number))
        outcome = "diverged" if number == 4 else "pruned" if number % 3 else "finished"
        tags = {"search.lr": f"{0.001 * (number + 1):.3f}", "search.optimizer": "sgd", "outcome": outcome}
        told = (
            {}
            if outcome == "diverged"
            else {"val__accuracy": 0.5 + 0.01 * (number * 5 % 13), "epochs": 30 if not number % 3 else 2}
        )
        ran(trial, status="FAILED" if outcome == "diverged" else "FINISHED", tags=tags, **told)
    for i, share in enumerate(("10%", "100%")):
        for j, vote in enumerate(("soft", "hard")):
            members = {"members": f"{(2, 12)[i]} of 12"}
            ran(make.expected(stage="vote", share=share, vote=vote), tags=members, test__accuracy=0.93 - 0.01 * i + 0.002 * j)
    tables = {
        "by-class": Table.model_validate(
            {
                "title": "Accuracy of each class", "stage": "improvement", "rows": "class", "columns": "method",
                "values": {"metric": "test/class_accuracy/*", "unit": "%"},
                "also": {"animals": "animals", "total": "test/accuracy", "SD": "spread"}, "baseline": "unbalanced",
                "published": {"test/class_accuracy/*": {"cat": {"unbalanced": 16.2}, "total": {"combined": 72.14}}},
            }
        ),
        "by-metric": Table.model_validate(
            {
                "title": "Methods", "stage": "improvement", "rows": "method", "baseline": "unbalanced",
                "values": ["test/loss", {"metric": "test/accuracy", "unit": "%"}, "gap", "wall_clock"],
                "published": {"test/loss": {"augmented": 2.366}},
            }
        ),
        "votes": Table.model_validate(
            {"title": "Votes", "stage": "vote", "rows": "share", "columns": "vote", "values": "test/accuracy"}
        ),
    }  # fmt: skip
    space = {"lr": {"path": "train.optimizer.lr", "low": 0.001, "high": 0.1}, "optimizer": {"sgd": {}, "adam": {}}}
    search = Stage.model_validate({"title": "the learning rate", "search": {"space": space, "trials": 13}})
    return tables, collect(planned, runs, GROUPS), {"tuning": search}


@pytest.fixture
def varied(stages):
    """Return the report on the stages, and how it is assembled from tables and records."""
    tables, records, searches = stages
    return assemble("stages", "More than grids", "default", tables, records, searches=searches)


@pytest.fixture
def finished(study):
    """Return (tables, records) of the part in which everything worked: clean images, two models."""
    tables, records = study
    kept = [r for r in records if r.labels["noise"] == "0" and r.labels["model"] in ("simple", "complex")]
    assert all(r.outcome == "finished" for r in kept)
    return tables, kept
