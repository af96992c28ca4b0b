"""How long training takes, found from a few steps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from bench import memory
from bench.clock import now as clock
from bench.config import TrialConfig
from bench.data import Dataset, ImageSet, view
from bench.models import packable, packed
from bench.training.numerics import check_device, isolated
from bench.training.program import Program, start

TIMED, REPEATS = 0.25, 5
LONG = 2.0
"""Seconds. A step that takes longer is timed once."""
BACKENDS = {"cpu": (packed.GROUPED,), "cuda": packed.BACKENDS}
"""What is tried, by kind of device. On a CPU patches were slower than groups in all that was measured (docs/benchmarks.md)."""
LESS = 0.95
"""What a wider pack should take of the time of the one before, for a still wider one to be tried."""


@dataclass(frozen=True)
class ProbedSpeed:
    """Seconds an image on this device with this number of threads: to train on it once, to evaluate it once."""

    train_seconds_per_image: float
    eval_seconds_per_image: float


def probe(config: TrialConfig, dataset: Dataset, device: str = "cpu") -> ProbedSpeed:
    """Time a few steps of `config`, of the configured batch size, with random weights; the first is a warm-up and does not count,
    but where it takes long.
    """
    place = check_device(config.train, device)
    with memory.reused(), isolated(config.train, 0, place):
        return _probe(config, dataset, place)


def probe_packs(config: TrialConfig, dataset: Dataset, device: str, widths: Sequence[int]) -> dict[tuple[int, str], float]:
    """Return seconds an image of each trial that trains in a pack of so many, by width and back-end, as far as wider packs gain;
    and alone, as (1, "").

    Where networks cannot be packed there is only that; a width for which there is no memory, and wider ones, are left out.
    """
    place = check_device(config.train, device)
    with memory.reused(), isolated(config.train, 0, place):
        seen = view(dataset, config.data)
        config = _untrained(config)
        seconds = {(1, ""): _pack_seconds(config, seen, place, 1)}
        for backend in BACKENDS[place.type]:
            best = seconds[1, ""]
            for width in widths:
                try:
                    seconds[width, backend] = _pack_seconds(config, seen, place, width, backend)
                except packed.Unpackable:
                    return seconds
                except (RuntimeError, MemoryError) as error:
                    if not memory.ran_out(error):
                        raise
                    break
                if seconds[width, backend] > LESS * best:
                    break
                best = seconds[width, backend]
        return seconds


def _pack_seconds(config: TrialConfig, seen: Dataset, device: torch.device, width: int, backend: str = packed.GROUPED) -> float:
    """Return seconds an image of a pack's trial, from steps of the whole batch size; two in a row, as their start costs."""
    images = 2 * config.train.batch_size
    part = _part(config, seen, images, device)
    starts = [start(config, seed, {"train": part, "val": part}, len(seen.classes), device) for seed in range(width)]
    if width > 1 and (problem := packable.problem(config.model, starts[0].preprocess.out_shape, len(seen.classes))):
        raise packed.Unpackable(problem)
    program = Program(starts, device, backend)
    return _seconds(lambda: program.train_epoch(0)[0].tolist(), device) / images / width


def _untrained(config: TrialConfig) -> TrialConfig:
    """Return a configuration that needs no weights: they do not matter to the time."""
    return config.model_copy(update={"model": config.model.model_copy(update={"pretrained": False, "weights": None})})


def _probe(config: TrialConfig, dataset: Dataset, device: torch.device) -> ProbedSpeed:
    batch_size = config.train.batch_size
    seen = view(dataset, config.data)
    config = _untrained(config)

    def program(images: int) -> Program:
        part = _part(config, seen, images, device)
        return Program([start(config, 0, {"train": part, "val": part}, len(seen.classes), device)], device)

    def step_seconds() -> float:
        trained = program(batch_size)
        return _seconds(lambda: trained.train_epoch(0)[0].tolist(), device)  # tolist waits

    step = step_seconds()
    images = max(batch_size, 64)
    evaluated = program(images)
    eval_seconds = _seconds(lambda: evaluated.logits("val").sum().item(), device)
    return ProbedSpeed(step / batch_size, eval_seconds / images)


def _part(config: TrialConfig, dataset: Dataset, images: int, device: torch.device) -> ImageSet:
    """Return so many training images as they come, neither split nor noisy nor denoised, in environments by turns."""
    chosen = np.arange(images) % len(dataset.train_labels)
    numbers = torch.arange(images, device=device)
    return ImageSet(
        torch.from_numpy(dataset.train_images[chosen]).to(device),
        torch.from_numpy(dataset.train_labels[chosen]).to(device),
        chosen,
        environments=numbers % 2 if config.data.environments else None,
    )


def _seconds(run: Callable[[], object], device: torch.device) -> float:
    """Return the mean duration of `run` after one warm-up; `run` must wait for the device. Where the warm-up alone takes long, it
    is what counts; but on a GPU, where the first time captures or compiles."""
    start = clock()
    run()
    if (first := clock() - start) > LONG and device.type == "cpu":
        return first
    start, runs = clock(), 0
    while runs < REPEATS and clock() - start < TIMED:
        run()
        runs += 1
    return (clock() - start) / runs
