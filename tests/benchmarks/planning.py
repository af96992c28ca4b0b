"""Reading, checking, expanding and fingerprinting 100,000 cells, against doing all of it cell by cell."""

import copy
import gc
import hashlib
import json
import tempfile
from functools import partial
from itertools import product
from pathlib import Path

import yaml
from harness import Row, in_turn, seconds

ROUNDS = 5
LEVELS, SAMPLE = 10, 2000

MIXED = {
    "noise": ("data.noise.variance", 0.01),
    "images": ("data.subset.train", 100),
    "dropout": ("model.head.dropout", 0.05),
    "lr": ("train.optimizer.lr", 0.01),
    "batch": ("train.batch_size", 8),
}
"""axis → setting and step: level i is (i + 1) steps."""
ALL_IN_TRAIN = {
    "lr": ("train.optimizer.lr", 0.01),
    "momentum": ("train.optimizer.momentum", 0.05),
    "decay": ("train.optimizer.weight_decay", 0.0001),
    "smoothing": ("train.label_smoothing", 0.05),
    "batch": ("train.batch_size", 8),
}
"""The worst case: no two cells share their `train` section."""


def measure(rounds: int, smoke: bool) -> list[Row]:
    levels = 3 if smoke else LEVELS
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for axes, title, goal in ((MIXED, "axes in data, model and train", 1.0), (ALL_IN_TRAIN, "all axes in train", None)):
            path = Path(folder, "generated.yaml")
            path.write_text(_suite(axes, levels), encoding="utf-8")
            cells = levels ** len(axes)
            _ours(path, cells)  # imports, and pydantic's validators
            found = in_turn(
                rounds, {"ours": partial(_timed, _ours, path, cells), "naive": partial(_timed, _naive, path, axes, cells)}
            )
            scale = cells / len(_sample(levels, axes))
            rows.append(
                Row(
                    f"plan of {cells:,} cells, {title}",
                    "s",
                    found["ours"],
                    f"deep copy, pydantic and JSON hash a cell (of {len(_sample(levels, axes)):,}, scaled up)",
                    [value * scale for value in found["naive"]],
                    goal=goal,
                )
            )
    return rows


def _suite(axes: dict[str, tuple[str, float]], levels: int) -> str:
    return yaml.safe_dump(
        {
            "suite": "generated",
            "title": "A large grid",
            "data": {"source": "digits"},
            "base": {
                "model": {"name": "simple_cnn"},
                "train": {"epochs": 1, "optimizer": {"name": "sgd", "momentum": 0.9}},
            },
            "seeds": 1,
            "stages": {
                "grid": {
                    "axes": {
                        name: {"path": path, "values": [round(step * (i + 1), 9) for i in range(levels)]}
                        for name, (path, step) in axes.items()
                    }
                }
            },
        }
    )


def _timed(run, *arguments) -> float:
    gc.collect()  # what the other arm left behind
    return seconds(partial(run, *arguments))


def _ours(path: Path, cells: int) -> None:
    from bench.runner.planner import make_plan
    from bench.suite.load import load_suite

    plan = make_plan(load_suite(path), [])
    if len(plan.todo()) != cells:
        raise AssertionError(f"{len(plan.todo())} jobs for {cells} cells")


def _sample(levels: int, axes: dict) -> list[tuple[int, ...]]:
    """Return level numbers of at most SAMPLE cells, spread evenly over the grid."""
    every = list(product(range(levels), repeat=len(axes)))
    return every[:: max(1, len(every) // SAMPLE)]


def _naive(path: Path, axes: dict[str, tuple[str, float]], cells: int) -> None:
    from bench.config import TrialConfig

    suite = yaml.safe_load(path.read_text(encoding="utf-8"))
    base = {"data": suite["data"], **suite["base"]}
    grid = suite["stages"]["grid"]["axes"]
    hashes = set()
    sample = _sample(round(cells ** (1 / len(axes))), axes)
    for choice in sample:
        config = copy.deepcopy(base)
        for axis, level in zip(grid.values(), choice, strict=True):
            *parents, last = axis["path"].split(".")
            section = config
            for key in parents:
                section = section.setdefault(key, {})
            section[last] = axis["values"][level]
        said = TrialConfig.model_validate(config).model_dump(mode="json")
        hashes.add(hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest())
    if len(hashes) != len(sample):
        raise AssertionError("two cells have one hash")
