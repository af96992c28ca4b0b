"""The suite of report 002: its quick profile from a fresh folder to the tables."""

import re
from collections import defaultdict
from statistics import fmean

import pytest

HELD_OUT = 10 + 10


@pytest.mark.timeout(3600)  # a minute or two on two idle cores
def test_the_quick_profile(bench, root):
    answer = bench("run", str(root / "suites" / "imbalanced_wide_resnet.yaml"), "--profile", "quick")
    assert answer.code == 0, answer.err
    warned = [line for line in answer.out.splitlines() if line.startswith("warning")]
    assert len(warned) == 4 and all("not tuned alike" in line or "on the runs that chose it" in line for line in warned), warned
    assert answer.shape == (root / "tests" / "expected" / "cli" / "imbalanced_wide_resnet.txt").read_text(encoding="utf-8")
    cells = defaultdict(list)
    for run in bench.runs("imbalanced_wide_resnet.quick"):
        cells[run.tags["cell"]].append(run.metrics)
    assert len(cells) == 18 and {len(runs) for runs in cells.values()} == {3}, "a cell that stages share runs once"

    def sizes(cell: str) -> list[float]:
        return sorted(value for name, value in cells[cell][0].items() if name.startswith("train/class_size/"))

    causes = "augmentation=four, sizes={}, labels={}".format
    clean = sizes(causes("imbalanced", "clean"))
    assert (clean[0], clean[-1], sum(clean)) == (40 - HELD_OUT, 120 - HELD_OUT, 720 - 9 * HELD_OUT)
    noisy = sizes("step=augmented")
    assert noisy != clean and sum(noisy) == sum(clean), "wrong labels take from one class and give to another"
    balanced = sizes(causes("balanced", "noisy"))
    assert sum(balanced) == sum(clean) and balanced[-1] - balanced[0] < clean[-1] - clean[0]

    # What is kept is best on validation, by the mean over seeds.
    kept = max(fmean(run["val/accuracy"] for run in cells[f"weight_decay={decay}"]) for decay in ("0.0005", "0.002"))
    row = re.search(r"^\| decayed +\|(.*)\|$", answer.tables, re.M)[1].split("|")
    shown = float(re.search(r"\d+(\.\d+)?", row[1])[0])
    assert shown == pytest.approx(100 * kept, abs=0.6)

    mixed = cells["step=cutmix"]
    assert all(run["train/accuracy"] < run["val/accuracy"] for run in mixed), "mixed images are harder than whole ones"
    for run in cells["step=baseline"]:
        named = [value for name, value in run.items() if name.startswith("val/f1/")]
        assert len(named) == 9 and run["val/f1"] == pytest.approx(fmean(named)), "macro"
