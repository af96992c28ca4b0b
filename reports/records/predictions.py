"""Comparisons over seeds and images, from the predictions that every trial stores."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from bench.reports.statistics import Comparison, Crossed, crossed, mcnemar
from bench.trackers import contents
from bench.trackers.record import Artifact, redrawn

if TYPE_CHECKING:
    from bench.reports.records.arms import ArmValues

ALONE = "one seed a side: McNemar's test over the images, which speaks of these two models and not of their methods"
OF_IMAGES = ("val/accuracy", "test/accuracy")
"""Of these every stored prediction is right or wrong."""
Predictions = Callable[[str], bytes | None]
"""run id → the content of its predictions.npz, or of its correct.npz, None where it has none. Raises contents.Damaged where it
cannot be reached."""


class Store(Protocol):
    """Where artifacts come from; a tracker is one."""

    def artifact(self, run_id: str, name: str) -> bytes | None:
        """Return the content of an artifact, None where the run has none of this name."""

    def unreachable(self, run_id: str) -> str:
        """Return why no artifact of a run can be read from here, "" where they can be."""


def crossed_comparison(
    left: "ArmValues", right: "ArmValues", metric: str, confidence: float, predictions: Predictions | None
) -> Crossed:
    """Compare two arms' accuracies on the same images, with seeds and images both as random samples.

    Where each arm has one seed only, so that nothing is known of seeds, the two models themselves are compared: McNemar's test.
    """
    import numpy as np

    split = metric.partition("/")[0]
    if metric not in OF_IMAGES:
        return Crossed(Comparison(reason=f"a test over seeds and images needs val/accuracy or test/accuracy, not {metric}"))
    seeds = sorted(left.values.keys() & right.values.keys())
    if not seeds:
        return Crossed(Comparison(reason="the two arms have no seed in common"))
    if predictions is None or any(len(arm.records[seed]) != 1 for arm in (left, right) for seed in seeds):
        return Crossed(Comparison(reason="a test over seeds and images needs one run a seed, with its predictions"))
    runs = [arm.records[seed][0].run for arm in (left, right) for seed in seeds]
    if len(seeds) > 1 and any(run and redrawn(run, metric) for run in runs):
        return Crossed(Comparison(reason="each seed is measured on images of its own, so that seeds and images are not crossed"))
    correct: list[list[Mapping[int, bool]]] = []
    for arm in (left, right):
        correct.append([])
        for seed in seeds:
            run = arm.records[seed][0].run
            try:
                content = predictions(run.run_id) if run else None
                if content is None:
                    return Crossed(Comparison(reason=f"the run of seed {seed} of {arm.name} has no stored predictions"))
                correct[-1].append(_correct(content, split))
            except contents.Damaged as damaged:
                return Crossed(Comparison(reason=f"predictions.npz of the run of seed {seed} of {arm.name} {damaged}"))
    images = sorted(set.intersection(*(set(by_image) for arm in correct for by_image in arm)))
    if not images:
        return Crossed(Comparison(reason="the two arms were not measured on the same images"))
    if len(left.values) == len(right.values) == 1:
        left_correct, right_correct = ([by_image[image] for image in images] for (by_image,) in correct)
        return Crossed(mcnemar(left_correct, right_correct, confidence=confidence), len(images))
    a, b = (np.array([[by_image[image] for image in images] for by_image in arm], dtype=float) for arm in correct)
    return crossed(a, b, confidence=confidence, seeds=seeds)


def stored_in(store: Store) -> Predictions:
    """Return what reads predictions from a store: predictions.npz, or else correct.npz, which says as much as tests over images
    need. It raises contents.Damaged for those that cannot be reached."""

    def read(run_id: str) -> bytes | None:
        for name in (Artifact.PREDICTIONS, Artifact.CORRECT):
            if content := store.artifact(run_id, name):
                return content
        if why := store.unreachable(run_id):
            raise contents.Damaged(why)
        return None

    return read


def labels_said(content: bytes, split: str) -> str:
    """Return what is equal where two trials predicted the same class of each image. Raises contents.Damaged."""
    return contents.correct(content, split).said


def _correct(content: bytes, split: str) -> Mapping[int, bool]:
    """Return image → whether it was recognised. Raises contents.Damaged."""
    return contents.correct(content, split).by_image
