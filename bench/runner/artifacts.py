"""A trial's result as numbers, and files to keep."""

import io
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.config import TrialConfig
from bench.data import Dataset, view
from bench.runner.messages import Ended
from bench.trackers.record import Artifact

if TYPE_CHECKING:
    from bench.training import Result  # it brings torch, without which the coordinator reads and writes archives


def ended(result: "Result", config: TrialConfig, dataset: Dataset) -> Ended:
    """Return what is to be sent of a result, its arrays as files."""
    artifacts: dict[str, bytes] = {}
    if result.predictions:
        artifacts[Artifact.PREDICTIONS] = predictions_npz(result.predictions)
        artifacts[Artifact.CONFUSION] = confusion_json(view(dataset, config.data).classes, result.confusion)
    if result.weights is not None:
        from safetensors.torch import save

        artifacts[Artifact.WEIGHTS] = save(result.weights)
    if result.images:
        artifacts[Artifact.IMAGES] = npz(result.images)
    return Ended(
        outcome=result.outcome,
        message=result.message,
        metrics=plain(result.metrics),
        history=[plain(row) for row in result.history],
        pack=result.pack,
        backend=result.backend,
        artifacts=artifacts,
        resumed=result.resumed,
    )


def plain(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return metrics as numbers that everybody knows: what a custom component reports may be of a kind of its own. What is no
    number is left out."""
    numbers: dict[str, float] = {}
    for name, value in metrics.items():
        with suppress(TypeError, ValueError, OverflowError, RuntimeError):
            if not isinstance(value, str | bytes):
                numbers[str(name)] = float(value)
    return numbers


def predictions_npz(predictions: Mapping[str, Mapping[str, np.ndarray]]) -> bytes:
    """Return predictions as a compressed archive: `<split>/probabilities` float16 [N, C], `/targets` and `/indices` [N]."""
    return npz({f"{split}/{name}": array for split, part in predictions.items() for name, array in part.items()})


def npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return arrays by name as a compressed archive."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def confusion_json(classes: tuple[str, ...], confusion: Mapping[str, np.ndarray]) -> bytes:
    """Return the confusion matrices, rows true and columns predicted, a row a line."""
    matrices = {part: matrix.tolist() for part, matrix in confusion.items()}
    text = json.dumps({"classes": classes, "rows": "true", "columns": "predicted", **matrices}, ensure_ascii=False)
    return text.replace("], [", "],\n [").encode("utf-8", "backslashreplace")  # which JSON reads as what it was
