"""The suite of report 002: its quick profile from a fresh folder to the tables."""

from collections import defaultdict
from statistics import fmean

import pytest

HELD_OUT = 10 + 10


@pytest.mark.timeout(3600)  # a minute or two on two idle cores
def test_the_quick_profile(bench, root):
    answer = bench("run", str(root / "suites" / "imbalanced_wide_resnet.yaml"), "--profile", "quick")
    assert answer.code == 0, answer.err
    warned = [line for line in answer.out.splitlines() if line.startswith("warning")]
    assert len(warned) == 3 and all("not tuned alike" in line for line in warned), warned
    answer.has_shape("imbalanced_wide_resnet")
    cells = defaultdict(list)
    for run in bench.runs("imbalanced_wide_resnet.quick"):
        cells[run.tags["cell"]].append(run.metrics)
    assert len(cells) == 21 and {len(runs) for runs in cells.values()} == {3}, "a cell that stages share runs once"

    def sizes(cell: str) -> list[float]:
        return sorted(value for name, value in cells[cell][0].items() if name.startswith("train/class_size/"))

    causes = "augmentation=four, sizes={}, labels={}".format
    clean = sizes(causes("imbalanced", "clean"))
    assert (clean[0], clean[-1], sum(clean)) == (40 - HELD_OUT, 100 - HELD_OUT, 600 - 9 * HELD_OUT)
    noisy = sizes("step=augmented")
    assert noisy != clean and sum(noisy) == sum(clean), "wrong labels take from one class and give to another"
    balanced = sizes(causes("balanced", "noisy"))
    assert sum(balanced) == sum(clean) and balanced[-1] - balanced[0] < clean[-1] - clean[0]

    # Which class gets which size, and which images are held out, is drawn for each seed, alike for all arms.
    def draws(cell: str) -> list[tuple[tuple[str, float], ...]]:
        return [tuple((name, size) for name, size in sorted(run.items()) if "class_size" in name) for run in cells[cell]]

    assert len(set(draws("step=baseline"))) == 3
    assert sorted(draws("step=baseline")) == sorted(draws("step=augmented"))

    # What is kept is best on validation, by the mean over seeds; it is tested with seeds that did not choose it.
    runs = bench.runs("imbalanced_wide_resnet.quick")
    decays = ("0.0005", "0.002")
    best = max(decays, key=lambda decay: fmean(run["val/accuracy"] for run in cells[f"weight_decay={decay}"]))
    decayed = [run.tags for run in runs if run.tags["cell"] == "step=decayed"]
    assert {tags["start"] for tags in decayed} == {f"decay: weight_decay={best}"}
    assert sorted(tags["seed"] for tags in decayed) == ["3", "4", "5"]

    gaps = {
        step: fmean(run["train/accuracy"] - run["val/accuracy"] for run in cells[f"step={step}"])
        for step in ("baseline", "cutmix")
    }
    assert gaps["cutmix"] < 0 < gaps["baseline"], "mixed images are harder than whole ones"
    for run in cells["step=baseline"]:
        named = [value for name, value in run.items() if name.startswith("val/f1/")]
        assert len(named) == 9 and run["val/f1"] == pytest.approx(fmean(named)), "macro"
