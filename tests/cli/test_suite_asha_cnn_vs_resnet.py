"""The suite of report 004: its quick profile from a fresh folder to the tables."""

from collections import Counter, defaultdict

import pytest

from bench.suite.load import load_suite
from bench.trackers import open_tracker

SEARCHES = {"cnn": 8, "resnet": 4, "resnet-schedule": 3}
"""Stage → trials."""
WINNERS = {"cnn": "cnn", "resnet": "resnet", "resnet-lrs": "resnet-schedule"}
"""Level of `winners` → the search that it starts from."""


def test_the_printed_winners_have_the_settings_that_the_report_prints(root):
    suite = load_suite(str(root / "suites" / "asha_cnn_vs_resnet.yaml"))
    found = {}
    for cell in suite.all_cells["winners"]:
        if cell.labels["settings"] == "printed":
            model, train, data = cell.model.config, cell.train.config, cell.data.config
            optimizer, names = train.optimizer, [step.name for step in data.augment]
            depth, dropout = model.args.get("depth"), model.args["dropout"]
            found[cell.labels["network"]] = (
                optimizer.name,
                optimizer.lr,
                optimizer.weight_decay,
                depth,
                dropout,
                names,
                train.epochs,
            )
    augmented = ["crop", "flip", "rotation"]
    assert found == {
        "cnn": ("sgd", 0.0039, 0.006, None, 0.1, [], 30),
        "resnet": ("adam", 0.0001, 0.0024, 34, 0.3, augmented, 30),
        "resnet-lrs": ("sgd", 0.002, 0.005, 34, 0, augmented, 50),
    }


@pytest.mark.timeout(3600)  # a minute or two on two idle cores
def test_the_quick_profile(bench, root):
    answer = bench("run", str(root / "suites" / "asha_cnn_vs_resnet.yaml"), "--profile", "quick")
    assert answer.code == 0, answer.err
    assert "warning" not in answer.out
    answer.has_shape("asha_cnn_vs_resnet")
    stages = defaultdict(list)
    for run in bench.runs("asha_cnn_vs_resnet.quick"):
        stages[run.tags["stage"]].append(run)

    outcomes = {stage: Counter(run.tags["outcome"] for run in stages[stage]) for stage in SEARCHES}
    assert {stage: sum(found.values()) for stage, found in outcomes.items()} == SEARCHES
    assert all(found["finished"] and found.keys() <= {"finished", "pruned"} for found in outcomes.values()), outcomes
    for stage in SEARCHES:
        check_pruning(bench, stages[stage])
    drawn = [run for stage in SEARCHES for run in stages[stage]]
    assert {run.tags["search.seed"] for run in drawn} <= {"7", "42", "77"}
    assert all(0.001 <= float(run.tags["search.weight_decay"]) <= 0.01 for run in drawn)
    assert all(0.0001 <= float(run.tags["search.learning_rate"]) <= 0.01 for run in drawn)
    assert {run.tags["search.depth"] for run in stages["resnet"]} <= {"18", "34"}

    for network, search in WINNERS.items():
        finished = [run for run in stages[search] if run.tags["outcome"] == "finished"]
        # of equals the first as declared
        best = min(finished, key=lambda run: (-run.metrics["val/accuracy"], int(run.tags["axis.trial"])))
        runs = [run for run in stages["winners"] if (run.tags["axis.network"], run.tags["axis.settings"]) == (network, "found")]
        assert sorted(run.tags["seed"] for run in runs) == ["0", "1", "2"], "a winner is trained anew, with seeds of its own"
        (start,) = {run.tags["start"] for run in runs}
        told = [f"{name.removeprefix('search.')}={text}" for name, text in best.tags.items() if name.startswith("search.")]
        assert start.startswith(f"{search}: trial={best.tags['axis.trial']}, ") and all(one in start for one in told), start

    # the level that the printed winner has is that winner itself, which has run
    assert {stage: len(stages[stage]) for stage in ("augmentation", "cnn-settings", "depth", "schedule", "dropout")} == {
        "augmentation": 2 * 3,
        "cnn-settings": 3 * 3,
        "depth": 3,
        "schedule": 3,
        "dropout": 3,
    }
    assert "Animals" in answer.tables and "starts from the best of resnet-schedule: trial=" in answer.tables


def check_pruning(bench, runs) -> None:
    """Whoever was pruned had been beaten at that epoch. Who that is, and whether anyone, hangs on who came first."""
    tracker = open_tracker(f"sqlite:///{bench.folder}/mlflow.db")
    told = tracker.histories([run.run_id for run in runs], ["val/accuracy"])
    curves = {run.run_id: dict(told[run.run_id]["val/accuracy"]) for run in runs}
    for run in runs:
        if run.tags["outcome"] == "pruned":
            last = run.metrics["epochs"]
            assert curves[run.run_id][last] < max(curve.get(last, 0) for curve in curves.values()), run.tags["axis.trial"]
