"""What a worker can do: an answer to each request. Keeps the data sets that it has read in memory.

Loads torch: only workers import this module, never the coordinator.
"""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from bench import ambient, components, models
from bench import data as datasets
from bench.clock import now as clock
from bench.config import Data, TrialConfig
from bench.config.base import declared_files
from bench.data import Dataset
from bench.errors import BenchError
from bench.models.packed import GROUPED
from bench.runner import undeclared
from bench.runner.artifacts import ended, plain
from bench.runner.messages import (
    CountShared,
    Denoise,
    Denoised,
    Ended,
    Epoch,
    Facts,
    Inspect,
    Prepare,
    ProbeDenoising,
    ProbePacks,
    ProbeTraining,
    Request,
    Speed,
    TrainTrials,
    Warned,
)
from bench.trackers.record import Artifact
from bench.training import check_device, run_trials
from bench.training.checkpoint import Checkpoint
from bench.training.losses import check as check_loss
from bench.training.metrics import class_groups
from bench.training.probe import probe, probe_packs


class Channel(Protocol):
    """The way home of a request under way."""

    def tell(self, value: Epoch | Denoised | Warned | str) -> None:
        """Send progress."""

    def hear(self) -> Any:
        """Wait for a reply to what was told, and return it."""


def answer(request: Request[Any], channel: Channel, device: str) -> Any:
    """Do what a request asks for, and return its answer. device: "cpu" or "cuda:0" …. Raises whatever goes wrong."""
    with ambient.kept(), components.beside(request.beside):
        declared = [components.data_file(name) for config in request.configs for _, name in declared_files(config)]
        with undeclared.watched(request.beside, declared) as warnings:
            try:
                result = ANSWERS[type(request)](request, channel, device)
            finally:
                for text in warnings:
                    channel.tell(Warned(text))
        if isinstance(request, TrainTrials) and warnings:
            for trial in result:
                trial.artifacts[Artifact.LOG] = "".join(f"warning: {text}\n" for text in warnings).encode()
        return result


def _dataset(data: Data) -> Dataset:
    """Return the images that a section reads; all sections that read the same ones share them."""
    return _opened(data.origin, components.version() if ":" in data.source else 0)


@cache
def _opened(source: str, _components: int) -> Dataset:
    return datasets.prepare(Data.model_validate_json(source))


def _prepare(request: Prepare, channel: Channel, device: str) -> tuple[str, int]:
    dataset = datasets.prepare(request.data, download=request.download, check=True, say=channel.tell)
    _opened.cache_clear()  # it may have been damaged, and was made anew
    return dataset.digest, len(dataset.classes)


def _inspect(request: Inspect, channel: Channel, device: str) -> Facts:
    config, errors = request.config, list[tuple[str, BenchError]]()
    dataset = _dataset(config.data)
    names = dataset.classes
    sizes, redrawn, resplit, classes, weights = dict[int, tuple[int, int, int]](), {}, {}, len(dataset.classes), 0
    try:
        names = datasets.view(dataset, config.data).classes
        classes = len(names)
        for seed in request.seeds:
            parts = datasets.part_sizes(dataset, config.data.drawn(seed))
            sizes[seed] = (parts["train"], parts["val"], parts["test"])
        redrawn = datasets.redrawn(dataset, config.data)
        if request.crossed:
            with_split = isinstance(config.data.classes, int) and config.data.classes_seed is None
            anew = ("split", "classes") if with_split else ("split",)
            resplit = datasets.redrawn(dataset, config.data.model_copy(update={"vary": anew}))
    except BenchError as error:
        errors.append(("data", error))
    channels, *size = dataset.train_images.shape[1:]
    if config.data.denoise:
        from bench.data.denoise import check as check_denoiser  # which few trials need

        try:
            check_denoiser(config.data.denoise, *size)
        except BenchError as error:
            errors.append(("data", error))
    height, width = config.data.resize.applied(*size) if config.data.resize else size
    try:
        weights = models.check(config.model, (channels, height, width), classes)
    except BenchError as error:
        errors.append(("model", error))
    train = config.train
    checks = partial(check_device, train, device), partial(check_loss, train.loss, config.data)
    for check in (*checks, partial(class_groups, train.class_groups, names)):
        try:
            check()
        except BenchError as error:
            errors.append(("train", error))
    if request.contracts and not errors:
        from bench.contracts import check_own

        errors += check_own(config, dataset, device)
    first = next(iter(sizes.values()), (0, 0, 0))
    others = {seed: of_seed for seed, of_seed in sizes.items() if of_seed != first}
    changing = ({str(name): part for name, part in parts.items()} for parts in (redrawn, resplit))
    return Facts(first, classes, errors, weights, others, *changing)


