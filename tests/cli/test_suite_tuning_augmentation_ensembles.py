"""The suite of report 003: its quick profile from a fresh folder to the tables."""

import io
import re
from collections import defaultdict
from statistics import fmean

import numpy as np
import pytest
import yaml

from bench.suite.load import load_suite
from bench.trackers import open_tracker

MODELS = ("custom", "mobilenet", "mobilenet-random")
VOTERS = 3 * (3 + 3) + 6
"""Of one seed: both steps of the sweep for three networks, and the augmentations."""


@pytest.mark.timeout(3600)  # a minute or two on two idle cores
def test_the_quick_profile(bench, root):
    path = root / "suites" / "tuning_augmentation_ensembles.yaml"
    answer = bench("run", str(path), "--profile", "quick")
    assert answer.code == 0, answer.err
    assert "warning" not in answer.out
    shape = re.sub(r"(?<=.\|)\d+(\.\d+)?(?=\|)", "#", answer.shape)  # the ensembles of all seeds have no ± SD
    answer.has_shape("tuning_augmentation_ensembles", shape)
    runs = bench.runs("tuning_augmentation_ensembles.quick")
    assert {run.status for run in runs} == {"FINISHED"}
    stages = defaultdict(lambda: defaultdict(list))
    for run in runs:
        stages[run.tags["stage"]][run.tags["cell"]].append(run)

    declared = load_suite(path, profile="quick").all_cells
    for model in MODELS:
        rate, _ = best_of(declared["tuning-lr"], stages["tuning-lr"], model)
        dropout, dropouts = best_of(declared["tuning-dropout"], stages["tuning-dropout"], model)
        for stage, before, cells in (
            ("tuning-dropout", f"tuning-lr: {rate}", dropouts),
            ("batch", f"tuning-lr: {rate}", ["batch=16", "batch=32"]),
            ("l2", f"tuning-dropout: {dropout}", ["l2=0", "l2=1"]),
        ):
            for cell in cells:
                name = cell if cell.startswith("model=") else f"model={model}, {cell}"
                assert {run.tags["start"] for run in stages[stage][name]} == {before}, "each step starts from the best before it"
    origins = {run.tags.get("weights") for run in runs if run.tags.get("axis.model") == "mobilenet"}
    assert origins == {"pretraining: task=turned, seed 0"}
    assert all("start" in run.tags for found in stages["augmentation"].values() for run in found)
    assert not stages["tuned"], "the best have run already, without a penalty"
    for stage, seeds in (("tuning-lr", "012"), ("tuning-dropout", "012"), ("batch", "345"), ("l2", "345"), ("single", "678")):
        assert {run.tags["seed"] for found in stages[stage].values() for run in found} == set(seeds), "what chose does not test"

    best, _ = best_of(declared["tuning-dropout"], stages["tuning-dropout"])
    unpenalised = stages["l2"][f"{best.partition(',')[0]}, l2=0"]  # the augmentation `none`
    voters = [run for stage in stages for found in stages[stage].values() for run in found]
    voters = [run for run in voters if run.tags["stage"].startswith("tuning-") or run.tags["stage"] == "augmentation"]
    voters += unpenalised
    assert len(voters) == 3 * VOTERS
    check_votes(bench, stages["ensembles"], voters)


def best_of(cells, runs, model: str = "") -> tuple[str, list[str]]:
    """Return the best cell of a stage on validation (of one network, or of all), and the names of all these cells."""
    names = [cell.name for cell in cells if model in ("", cell.labels["model"])]
    return first_of_the_best({name: [run.metrics["val/accuracy"] for run in runs[name]] for name in names}), names


def first_of_the_best(values: dict[str, list[float]]) -> str:
    """Return the cell with the highest mean over seeds, the first of those that differ by no more than rounding."""
    means = {cell: fmean(found) for cell, found in values.items()}
    highest = max(means.values())
    return next(cell for cell, mean in means.items() if highest - mean <= 1e-9 * highest)


def check_votes(bench, ensembles, voters) -> None:
    """Take every vote again, member by member and image by image. Which of equals on validation vote is not checked here."""
    tracker = open_tracker(f"sqlite:///{bench.folder}/mlflow.db")
    accuracies = {run.run_id: run.metrics["val/accuracy"] for run in voters}
    stored = {run: np.load(io.BytesIO(tracker.artifact(run, "predictions.npz"))) for run in accuracies}
    probabilities = {run: arrays["test/probabilities"].astype(float) for run, arrays in stored.items()}
    targets = stored[voters[0].run_id]["test/targets"]
    assert len(ensembles) == 6
    for cell, (run,) in ensembles.items():
        share = float(run.tags["axis.share"])
        chosen = [member["run"] for member in yaml.safe_load(tracker.artifact(run.run_id, "members.yaml"))["members"]]
        assert len(set(chosen)) == len(chosen) == round(share * len(voters)), cell
        assert run.tags["members"] == f"{len(chosen)} of {3 * VOTERS}", cell
        left_out = [accuracy for voter, accuracy in accuracies.items() if voter not in chosen]
        assert min(accuracies[voter] for voter in chosen) >= max(left_out, default=0), cell
        members = [probabilities[voter] for voter in chosen]
        right = 0
        for image, target in enumerate(targets):
            means = [fmean(member[image][label] for member in members) for label in range(10)]
            counts = [sum(int(np.argmax(member[image])) == label for member in members) for label in range(10)]
            ranks = list(zip(counts, means, strict=True)) if run.tags["axis.vote"] == "hard" else means
            right += max(range(10), key=ranks.__getitem__) == target
        assert abs(run.metrics["test/accuracy"] - right / len(targets)) < 1e-9, cell
