"""The numbers of a trial: of confusion matrices, and of the course of its training."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from bench.data.classes import numbers
from bench.errors import BenchError

Groups = Mapping[str, Sequence[int]]
"""Name → classes, by number."""
NO_GROUPS: Groups = {}
CONVERGED = 0.95  # of the best validation accuracy


def confusion_matrix(predicted: np.ndarray, targets: np.ndarray, classes: int) -> np.ndarray:
    """Return counts int64 [classes, classes]: rows are true classes, columns predicted ones."""
    cells = np.asarray(targets, dtype=np.int64) * classes + np.asarray(predicted, dtype=np.int64)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def precision_recall_f1(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """Return precision, recall and F1 of each class, float64 [classes]; 0 where a class is never predicted, or has no image."""
    hits, predicted, there = np.diag(confusion), confusion.sum(0), confusion.sum(1)
    return {
        "precision": hits / np.maximum(predicted, 1),
        "recall": hits / np.maximum(there, 1),
        "f1": 2 * hits / np.maximum(predicted + there, 1),
    }


def of_confusion(
    split: str, confusion: np.ndarray, names: list[str], chosen: tuple[str, ...], groups: Groups = NO_GROUPS
) -> dict[str, float]:
    """Return the metrics of a split: <split>/precision, recall and f1, means over all classes (macro), and of each class those
    of them that are `chosen`, <split>/f1/<class>; and, where chosen, the share of all images that are predicted as it,
    <split>/predicted/<class>. A class's accuracy is noted of the test part only, where it has images there:
    test/class_accuracy/<class>. So are groups of classes: see `confused`.

    names: the classes, as `metric_names` gives them. groups: as `class_groups` gives them.
    """
    values = precision_recall_f1(confusion)
    metrics = {f"{split}/{metric}": float(each.mean()) for metric, each in values.items()}
    for metric in [metric for metric in values if metric in chosen]:
        metrics |= _of_classes(f"{split}/{metric}", values[metric], names)
    if "predicted" in chosen:
        metrics |= _of_classes(f"{split}/predicted", confusion.sum(0) / confusion.sum(), names)
    if split == "test" and "accuracy" in chosen:
        there = confusion.any(1)
        metrics |= _of_classes("test/class_accuracy", values["recall"][there], [names[label] for label in there.nonzero()[0]])
    return metrics | (confused(confusion, groups) if split == "test" else {})


def class_groups(groups: Mapping[str, Sequence[int | str]], classes: Sequence[str]) -> dict[str, list[int]]:
    """Return the groups of `train.class_groups` with the numbers of their classes. Raises BenchError for a class that there is
    not, or that is named twice, and for a group of all classes, within which every error stays."""
    found = {}
    for group, named in groups.items():
        where = f"train.class_groups.{group}"
        found[group] = numbers(named, classes, where)
        if len(named) == len(classes):
            raise BenchError("a group of all classes holds every error", where=where, mend="leave some of the classes out")
    return found


def confused(confusion: np.ndarray, groups: Groups) -> dict[str, float]:
    """Return test/confused/<group>: of the errors on images of a group's classes, the share that are predictions of another class
    of the group. Errors that fall on every wrong class alike give (g - 1) / (C - 1), of g classes among C. Nothing is noted of a
    group whose images are all recognised."""
    metrics = {}
    for group, classes in groups.items():
        rows = confusion[list(classes)]
        hits = sum(int(confusion[label, label]) for label in classes)
        if errors := int(rows.sum()) - hits:
            metrics[f"test/confused/{group}"] = (int(rows[:, list(classes)].sum()) - hits) / errors
    return metrics


def class_sizes(labels: np.ndarray, names: list[str]) -> dict[str, float]:
    """Return train/class_size/<class>, the number of training images with each label."""
    return _of_classes("train/class_size", np.bincount(labels, minlength=len(names)), names)


def of_history(history: list[dict[str, float]]) -> dict[str, float]:
    """Return what the whole course of training tells, by validation accuracy.

    val/mean_accuracy: its mean over epochs, the normalised area under the learning curve. convergence_epoch: the first
    (from 1) to reach 95 % of the best.
    """
    accuracies = [row["val/accuracy"] for row in history]
    converged = (epoch for epoch, accuracy in enumerate(accuracies, 1) if accuracy >= CONVERGED * max(accuracies))
    return {"val/mean_accuracy": sum(accuracies) / len(accuracies), "convergence_epoch": next(converged)}


def metric_names(classes: tuple[str, ...]) -> list[str]:
    """Return the class names with all but letters, digits, '_', '.' and '-' replaced, kept apart by their number."""
    names = [re.sub(r"[^A-Za-z0-9_.-]", "_", name) or "_" for name in classes]
    return [name if names.count(name) == 1 else f"{name}_{index}" for index, name in enumerate(names)]


def _of_classes(metric: str, values: np.ndarray, names: list[str]) -> dict[str, float]:
    return {f"{metric}/{name}": float(value) for name, value in zip(names, values, strict=True)}
