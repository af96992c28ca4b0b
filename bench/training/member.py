"""The course of one trial: its metrics epoch by epoch, when it ends, and what is noted of it."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from bench.config import TrialConfig
from bench.data import Dataset, ImageSet, view
from bench.errors import BenchError
from bench.models.packed import State
from bench.training import evaluation
from bench.training import metrics as measures
from bench.training.order import batches
from bench.training.stopping import Best

Report = Callable[[int, dict[str, float]], bool]


@dataclass
class Result:
    """What came of a trial; it holds no memory of a device.

    outcome: "finished"; "stopped" by `report`; "diverged"; "oom". message: what happened, where not finished.
    metrics: those of the restored or last epoch, of the test part, and of the whole training; see `run_trial`.
    history: a dict an epoch, with "epoch" (from 1) and "seconds" since training began. Only finite values are kept.
    predictions, confusion: by part, "val" and "test", where the trial finished; see `bench.training.evaluation`.
    weights: the state dict of the network as it was evaluated, contiguous on the CPU, where asked for and finished.
    images: examples from the test part, "clean", "noisy" and "denoised", uint8 [n, H, W, 3] each, where it is denoised.
    pack, backend: how many trials, this one included, were trained as one computation, and how their networks convolved.
    resumed: the epoch after which it went on from a checkpoint, 0 for none.
    """

    outcome: str = "finished"
    message: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    predictions: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    confusion: dict[str, np.ndarray] = field(default_factory=dict)
    weights: dict[str, torch.Tensor] | None = None
    images: dict[str, np.ndarray] = field(default_factory=dict)
    pack: int = 1
    backend: str = ""
    resumed: int = 0


SAVED = ("outcome", "message", "metrics", "history", "predictions", "confusion", "weights")
"""What of a result a checkpoint holds: the rest is known when a trial begins."""


class Member:
    """One trial in progress, noting in `result` what is known so far.

    best_metrics, best_scores, weights: of the epoch that is evaluated, where that is not the last one trained. of_trial: metrics
    that are known before it trains.
    """

    def __init__(self, config: TrialConfig, dataset: Dataset, parts: dict[str, ImageSet], result: Result):
        self.train, self.parts, self.result = config.train, parts, result
        classes = view(dataset, config.data).classes
        self.classes = measures.metric_names(classes)
        self._groups = measures.class_groups(self.train.class_groups, classes)
        part = parts["train"]
        if len(part) < 2:
            raise BenchError("the training part holds a single image", mend="take more images: see `data.subset`")
        early = self.train.early_stopping
        self._stopping = Best(early.metric, early.min_delta) if early else None
        self._best = Best(self.train.restore_best or (early.metric if early else "val/accuracy"))
        self._trained_images = batches(len(part), self.train.batch_size)[-1].stop
        self._wall_clock = 0.0
        self._kept: tuple[dict[str, float], torch.Tensor] | None = None
        self.weights: State | None = None
        self.ended = False
        self.of_trial: dict[str, float] = {}
        if "size" in self.train.class_metrics:
            self.of_trial |= measures.class_sizes(part.labels.cpu().numpy(), self.classes)
        if (test := parts["test"]).clean is not None:
            from bench.data import denoise  # brings scikit-image, which few trials need

            pictures = test.clean, test.noisy, test.images.cpu()
            self.of_trial |= denoise.quality(*pictures)
            result.images = denoise.examples(*pictures)

    def after_epoch(
        self,
        epoch: int,
        measured: dict[str, float],
        scores: torch.Tensor,
        seconds: float,
        since_start: float,
        memory: float | None,
        plain: bool,
        state: Callable[[], State],
        report: Report,
    ) -> None:
        """Take in an epoch, counted from 1, and decide whether the trial has ended.

        measured: its losses and accuracies. scores: of the validation part. seconds: its share of the time. memory: MB that its
        training needs, None where that is not known. plain: whether what is minimised is nothing but cross entropy. state: gives
        a copy of the weights.
        """
        train, result = self.train, self.result
        self._wall_clock += seconds
        metrics = {name: value for name, value in measured.items() if math.isfinite(value)}
        result.history.append({"epoch": epoch, "seconds": since_start, **metrics})
        better = self._best.update(epoch, measured)
        self._of_training = self.of_trial | {
            **measures.of_history(result.history),
            "epochs": epoch,
            "best_epoch": self._best.epoch,
            "wall_clock": self._wall_clock,
            "images_per_second": self._trained_images * epoch / self._wall_clock,
        }
        if memory is not None:
            self._of_training["peak_memory"] = memory
        result.metrics = metrics | self._of_training
        if problem := self._diverged(epoch, measured, plain):
            self._end("diverged", problem)
            return
        if not train.restore_best:
            self._kept = metrics, scores
        elif better:
            self._kept, self.weights = (metrics, scores), state()
        if report(epoch, metrics):
            self._end("stopped", f"stopped after epoch {epoch}")
        elif epoch == train.epochs or self._is_stale(epoch, measured):
            self.ended = True
            if epoch < train.epochs and self.weights is None:
                self.weights = state()  # others may train on

    def finish(self, test_scores: torch.Tensor, weights: State | None) -> None:
        """Note what the test part, measured once, says of the weights that validation chose."""
        metrics, scores = self._kept
        self.result.metrics = metrics | self._of_training
        self._measure("val", scores)
        loss, accuracy = evaluation.loss_and_accuracy(test_scores, self.parts["test"].labels).tolist()
        self.result.metrics |= {"test/loss": loss, "test/accuracy": accuracy}
        self._measure("test", test_scores)
        if weights is not None:
            self.result.weights = {name: value.cpu().contiguous() for name, value in weights.items()}

    def snapshot(self) -> dict[str, Any]:
        """Return the course so far, for `restore`."""
        result = self.result
        return {
            "result": {name: getattr(result, name) for name in SAVED},
            "wall_clock": self._wall_clock,
            "of_training": self._of_training,
            "kept": self._kept,
            "weights": self.weights,
            "ended": self.ended,
            "best": self._best.state(),
            "stopping": self._stopping.state() if self._stopping else None,
        }

    def restore(self, snapshot: dict[str, Any], epoch: int) -> None:
        """Go on after an epoch from a snapshot. Raises whatever comes of one that does not fit."""
        for name in SAVED:
            setattr(self.result, name, snapshot["result"][name])
        for part, tensors in self.result.predictions.items():
            self.result.predictions[part] = {name: value.numpy() for name, value in tensors.items()}
        self.result.confusion = {part: matrix.numpy() for part, matrix in self.result.confusion.items()}
        self.result.resumed = epoch
        self._wall_clock, self._of_training = snapshot["wall_clock"], snapshot["of_training"]
        self.weights, self.ended = snapshot["weights"], snapshot["ended"]
        self._best.load(snapshot["best"])
        if self._stopping:
            self._stopping.load(snapshot["stopping"])
        if snapshot["kept"]:
            metrics, scores = snapshot["kept"]
            self._kept = metrics, scores.to(self.parts["val"].labels.device)

    def _end(self, outcome: str, message: str) -> None:
        self.ended, self.weights, self._kept = True, None, None
        self.result.outcome, self.result.message = outcome, message

    def _is_stale(self, epoch: int, measured: dict[str, float]) -> bool:
        if not self._stopping or self._stopping.update(epoch, measured):
            return False
        return self._stopping.stale(epoch) >= self.train.early_stopping.patience

    def _diverged(self, epoch: int, measured: dict[str, float], plain: bool) -> str:
        """Return what is wrong with the losses of an epoch, or ""."""
        for name, value in measured.items():
            if not math.isfinite(value):
                return f"{name} is {value} in epoch {epoch}"
        name = "train/loss" if plain else "train/cross_entropy"
        guessing = math.log(len(self.classes))
        if measured[name] > self.train.divergence * guessing:
            return (
                f"{name} is {measured[name]:.4g} in epoch {epoch}, "
                f"more than {self.train.divergence:g} times the {guessing:.3f} of guessing"
            )
        return ""

    def _measure(self, part: str, scores: torch.Tensor) -> None:
        """Note the predictions of a part, its confusion matrix, and the metrics of its classes."""
        predictions = evaluation.predictions(scores, self.parts[part])
        predicted = scores.argmax(1).cpu().numpy()
        confusion = measures.confusion_matrix(predicted, predictions["targets"], len(self.classes))
        self.result.predictions[part], self.result.confusion[part] = predictions, confusion
        self.result.metrics |= measures.of_confusion(part, confusion, self.classes, self.train.class_metrics, self._groups)
