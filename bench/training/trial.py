"""One trial: a configuration and a seed in, metrics and predictions out."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
import torch

from bench import memory
from bench.config import TrialConfig
from bench.data import Dataset, Part, Preprocess, parts, view
from bench.errors import BenchError
from bench.models import build
from bench.models.weights import first_line
from bench.seeding import generator
from bench.training import evaluation
from bench.training import metrics as measures
from bench.training.loop import Forward, Order, batches, train_epoch
from bench.training.losses import Objective
from bench.training.numerics import check_device, isolated
from bench.training.optimizers import optimizer
from bench.training.stopping import Best

Report = Callable[[int, dict[str, float]], bool]
Say = Callable[[str], None]
EPOCH_METRICS = ("train/loss", "train/accuracy", "train/cross_entropy", "val/loss", "val/accuracy")


@dataclass
class Result:
    """What came of a trial; no tensor on a device, so that it travels between processes.

    outcome: "finished"; "stopped" by `report`; "diverged"; "oom". message: what happened, where not finished.
    metrics: those of the restored or last epoch, of the test part, and of the whole training; see `run_trial`.
    history: a dict an epoch, with "epoch" (from 1) and "seconds" since training began. Only finite values are kept.
    predictions, confusion: by part, "val" and "test", where the trial finished; see `bench.training.evaluation`.
    weights: the state dict of the network as it was evaluated, contiguous on the CPU, where asked for and finished.
    images: examples from the test part, "clean", "noisy" and "denoised", uint8 [n, H, W, 3] each, where it is denoised.
    """

    outcome: str = "finished"
    message: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    predictions: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    confusion: dict[str, np.ndarray] = field(default_factory=dict)
    weights: dict[str, torch.Tensor] | None = None
    images: dict[str, np.ndarray] = field(default_factory=dict)


def run_trial(
    config: TrialConfig,
    seed: int,
    dataset: Dataset,
    device: str = "cpu",
    report: Report = lambda epoch, metrics: False,
    *,
    say: Say = lambda text: None,
    keep_weights: bool = False,
) -> Result:
    """Train, choose by validation, measure on test once.

    report(epoch, metrics) is called after each epoch; where it returns True, the trial ends as "stopped", untested.
    say: receives lines of progress from what comes before training.

    Metrics of the chosen epoch: train/loss, as it is minimised, penalties included; train/accuracy (of mixed images by
    the label of the larger share); train/cross_entropy, where the loss is more than that; val/loss, plain cross entropy;
    val/accuracy. Of its weights: test/loss, test/accuracy, test/class_accuracy/<class>; <split>/precision, recall and f1, means
    over classes, of val and test; and whatever else `train.class_metrics` asks of each class. Of the whole training:
    val/mean_accuracy and convergence_epoch (see `bench.training.metrics.of_history`); wall_clock (seconds of training and of
    validating each epoch); images_per_second (trained on, over wall_clock); epochs (run); best_epoch (by restore_best's metric,
    else early stopping's, else validation accuracy). Of the data: train/class_size/<class>, and, where the test part is denoised,
    denoise/<psnr|ssim>/<noisy|denoised>, of the test images against the clean ones.

    A trial has diverged when a loss is not finite, or the training cross entropy exceeds `train.divergence` times that of
    guessing: penalties may be larger than that, and do not count.

    With deterministic "strict", the same seed gives the same bits on the same device and number of threads, whatever
    ran before in this process. Divergence and lack of memory are outcomes; BenchError is for what cannot be run at all.
    """
    place = check_device(config.train, device)
    result = Result()
    try:
        with memory.reused(), isolated(config.train, seed, place):
            _Trial(config, seed, dataset, place, result, say).run(report, keep_weights)
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

    def __init__(self, config: TrialConfig, seed: int, dataset: Dataset, device: torch.device, result: Result, say: Say):
        self.train, self.device, self.result = config.train, device, result
        classes = view(dataset, config.data).classes
        self.classes = measures.metric_names(classes)
        self.parts: dict[str, Part] = parts(dataset, config.data, seed, device, say)
        part = self.parts["train"]
        if len(part) < 2:
            raise BenchError("the training part holds a single image", mend="take more images: see `data.subset`")
        preprocess = Preprocess(config.data, part, len(classes))
        network = build(config.model, preprocess.out_shape, len(classes), seed)
        self.forward = Forward(network, preprocess, self.train, device)
        self.objective = Objective(config, network, part.environments)
        self.optimizer = optimizer(self.train.optimizer, network.parameters())
        self.order = Order(self.train.sampling, part.labels, seed)
        self.augmentation = generator(seed, "augmentation", device)
        self.trained_images = batches(len(part), self.train.batch_size)[-1].stop
        self.of_data: dict[str, float] = {}
        if "size" in self.train.class_metrics:
            self.of_data |= measures.class_sizes(part.labels.cpu().numpy(), self.classes)
        if (test := self.parts["test"]).clean is not None:
            from bench.data import denoise  # brings scikit-image, which few trials need

            pictures = test.clean, test.noisy, test.images.cpu()
            self.of_data |= denoise.quality(*pictures)
            result.images = denoise.examples(*pictures)

    def run(self, report: Report, keep_weights: bool) -> None:
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
            training = self.of_data | {
                **measures.of_history(result.history),
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
        if keep_weights:
            result.weights = {name: value.cpu().contiguous() for name, value in self._weights().items()}

    def _epoch(self, epoch: int) -> tuple[dict[str, float], torch.Tensor]:
        """Train and validate for one epoch, counted from 1; return its metrics and the validation logits."""
        part, val = self.parts["train"], self.parts["val"]
        trained = train_epoch(
            self.forward, self.objective, self.optimizer, part, self.train, epoch - 1, self.order, self.augmentation
        )
        scores = evaluation.logits(self.forward, val, self.train.batch_size)
        measured = torch.cat([trained, evaluation.loss_and_accuracy(scores, val.labels)])
        metrics = dict(zip(EPOCH_METRICS, measured.tolist(), strict=True))  # tolist is where this waits for the device
        if self.objective.plain:
            del metrics["train/cross_entropy"]
        return metrics, scores

    def _diverged(self, epoch: int, measured: dict[str, float]) -> str:
        """Return what is wrong with the losses of an epoch, or ""."""
        for name, value in measured.items():
            if not math.isfinite(value):
                return f"{name} is {value} in epoch {epoch}"
        name = "train/loss" if self.objective.plain else "train/cross_entropy"
        guessing = math.log(len(self.classes))
        if measured[name] > self.train.divergence * guessing:
            return (
                f"{name} is {measured[name]:.4g} in epoch {epoch}, "
                f"more than {self.train.divergence:g} times the {guessing:.3f} of guessing"
            )
        return ""

    def _measure(self, part: str, scores: torch.Tensor) -> None:
        """Note the predictions of a part, its confusion matrix, and the metrics of its classes."""
        found = evaluation.predictions(scores, self.parts[part])
        predicted = scores.argmax(1).cpu().numpy()
        confusion = measures.confusion_matrix(predicted, found["targets"], len(self.classes))
        self.result.predictions[part], self.result.confusion[part] = found, confusion
        self.result.metrics |= measures.of_confusion(part, confusion, self.classes, self.train.class_metrics)

    def _weights(self) -> dict[str, torch.Tensor]:
        return {name: value.clone() for name, value in self.forward.network.state_dict().items()}

    def _synchronise(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
