"""The suite of report 003: its quick profile from a fresh folder to the tables."""

import io
import re
from collections import defaultdict
from statistics import fmean

import numpy as np

from bench.trackers import open_tracker

MODELS = ("custom", "mobilenet", "mobilenet-random")
VOTERS = 3 * (3 + 1 + 3 + 1) + 5
"""Of one seed: what each step of the sweep adds for three networks, and the augmentations beside none."""


def test_the_quick_profile(bench, root):
    answer = bench("run", str(root / "suites" / "tuning_augmentation_ensembles.yaml"), "--profile", "quick")
    assert answer.code == 0, answer.err
    assert "warning" not in answer.out
    shape = re.sub(r"(?<=.\|)\d+(\.\d+)?(?=\|)", "#", answer.shape)  # the ensembles of all seeds have no ± SD
    assert shape == (root / "tests" / "expected" / "cli" / "tuning_augmentation_ensembles.txt").read_text(encoding="utf-8")
    runs = bench.runs("tuning_augmentation_ensembles.quick")
    assert {run.status for run in runs} == {"FINISHED"}
    stages = defaultdict(lambda: defaultdict(list))
    for run in runs:
        stages[run.tags["stage"]][run.tags["cell"]].append(run)

    for model in MODELS:
        rates = {cell: found for cell, found in stages["tuning-lr"].items() if cell.startswith(f"model={model},")}
        best = max(rates, key=lambda cell: fmean(run.metrics["val/accuracy"] for run in rates[cell]))
        for batch in (32, 64):  # 16 is what the rates were tried with
            stage = "tuning-batch" if batch == 32 else "larger-batches"
            (start,) = {run.tags["start"] for run in stages[stage][f"model={model}, batch={batch}"]}
            assert start == f"tuning-lr: {best}", "each step starts from the best of the one before, for each network"
    origins = {run.tags.get("weights") for run in runs if run.tags.get("axis.model") == "mobilenet"}
    assert origins == {"pretraining: task=turned, seed 0"}
    assert all("start" in run.tags for found in stages["augmentation"].values() for run in found)
    assert not stages["tuned"] and not stages["single"], "the best have run already"

    voters = [run for stage in stages for found in stages[stage].values() for run in found]
    voters = [run for run in voters if run.tags["stage"].startswith("tuning-") or run.tags["stage"] == "augmentation"]
    assert len(voters) == 3 * VOTERS
    check_votes(bench, stages["ensembles"], voters)


def check_votes(bench, ensembles, voters) -> None:
    """Take every vote again, member by member and image by image."""
    tracker = open_tracker(f"sqlite:///{bench.folder}/mlflow.db")
    voters.sort(key=lambda run: (-run.metrics["val/accuracy"], run.tags["fingerprint"]))
    stored = [np.load(io.BytesIO(tracker.artifact(run.run_id, "predictions.npz"))) for run in voters]
    probabilities = [each["test/probabilities"].astype(float) for each in stored]
    targets = stored[0]["test/targets"]
    assert len(ensembles) == 6
    for cell, (run,) in ensembles.items():
        share = float(run.tags["axis.share"])
        members = probabilities[: round(share * len(voters))]
        assert run.tags["members"] == f"{len(members)} of {3 * VOTERS}", cell
        right = 0
        for image, target in enumerate(targets):
            means = [fmean(member[image][label] for member in members) for label in range(10)]
            counts = [sum(int(np.argmax(member[image])) == label for member in members) for label in range(10)]
            ranks = list(zip(counts, means, strict=True)) if run.tags["axis.vote"] == "hard" else means
            right += max(range(10), key=ranks.__getitem__) == target
        assert abs(run.metrics["test/accuracy"] - right / len(targets)) < 1e-9, cell
