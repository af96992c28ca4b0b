"""A worker process: keeps torch and the data sets in memory and answers one request after another.

Requests come over a pipe as (function name, arguments); answers are ("progress", …) any number of times, then
("done", value) or ("failed", error, traceback). The worker ends when the pipe closes or its coordinator is gone.
"""

import io
import json
import multiprocessing
import os
import platform
import sys
import threading
import traceback
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.metadata import version
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import numpy as np

from bench.config import Data, TrialConfig
from bench.errors import BenchError


@dataclass(frozen=True)
class Hello:
    """What a worker says of itself when it is ready. devices: CUDA devices it sees. versions: of what shapes results."""

    device: str
    devices: int
    versions: dict[str, str]


@dataclass(frozen=True)
class Facts:
    """What is known of a cell before it trains. sizes: images in train, val and test."""

    sizes: tuple[int, int, int]
    errors: list[tuple[str, BenchError]] = field(default_factory=list)


@dataclass(frozen=True)
class Ended:
    """What `bench.training.Result` says of a trial, in a form that needs no torch: to load it would hold the coordinator up.

    artifacts: file name → content.
    """

    outcome: str
    message: str
    metrics: dict[str, float]
    history: list[dict[str, float]]
    pack: int
    backend: str
    artifacts: dict[str, bytes]


def main(pipe: Connection, device: str, threads: int) -> None:
    """Serve requests until the pipe closes. device: "cpu", "cuda:0" …, or "auto" (CUDA where there is one)."""
    threading.Thread(target=_end_with, args=(multiprocessing.parent_process(),), daemon=True).start()
    import torch

    from bench import memory

    memory.fix_cublas_workspace()  # of denoising too, which comes before any trial
    torch.set_num_threads(threads)
    if device == "auto":
        device = "cuda:0" if torch.cuda.is_available() else "cpu"
    pipe.send(("done", _hello(device)))
    while True:
        try:
            name, arguments = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            answer = ("done", REQUESTS[name](pipe, device, *arguments))
        except BrokenPipeError:
            return
        except Exception as error:
            told = error if isinstance(error, BenchError) else BenchError(f"{type(error).__name__}: {error}")
            answer = ("failed", told, traceback.format_exc())
        pipe.send(answer)


def _end_with(coordinator: BaseProcess) -> None:
    """End this process when its coordinator has died, however it died: then the pipe between them closes."""
    coordinator.join()
    os._exit(1)


def _hello(device: str) -> Hello:
    import torch

    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else f"CPU {_cpu_name()}"
    # of the others the metadata, since importing timm and torchvision takes longer than many a trial
    versions = {"python": platform.python_version(), "torch": str(torch.__version__)}  # a type of its own
    versions |= {package: version(package) for package in ("torchvision", "timm")}
    return Hello(name, torch.cuda.device_count(), versions)


def _cpu_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123
            return next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _dataset(data: Data):
    """Return the images that a section reads; all sections that read the same ones share them."""
    return _opened(data.origin)


@cache
def _opened(source: str):
    from bench import data as datasets

    return datasets.prepare(Data.model_validate_json(source))


def _prepare(pipe: Connection, device: str, data: Data, download: bool) -> tuple[str, int]:
    """Make a data set ready. Returns its digest and number of classes."""
    from bench import data as datasets

    dataset = datasets.prepare(data, download=download, say=lambda text: pipe.send(("progress", text)))
    return dataset.digest, len(dataset.classes)


def _inspect(pipe: Connection, device: str, config: TrialConfig, contracts: bool) -> Facts:
    """Check a configuration against its data and model, without training. contracts: check the user's own parts too."""
    from bench import data as datasets
    from bench import models
    from bench.training import check_device
    from bench.training.losses import check as check_loss

    errors: list[tuple[str, BenchError]] = []
    dataset = _dataset(config.data)
    sizes, classes = (0, 0, 0), len(dataset.classes)
    try:
        classes = len(datasets.view(dataset, config.data).classes)
        found = datasets.part_sizes(dataset, config.data)
        sizes = (found["train"], found["val"], found["test"])
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
        models.check(config.model, (channels, height, width), classes)
    except BenchError as error:
        errors.append(("model", error))
    for check in (partial(check_device, config.train, device), partial(check_loss, config.train.loss, config.data)):
        try:
            check()
        except BenchError as error:
            errors.append(("train", error))
    if contracts and not errors:
        from bench.contracts import check_own

        errors += check_own(config, dataset, device)
    return Facts(sizes, errors)


def _shared_images(pipe: Connection, device: str, trained: Data, tested: Data) -> int:
    """Count the images that one section trains on and another, over the same source, validates or tests on."""
    from bench import data as datasets

    return datasets.shared_images(_dataset(trained), trained, tested)