def _count_shared(request: CountShared, channel: Channel, device: str) -> int:
    return datasets.shared_images(_dataset(request.trained), request.trained, request.tested)


def _probe(request: ProbeTraining, channel: Channel, device: str) -> Speed:
    speed = probe(request.config, _dataset(request.config.data), device)
    return Speed(speed.train_seconds_per_image, speed.eval_seconds_per_image)


def _probe_denoising(request: ProbeDenoising, channel: Channel, device: str) -> float:
    from bench.data.denoise import CHUNK, seconds_an_image

    data = request.config.data
    assert data.denoise, "who asks has checked"
    images = torch.from_numpy(np.array(_dataset(data).train_images[:CHUNK]))  # a copy: the data set cannot be written
    return seconds_an_image(images, data.denoise, device)


def _denoise(request: Denoise, channel: Channel, device: str) -> int:
    from bench.data.denoise import denoised
    from bench.data.pipeline import pending

    data = request.config.data
    assert data.denoise, "who asks has checked"
    waiting = pending(data, request.seed, _dataset(data))
    done, total = 0, sum(map(len, waiting))
    which = f"{data.denoise.name}, noise {data.noise.variance:g}, seed {request.seed}"

    def step(images: int) -> None:
        nonlocal done
        done += images
        channel.tell(Denoised(which, done, total))

    for images in waiting:
        denoised(images, data, device=device, step=step, warn=channel.tell)
    return total


def _probe_packs(request: ProbePacks, channel: Channel, device: str) -> dict[tuple[int, str], float]:
    return probe_packs(request.config, _dataset(request.config.data), device, list(request.widths))


def _train(request: TrainTrials, channel: Channel, device: str) -> list[Ended]:
    began = clock()

    def resumed(place: int, history: list[dict[str, float]]) -> None:
        nonlocal began
        for row in history:
            metrics = {name: value for name, value in row.items() if name not in ("epoch", "seconds")}
            channel.tell(Epoch(place, int(row["epoch"]), metrics, row["seconds"], again=True))
        began = min([began, *(clock() - row["seconds"] for row in history)])

    def report(place: int, epoch: int, metrics: dict[str, float]) -> bool:
        channel.tell(Epoch(place, epoch, plain(metrics), clock() - began))
        return request.asks and not channel.hear()

    trials: list[tuple[TrialConfig, int]] = list(request.trials)
    dataset, kept = _dataset(trials[0][0].data), request.checkpoints
    results = run_trials(
        trials,
        dataset,
        device,
        [partial(report, place) for place in range(len(trials))],
        keep_weights=request.keeps,
        shrink=request.asks or trials[0][0].train.deterministic == "fast",
        backend=request.backend or GROUPED,
        checkpoint=Checkpoint(Path(kept.path), kept.trials, kept.made_by, kept.every) if kept else None,
        resumed=[partial(resumed, place) for place in range(len(trials))],
    )
    return [ended(results.pop(0), config.drawn(seed), dataset) for config, seed in trials]  # weights are not held twice


ANSWERS: dict[type[Request[Any]], Callable[..., Any]] = {
    Prepare: _prepare,
    Inspect: _inspect,
    CountShared: _count_shared,
    ProbeTraining: _probe,
    ProbeDenoising: _probe_denoising,
    Denoise: _denoise,
    ProbePacks: _probe_packs,
    TrainTrials: _train,
}
