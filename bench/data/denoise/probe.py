"""How long denoising takes, found from a few images."""

import torch

from bench import memory
from bench.clock import now as clock
from bench.config import Denoise
from bench.data.denoise.store import CHUNK, STEP, steps

SHARE = 20
"""Of so many iterations one is timed."""


def seconds_an_image(images: torch.Tensor, denoise: Denoise, device: torch.device | str) -> float:
    """Return the seconds that denoising takes for each of many such images, uint8 [N, 3, H, W], at most.

    The time of an iterative denoiser is that of all its iterations, though it may stop earlier.
    """
    device, factor = torch.device(device), 1.0
    if iterations := getattr(denoise, "iterations", None):
        timed = max(1, iterations // SHARE)
        denoise, factor = denoise.model_copy(update={"iterations": timed}), iterations / timed
    few = images[: STEP if device.type == "cpu" else CHUNK]
    with memory.reused():
        for sample in (few[:2], few):  # the first ones, with imports and fixed costs, do not count
            began = clock()
            list(steps(sample, denoise, device, lambda count: None))
    return factor * (clock() - began) / len(few)
