"""The best glue: what an expert writes by hand for one process and one device.

Images stay on the device as bytes; an epoch is augmented at once; metrics are summed on the device and read once an epoch; on
CUDA bfloat16, a compiled network and CUDA graphs. MLflow gets one batch a trial.
"""

import math
import time
from pathlib import Path
from typing import Any

import torch
from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from torch import nn
from torch.nn import functional as F

from glue.clock import Clock
from glue.common import TRACKING, load_images, sweep
from glue.task import EVALUATED, PADDING, Task

METRICS = ("train/loss", "train/accuracy", "val/loss", "val/accuracy")


class Normalized(nn.Module):
    """A network of bytes: normalisation is part of it, so that the compiler can fuse it."""

    def __init__(self, network: nn.Module, images: torch.Tensor):
        super().__init__()
        self.network = network
        pixels = images.float()
        self.register_buffer("mean", pixels.mean((0, 2, 3), keepdim=True))
        self.register_buffer("std", pixels.std((0, 2, 3), keepdim=True))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network((images.float() - self.mean) / self.std)


def run(task: Task, images: Path, device: str, clock: Clock) -> list[dict[str, Any]]:
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")
    arrays = load_images(images)
    clean = {
        name: (torch.from_numpy(pictures).to(device, memory_format=torch.channels_last), torch.from_numpy(labels).to(device))
        for name, (pictures, labels) in arrays.items()
    }
    classes = int(arrays["train"][1].max()) + 1
    with clock("tracking"):
        client = MlflowClient(TRACKING)
        experiment = client.create_experiment(task.name)

    def trial(point: dict[str, Any]) -> tuple[float, float]:
        began = int(1000 * time.time())
        torch.manual_seed(point["seed"])
        with clock("data"):
            parts = {name: (_noisy(pictures, point["noise"]), labels) for name, (pictures, labels) in clean.items()}
            padded = F.pad(parts["train"][0], (PADDING,) * 4).permute(0, 2, 3, 1).contiguous()
        network = task.build(point["network"], tuple(parts["train"][0].shape[1:]), classes, point["seed"])
        network = network.to(device, memory_format=torch.channels_last)
        scores = Normalized(network, parts["train"][0])
        if device == "cuda":
            # a shape at a time: there are few, and code for any shape is slower
            scores = torch.compile(scores, mode="reduce-overhead", dynamic=False)
        optimizer = torch.optim.SGD(network.parameters(), lr=task.lr, momentum=task.momentum, fused=True)
        history = []
        for _ in range(task.epochs):
            trained = _train(scores, optimizer, padded, parts["train"][1], task.batch_size, clock)
            history.append(torch.cat([trained, _evaluate(scores, *parts["val"], clock)]).tolist())
        test = _evaluate(scores, *parts["test"], clock).tolist()
        with clock("tracking"):
            _record(client, experiment, point, history, test, began)
        return history[-1][3], test[1]

    return sweep(task, trial)


def _noisy(images: torch.Tensor, variance: float) -> torch.Tensor:
    """Return the images with Gaussian noise (pixel values in [0, 1]), clipped and kept in 8 bits."""
    if not variance:
        return images
    noise = torch.randn_like(images, dtype=torch.float32).mul_(255 * math.sqrt(variance))
    return noise.add_(images).round_().clamp_(0, 255).byte()


def _augmented(padded: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    """Return a whole epoch in its order, each image cut from its padded self at random and flipped at random, channels last."""
    pixels = torch.arange(padded.shape[1] - 2 * PADDING, device=padded.device)
    corners = torch.randint(0, 2 * PADDING + 1, (2, len(order), 1), device=padded.device)
    rows, columns = corners + pixels
    flipped = torch.rand(len(order), 1, device=padded.device) < 0.5
    columns = torch.where(flipped, columns.flip(1), columns)
    return padded[order[:, None, None], rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _autocast(images: torch.Tensor):
    return torch.autocast(images.device.type, torch.bfloat16, enabled=images.is_cuda)


def _train(
    scores: nn.Module, optimizer: torch.optim.Optimizer, padded: torch.Tensor, labels: torch.Tensor, batch_size: int, clock: Clock
) -> torch.Tensor:
    """Train for an epoch; return mean loss and accuracy, on the device."""
    with clock("data"):
        order = torch.randperm(len(labels), device=labels.device)
        batches = zip(_augmented(padded, order).split(batch_size), labels[order].split(batch_size), strict=True)
    scores.train()
    sums = torch.zeros(2, device=labels.device)
    with clock("steps"):
        for images, targets in batches:
            with _autocast(images):
                outputs = scores(images)
                loss = F.cross_entropy(outputs, targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            sums += torch.stack([loss.detach() * len(targets), (outputs.detach().argmax(1) == targets).sum()])
    return sums / len(labels)


@torch.no_grad()
def _evaluate(scores: nn.Module, images: torch.Tensor, labels: torch.Tensor, clock: Clock) -> torch.Tensor:
    """Return mean loss and accuracy, on the device."""
    scores.eval()
    sums = torch.zeros(2, device=labels.device)
    with clock("steps"):
        for inputs, targets in zip(images.split(EVALUATED), labels.split(EVALUATED), strict=True):
            with _autocast(inputs):
                outputs = scores(inputs).float()
            sums += torch.stack([F.cross_entropy(outputs, targets, reduction="sum"), (outputs.argmax(1) == targets).sum()])
    return sums / len(labels)


def _record(client: MlflowClient, experiment: str, point: dict[str, Any], history: list, test: list[float], began: int) -> None:
    run = client.create_run(experiment, start_time=began, run_name="{network}, noise {noise}, seed {seed}".format(**point))
    now = int(1000 * time.time())
    metrics = [
        Metric(name, value, now, epoch) for epoch, row in enumerate(history, 1) for name, value in zip(METRICS, row, strict=True)
    ]
    metrics += [Metric("test/loss", test[0], now, 0), Metric("test/accuracy", test[1], now, 0)]
    client.log_batch(run.info.run_id, metrics, [Param(name, str(value)) for name, value in point.items()])
    client.set_terminated(run.info.run_id)
