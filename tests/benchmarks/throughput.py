"""Training images per second of the simple CNN (batch 64, 32x32x3), against a typical DataLoader loop on the same cores."""

import os
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from multiprocessing import get_context

import numpy as np
from harness import Row, in_turn, on_cores

from bench import data
from bench.config import SGD, Crop, Data, Flip, Model, Subset, Train, TrialConfig
from bench.errors import BenchError

ROUNDS = 5
CORES = 2
IMAGES, EPOCHS = 6400, 3
BATCH, LR, MOMENTUM = 64, 0.01, 0.9
BASELINE = "DataLoader (2 processes), PIL, torchvision transforms, `.item()` a step"

Window = tuple[float, float, int]
"""Monotonic time from and to which was trained, and on how many images."""


def measure(rounds: int, smoke: bool) -> list[Row]:
    images, epochs = (128, 2) if smoke else (IMAGES, EPOCHS)
    real = not smoke and _real() is not None
    with on_cores(CORES), ExitStack() as stack:
        # processes of their own: threads and allocator settings hold for a whole process
        wide, narrow, other, typical = (stack.enter_context(_process(threads)) for threads in (CORES, 1, 1, CORES))
        arms = {
            "1 worker of 2 threads": partial(_rate, [wide], _ours),
            "2 workers of 1 thread": partial(_rate, [narrow, other], _ours),
            "baseline": partial(_rate, [typical], _typical),
        }
        if not smoke:
            for arm in arms.values():
                arm(BATCH, 2, real)  # imports, and the libraries' own preparations
        found = in_turn(rounds, {name: partial(arm, images, epochs, real) for name, arm in arms.items()})
    theirs = found.pop("baseline")
    note = f"{'CIFAR-10' if real else 'random images'}, {images:,} an epoch; of {epochs} epochs the first is not counted"
    return [
        Row(f"training, {name}", "images/s", ours, BASELINE, theirs, more=True, ratio_goal=2.0, note=note)
        for name, ours in found.items()
    ]


def _process(threads: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, get_context("spawn"), initializer=_settle, initargs=(threads,))


def _settle(threads: int) -> None:
    os.environ["OMP_NUM_THREADS"] = str(threads)
    import torch

    torch.set_num_threads(threads)


def _rate(processes: list[ProcessPoolExecutor], train, images: int, epochs: int, real: bool) -> float:
    """Return the images per second of processes that train side by side, over the time from the first to the last."""
    windows: list[Window] = [answer.result() for answer in [one.submit(train, images, epochs, real) for one in processes]]
    begins, ends, trained = zip(*windows, strict=True)
    return sum(trained) / (max(ends) - min(begins))


def _config(images: int, epochs: int) -> TrialConfig:
    return TrialConfig(
        data=Data(
            source="cifar10",
            subset=Subset(train=images, val=10, test=10),  # validation is no part of the comparison
            augment=(Flip(name="flip"), Crop(name="crop", padding=4)),
        ),
        model=Model(name="simple_cnn"),
        train=Train(epochs=epochs, batch_size=BATCH, optimizer=SGD(name="sgd", lr=LR, momentum=MOMENTUM)),
    )


def _ours(images: int, epochs: int, real: bool) -> Window:
    from bench.training import run_trial

    ends: list[float] = []

    def report(epoch: int, metrics: dict[str, float]) -> bool:
        ends.append(time.monotonic())
        return False

    result = run_trial(_config(images, epochs), 0, _dataset(real), "cpu", report)
    if result.outcome != "finished":
        raise RuntimeError(result.message)
    return ends[0], ends[-1], images * (epochs - 1)


def _typical(images: int, epochs: int, real: bool) -> Window:
    import torch
    from glue.typical_loop import loaders_for, train_epoch

    from bench.models import build

    config, dataset = _config(images, epochs), _dataset(real)
    chosen = data.split(dataset, config.data).train
    pictures = dataset.train_images[chosen]
    network = build(config.model, pictures.shape[1:], len(dataset.classes), 0)
    optimizer = torch.optim.SGD(network.parameters(), lr=LR, momentum=MOMENTUM)
    batches = loaders_for({"train": (pictures, dataset.train_labels[chosen])}, BATCH)["train"]
    ends = []
    for _ in range(epochs):
        train_epoch(network, batches, optimizer)
        ends.append(time.monotonic())
    return ends[0], ends[-1], images * (epochs - 1)


def _dataset(real: bool) -> data.Dataset:
    if real:
        return _real()
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (10_000, 3, 32, 32), dtype=np.uint8)
    labels = np.arange(10_000) % 10
    return data.Dataset.build("random", tuple("0123456789"), pictures, labels, pictures[:1000], labels[:1000])


def _real() -> data.Dataset | None:
    """Return CIFAR-10 where it is at hand."""
    try:
        return data.prepare(Data(source="cifar10"))
    except BenchError:
        return None
