"""A training step as one CUDA graph: its hundreds of small kernels are launched at once, and the processor is out of the way."""

from collections.abc import Callable, Sequence

import torch

from bench.config import TrialConfig
from bench.models.base import MODELS

WARM = 3
"""Steps before the capture: libraries choose their kernels and allocate what they keep."""
REPAID = 200
"""Steps from which a capture, of about a second, is repaid."""

Step = Callable[[torch.Tensor, torch.Tensor], None]


class CaptureFailed(Exception):
    """A step could not be captured: what trains begins again, and this process captures no more."""


works = True
"""Whether captures have worked in this process so far."""


class Captured:
    """A step (places, rates) -> None that is captured now and replayed by each call, with tensors of the same shapes."""

    def __init__(self, step: Step, places: torch.Tensor, rates: torch.Tensor, generators: Sequence[torch.Generator]):
        """generators: all that the step draws from, beside the default one. Raises Failed."""
        self._places, self._rates = places.clone(), rates.clone()
        self._graph = torch.cuda.CUDAGraph()
        try:
            for generator in generators:
                self._graph.register_generator_state(generator)
            with torch.cuda.graph(self._graph, stream=torch.cuda.current_stream()):
                step(self._places, self._rates)
        except RuntimeError as error:
            if isinstance(error, torch.OutOfMemoryError):
                raise
            raise CaptureFailed(str(error)) from error

    def __call__(self, places: torch.Tensor, rates: torch.Tensor) -> None:
        self._places.copy_(places)
        self._rates.copy_(rates)
        self._graph.replay()


def stream(device: torch.device) -> torch.cuda.Stream:
    """Return a stream to train on: what runs on the default one cannot be captured."""
    return torch.cuda.Stream(device)


def is_worth_it(config: TrialConfig, steps: int, device: torch.device) -> bool:
    """Tell whether to capture the step of a trial of so many steps: on CUDA, where it is long, and all its parts are known not to
    wait for the device nor to change from step to step."""
    if device.type != "cuda" or not works or steps < REPAID:
        return False
    own_augmentation = any(":" in augmentation.name for augmentation in config.data.augment)
    known = config.model.name in MODELS and ":" not in config.model.name and config.train.loss.name == "cross_entropy"
    return known and not own_augmentation
