"""One trial: a configuration and a seed in, metrics and predictions out."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
import torch

from bench import memory
from bench.config import TrialConfig
from bench.data import Dataset, Part, Preprocess, parts
from bench.errors import BenchError
from bench.models import build
from bench.models.weights import first_line
from bench.seeding import generator
from bench.training import evaluation
from bench.training.loop import Forward, batches, train_epoch
from bench.training.numerics import check_device, isolated
from bench.training.optimizers import optimizer
from bench.training.stopping import Best

Report = Callable[[int, dict[str, float]], bool]


@dataclass
class Result:
    """What came of a trial; plain Python and NumPy, so that it travels between processes.

    outcome: "finished"; "stopped" by `report`; "diverged"; "oom". message: what happened, where not finished.
    metrics: those of the restored or last epoch, of the test part, and of the whole training; see `run_trial`.
    history: a dict an epoch, with "epoch" (from 1) and "seconds" since training began. Only finite values are kept.
    predictions, confusion: by part, "val" and "test", where the trial finished; see `bench.training.evaluation`.
    """

    outcome: str = "finished"
    message: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    predictions: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    confusion: dict[str, np.ndarray] = field(default_factory=dict)


def run_trial(
    config: TrialConfig,
    seed: int,
    dataset: Dataset,
    device: str = "cpu",
    report: Report = lambda epoch, metrics: False,
) -> Result:
    """Train, choose by validation, measure on test once.

    report(epoch, metrics) is called after each epoch; where it returns True, the trial ends as "stopped", untested.

    Metrics: train/ and val/ loss and accuracy of the chosen epoch; test/loss and test/accuracy;
    test/class_accuracy/<class>; wall_clock (seconds of training and of validating each epoch); images_per_second
    (trained on, over wall_clock); epochs (run); best_epoch (by restore_best's metric, else early stopping's, else
    validation accuracy).

    With deterministic "strict", the same seed gives the same bits on the same device and number of threads, whatever
    ran before in this process. Divergence and lack of memory are outcomes; BenchError is for what cannot be run at all.
    """
    place = check_device(config.train, device)
    result = Result()
    try:
        with memory.reused(), isolated(config.train, seed, place):
            _Trial(config, seed, dataset, place, result).run(report)
    except (RuntimeError, MemoryError) as error:
        if "does not have a deterministic implementation" in str(error):
            raise BenchError(
                f"has no deterministic form on {device}: {first_line(error)}",
                where=f"model {config.model.name}",
                mend="set `train.deterministic: fast`",
            ) from error
        if not memory.ran_out(error):
            raise
        result.outcome, result.message = "oom", f"out of memory on {device}: {first_line(error)}"
    if result.outcome == "oom" and place.type == "cuda":
        torch.cuda.empty_cache()  # not sooner: the exception still held the trial's tensors
    return result


class _Trial:
    """One training in progress, noting in `result` what is known so far."""

    def __init__(self, config: TrialConfig, seed: int, dataset: Dataset, device: torch.device, result: Result):
        self.train, self.classes, self.device, self.result = config.train, dataset.classes, device, result
        self.parts: dict[str, Part] = parts(dataset, config.data, seed, device)
        images = len(self.parts["train"].labels)
        if images < 2:
            raise BenchError("the training part holds a single image", mend="take more images: see `data.subset`")
        preprocess = Preprocess(config.data, self.parts["train"])
        network = build(config.model, preprocess.out_shape, len(self.classes), seed)
        self.forward = Forward(network, preprocess, self.train, device)
        self.optimizer = optimizer(self.train.optimizer, network.parameters())
        self.order = generator(seed, "order")
        self.augmentation = generator(seed, "augmentation", device)
        self.trained_images = batches(images, self.train.batch_size)[-1].stop

    def run(self, report: Report) -> None:
        train, result = self.train, self.result
        early = train.early_stopping
        stopping = Best(early.metric, early.min_delta) if early else None
        best = Best(train.restore_best or (early.metric if early else "val/accuracy"))
        kept = None
        wall_clock = 0.0
        self._synchronise()
        start = perf_counter()
        for epoch in range(1, train.epochs + 1):
            began = perf_counter()
            measured, scores = self._epoch(epoch)
            now = perf_counter()
            wall_clock += now - began
            metrics = {name: value for name, value in measured.items() if math.isfinite(value)}
            result.history.append({"epoch": epoch, "seconds": now - start, **metrics})
            better = best.update(epoch, measured)
            training = {
                "epochs": epoch,
                "best_epoch": best.epoch,
                "wall_clock": wall_clock,
                "images_per_second": self.trained_images * epoch / wall_clock,
            }
            result.metrics = metrics | training
            if problem := self._diverged(epoch, measured):
                result.outcome, result.message = "diverged", problem
                return
            if better and train.restore_best:
                kept = metrics, scores, self._weights()
            if report(epoch, metrics):
                result.outcome, result.message = "stopped", f"stopped after epoch {epoch}"
                return
            if stopping and not stopping.update(epoch, measured) and stopping.stale(epoch) >= early.patience:
                break
        if kept:
            metrics, scores, weights = kept
            self.forward.network.load_state_dict(weights)
        result.metrics = metrics | training
        self._measure("val", scores)
        test = self.parts["test"]
        scores = evaluation.logits(self.forward, test, train.batch_size)
        loss, accuracy = evaluation.loss_and_accuracy(scores, test.labels).tolist()
        result.metrics |= {"test/loss": loss, "test/accuracy": accuracy}
        self._measure("test", scores)
        for name, value in evaluation.class_accuracy(result.confusion["test"], self.classes).items():
            result.metrics[f"test/class_accuracy/{name}"] = value

    def _epoch(self, epoch: int) -> tuple[dict[str, float], torch.Tensor]:
        """Train and validate for one epoch, counted from 1; return its metrics and the validation logits."""
        trained = train_epoch(
            self.forward, self.optimizer, self.parts["train"], self.train, epoch - 1, self.order, self.augmentation
        )
        val = self.parts["val"]
        scores = evaluation.logits(self.forward, val, self.train.batch_size)
        measured = torch.cat([trained, evaluation.loss_and_accuracy(scores, val.labels)])
        names = ("train/loss", "train/accuracy", "val/loss", "val/accuracy")
        return dict(zip(names, measured.tolist(), strict=True)), scores  # tolist is where this waits for the device

    def _diverged(self, epoch: int, measured: dict[str, float]) -> str:
        """Return what is wrong with the losses of an epoch, or ""."""
        for name in ("train/loss", "val/loss"):
            if not math.isfinite(measured[name]):
                return f"{name} is {measured[name]} in epoch {epoch}"
        guessing = math.log(len(self.classes))
        if measured["train/loss"] > self.train.divergence * guessing:
            return (
                f"train/loss is {measured['train/loss']:.4g} in epoch {epoch}, "
                f"more than {self.train.divergence:g} times the {guessing:.3f} of guessing"
            )
        return ""

    def _measure(self, part: str, scores: torch.Tensor) -> None:
        """Note the predictions and the confusion matrix of a part."""
        found = evaluation.predictions(scores, self.parts[part])
        predicted = scores.argmax(1).cpu().numpy()
        self.result.predictions[part] = found
        self.result.confusion[part] = evaluation.confusion_matrix(predicted, found["targets"], len(self.classes))

    def _weights(self) -> dict[str, torch.Tensor]:
        return {name: value.clone() for name, value in self.forward.network.state_dict().items()}

    def _synchronise(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
