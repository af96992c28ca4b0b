"""The suite of report 001: its quick profile from a fresh folder to the tables."""

from collections import defaultdict
from statistics import fmean

import pytest

REMOVED, KEPT = range(5), range(5, 10)


@pytest.mark.timeout(3600)  # a minute or two on two idle cores
def test_the_quick_profile(bench, root):
    answer = bench("run", str(root / "suites" / "imbalance_and_irm.yaml"), "--profile", "quick")
    assert answer.code == 0, answer.err
    assert "warning" not in answer.out
    answer.has_shape("imbalance_and_irm")
    cells = defaultdict(list)
    for run in bench.runs("imbalance_and_irm.quick"):
        cells[f"{run.tags['stage']}: {run.tags['cell']}"].append(run)
    weights = {cell: {run.tags.get("weights") for run in runs} for cell, runs in cells.items()}

    assert len(cells.pop("pretraining: network=vgg")) == 1
    assert len(cells) == 13 and {len(runs) for runs in cells.values()} == {3}, "a cell that stages share runs once"
    assert weights["networks: network=cnn"] == weights["weights: weights=random"] == {None}
    assert weights["improvement: method=combined"] == {"pretraining: network=vgg, seed 0"}

    def sizes(cell: str) -> list[float]:
        return [cells[cell][0].metrics[f"train/class_size/{digit}"] for digit in range(10)]

    balanced, unbalanced = sizes("networks: network=vgg"), sizes("imbalance: set=unbalanced")
    assert abs(sum(sizes("imbalance: set=balanced-small")) - sum(unbalanced)) <= 10, "as many images, but for rounding"
    augmented = sizes("improvement: method=augmented")
    assert [unbalanced[digit] for digit in REMOVED] == [round(0.1 * balanced[digit]) for digit in REMOVED]
    assert [augmented[digit] for digit in REMOVED] == [10 * unbalanced[digit] for digit in REMOVED], "nine copies of each"
    assert all(each[digit] == balanced[digit] for each in (unbalanced, augmented) for digit in KEPT)
    assert sizes("improvement: method=generalized") == sizes("improvement: method=reweighted") == unbalanced
    assert sizes("improvement: method=combined") == augmented

    def accuracy(cell: str, digits: range) -> float:
        return fmean(run.metrics[f"test/class_accuracy/{digit}"] for run in cells[cell] for digit in digits)

    removed = {cell: accuracy(cell, REMOVED) for cell in cells}
    assert removed["imbalance: set=unbalanced"] < accuracy("imbalance: set=unbalanced", KEPT)
    assert removed["imbalance: set=unbalanced"] < removed["networks: network=vgg"]
    assert removed["imbalance: set=unbalanced"] < removed["improvement: method=augmented"]
    assert removed["irm: environments=random, penalty=0"] < removed["improvement: method=reweighted"], (
        "risks summed over groups weigh the few images of classes 0 to 4 more"
    )

    def predicted(cell: str) -> float:
        return fmean(sum(run.metrics[f"test/predicted/{digit}"] for digit in KEPT) for run in cells[cell])

    assert predicted("imbalance: set=unbalanced") > predicted("imbalance: set=balanced-small")