def _probe(pipe: Connection, device: str, config: TrialConfig) -> tuple[float, float]:
    """Measure seconds an image, in training and in evaluation."""
    from bench.training.probe import probe

    found = probe(config, _dataset(config.data), device)
    return found.train_seconds_per_image, found.eval_seconds_per_image


def _probe_denoising(pipe: Connection, device: str, config: TrialConfig) -> float:
    """Measure the seconds an image, at most, that denoising takes."""
    import torch

    from bench.data.denoise import CHUNK, seconds_an_image

    images = torch.from_numpy(np.array(_dataset(config.data).train_images[:CHUNK]))  # a copy: the data set cannot be written
    return seconds_an_image(images, config.data.denoise, device)


def _denoise(pipe: Connection, device: str, config: TrialConfig, seed: int) -> int:
    """Denoise a trial's images ahead of it; progress is (which, images done, images to do). Returns how many there were to do."""
    from bench.data.denoise import denoised
    from bench.data.pipeline import pending

    waiting = pending(config.data, seed, _dataset(config.data))
    done, total = 0, sum(map(len, waiting))
    which = f"{config.data.denoise.name}, noise {config.data.noise.variance:g}, seed {seed}"

    def step(images: int) -> None:
        nonlocal done
        done += images
        pipe.send(("progress", (which, done, total)))

    for images in waiting:
        denoised(images, config.data, device=device, step=step)
    return total


def _probe_packs(pipe: Connection, device: str, config: TrialConfig, widths: list[int]) -> dict[tuple[int, str], float]:
    """Measure seconds an image in training, alone (1, "") and in packs of each width and back-end that is possible and of use."""
    from bench.training.probe import probe_packs

    return probe_packs(config, _dataset(config.data), device, widths)


def _trials(
    pipe: Connection,
    device: str,
    trials: list[tuple[TrialConfig, int]],
    keeps: bool = False,
    asks: bool = False,
    backend: str = "",
) -> list[Ended]:
    """Train and evaluate trials that go together as one program; progress is (place, epoch, metrics).

    keeps: the weights are an artifact too. asks: after each epoch of each trial, wait to be told whether it is to go on.
    backend: see `run_trials`; "" for the usual one.
    """
    from bench.models.packed import GROUPED
    from bench.training import run_trials

    def report(place: int, epoch: int, metrics: dict[str, float]) -> bool:
        pipe.send(("progress", (place, epoch, metrics)))
        return asks and not pipe.recv()

    dataset = _dataset(trials[0][0].data)
    reports = [partial(report, place) for place in range(len(trials))]
    shrink = asks or trials[0][0].train.deterministic == "fast"
    results = run_trials(trials, dataset, device, reports, keep_weights=keeps, shrink=shrink, backend=backend or GROUPED)
    return [_ended(results.pop(0), config, dataset) for config, _ in trials]  # weights are not held twice


def _ended(result, config: TrialConfig, dataset) -> Ended:
    """Return what is to be sent of a result, its arrays as files."""
    from bench import data as datasets

    artifacts = {}
    if result.predictions:
        artifacts["predictions.npz"] = _npz(result.predictions)
        classes = datasets.view(dataset, config.data).classes
        artifacts["confusion.json"] = _confusion_json(classes, result.confusion)
    if result.weights is not None:
        from safetensors.torch import save

        artifacts["weights.safetensors"] = save(result.weights)
    if result.images:
        artifacts["images.npz"] = _npz_of(result.images)
    told = (result.outcome, result.message, result.metrics, result.history, result.pack, result.backend)
    return Ended(*told, artifacts)


def _npz(predictions: dict[str, dict[str, np.ndarray]]) -> bytes:
    """Return predictions as a compressed archive: `<split>/probabilities` float16 [N, C], `/targets` and `/indices` [N]."""
    return _npz_of({f"{split}/{name}": array for split, part in predictions.items() for name, array in part.items()})


def _npz_of(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _confusion_json(classes: tuple[str, ...], confusion: dict[str, np.ndarray]) -> bytes:
    """Return the confusion matrices, rows true and columns predicted, a row a line."""
    matrices = {part: matrix.tolist() for part, matrix in confusion.items()}
    told = json.dumps({"classes": classes, "rows": "true", "columns": "predicted", **matrices}, ensure_ascii=False)
    return told.replace("], [", "],\n [").encode()


REQUESTS = {
    "prepare": _prepare,
    "inspect": _inspect,
    "shared_images": _shared_images,
    "probe": _probe,
    "probe_denoising": _probe_denoising,
    "denoise": _denoise,
    "probe_packs": _probe_packs,
    "trials": _trials,
}

if __name__ == "__main__":
    sys.exit("this module is started by the runner")
