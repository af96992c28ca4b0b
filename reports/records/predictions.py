"""Comparisons over seeds and images, from the predictions that every trial stores."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from bench.grammar.metrics import by_name
from bench.reports.statistics import Comparison, crossed, mcnemar
from bench.trackers import contents

if TYPE_CHECKING:
    from bench.reports.records.arms import ArmValues

ALONE = "one seed a side: McNemar's test over the images, which speaks of these two models and not of their methods"
Predictions = Callable[[str], bytes | None]
"""run id → the content of its predictions.npz, None where it has none."""


def crossed_comparison(
    left: "ArmValues", right: "ArmValues", metric: str, confidence: float, predictions: Predictions | None
) -> tuple[Comparison, str]:
    """Compare two arms' accuracies on the same images, with seeds and images both as random samples.

    Where each arm has one seed only, so that nothing is known of seeds, the two models themselves are compared. Returns the
    comparison, and a sentence with the two components of its error or on what it does not say.
    """
    import numpy as np

    split = metric.partition("/")[0]
    if by_name(metric).counts != "images" or split not in ("val", "test"):
        return Comparison(reason=f"a test over seeds and images needs val/accuracy or test/accuracy, not {metric}"), ""
    seeds = sorted(left.values.keys() & right.values.keys())
    if not seeds:
        return Comparison(reason="the two arms have no seed in common"), ""
    if predictions is None or any(len(arm.records[seed]) != 1 for arm in (left, right) for seed in seeds):
        return Comparison(reason="a test over seeds and images needs one run a seed, with its predictions"), ""
    correct: list[list[Mapping[int, bool]]] = []
    for arm in (left, right):
        correct.append([])
        for seed in seeds:
            run = arm.records[seed][0].run
            content = predictions(run.run_id) if run else None
            if content is None:
                return Comparison(reason=f"the run of seed {seed} of {arm.name} has no stored predictions"), ""
            try:
                correct[-1].append(_correct(content, split))
            except contents.Damaged as damaged:
                return Comparison(reason=f"predictions.npz of the run of seed {seed} of {arm.name} {damaged}"), ""
    images = sorted(set.intersection(*(set(by_image) for arm in correct for by_image in arm)))
    if not images:
        return Comparison(reason="the two arms were not measured on the same images"), ""
    if len(left.values) == len(right.values) == 1:
        left_correct, right_correct = ([by_image[image] for image in images] for (by_image,) in correct)
        return mcnemar(left_correct, right_correct, confidence=confidence), ALONE
    a, b = (np.array([[by_image[image] for image in images] for by_image in arm], dtype=float) for arm in correct)
    result = crossed(a, b, confidence=confidence, seeds=seeds)
    if result.seed_sd is None or result.item_sd is None:
        return result.comparison, ""
    return result.comparison, f"{len(images)} images; SD between seeds {result.seed_sd:.2g}, between images {result.item_sd:.2g}"


def labels_said(content: bytes, split: str) -> dict[int, int]:
    """Return image → the class that was predicted. Raises contents.Damaged."""
    predictions = contents.predictions(content, split)
    return dict(zip(predictions.indices.tolist(), predictions.probabilities.argmax(1).tolist(), strict=True))


def _correct(content: bytes, split: str) -> Mapping[int, bool]:
    """Return image → whether it was recognised. Raises contents.Damaged."""
    predictions = contents.predictions(content, split)
    right = predictions.probabilities.argmax(1) == predictions.targets
    return dict(zip(predictions.indices.tolist(), right.tolist(), strict=True))
