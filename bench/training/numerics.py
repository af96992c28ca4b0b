"""Which kernels may be chosen and which random numbers are drawn, for the duration of one trial."""

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from bench import ambient, config, memory
from bench.errors import BenchError
from bench.seeding import derive


def check_device(train: config.Train, device: str) -> torch.device:
    """Return the device; BenchError where this machine lacks it, or where it cannot do what `train` asks for."""
    if not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        raise BenchError(f"unknown device {device!r}", mend="use cpu, cuda or cuda:N")
    place = torch.device(device)
    if place.type == "cuda" and not (torch.cuda.is_available() and (place.index or 0) < torch.cuda.device_count()):
        raise BenchError(f"there is no device {device} here", mend="use another device, such as cpu")
    if place.type != "cuda" and train.precision == "bfloat16":
        raise BenchError(
            f"train.precision bfloat16 needs CUDA, not {device}", mend="set `train.precision: float32` for this device"
        )
    if place.type != "cuda" and train.compile:
        raise BenchError(f"train.compile needs CUDA, not {device}", mend="set `train.compile: false` for this device")
    return place


def global_generators(device: torch.device) -> dict[str, Any]:
    """Return the states of the generators that belong to the process: PyTorch's, Python's and NumPy's."""
    name, numbers, *rest = np.random.get_state()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
        "python": random.getstate(),
        "numpy": [name, numbers.astype(np.int64), *rest],
    }


def set_global_generators(states: dict[str, Any], device: torch.device) -> None:
    """Let them go on from such states."""
    torch.set_rng_state(states["torch"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"], device)
    version, numbers, gauss = states["python"]
    random.setstate((version, tuple(numbers), gauss))
    name, numbers, *rest = states["numpy"]
    np.random.set_state((name, numbers.numpy().astype(np.uint32), *rest))


@contextmanager
def isolated(train: config.Train, seed: int, device: torch.device) -> Iterator[None]:
    """Set kernel choice by `train.deterministic`; PyTorch's global generators to the stream "dropout"; and those of Python and
    NumPy, from which custom components may draw, to streams of their own. Afterwards put everything back, so that the trials of
    a long-lived process do not see each other.
    """
    strict = train.deterministic == "strict"
    if strict and device.type == "cuda":
        memory.fix_cublas_workspace()
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.utils.deterministic.fill_uninitialized_memory,
        torch.backends.cudnn.benchmark,
    )
    torch.use_deterministic_algorithms(strict)
    torch.utils.deterministic.fill_uninitialized_memory = False  # a debugging aid that costs a write of every buffer
    torch.backends.cudnn.benchmark = not strict
    try:
        with ambient.generators_kept(device):
            torch.manual_seed(derive(seed, "dropout"))
            random.seed(derive(seed, "python"))
            np.random.seed(derive(seed, "numpy") % 2**32)
            yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.utils.deterministic.fill_uninitialized_memory = before[2]
        torch.backends.cudnn.benchmark = before[3]
