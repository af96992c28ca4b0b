"""Do the parts of a user's own, `module:name`, keep to what is asked of such parts? Each is called a few times, on few images."""

from collections.abc import Callable
from typing import Any

import torch

from bench.config import Augment, Own, TrialConfig
from bench.contracts.base import world_kept
from bench.contracts.images import check_augmentation, check_denoiser, check_source
from bench.contracts.learning import check_loss, check_model
from bench.data import Dataset, view
from bench.data.augment import Augmenter
from bench.errors import BenchError


def check_own(config: TrialConfig, dataset: Dataset, device: str = "cpu") -> list[tuple[str, BenchError]]:
    """Check every part of the user's own in a configuration; return the first violation of each bad one, with its section.

    dataset: what `config.data` names. The errors name the part, its file and line, what it does wrong and what it must do.
    """
    place = torch.device(device)
    violations: list[tuple[str, BenchError]] = []

    def run(section: str, check: Callable, *arguments: Any) -> None:
        try:
            with world_kept(place):
                check(*arguments)
        except BenchError as error:
            violations.append((section, error))

    if ":" in config.data.source:
        run("data", check_source, config.data, dataset)
    try:
        seen = view(dataset, config.data)
    except BenchError as error:
        return [*violations, ("data", error)]
    shape, classes = seen.train_images.shape[1:], len(seen.classes)
    augment = config.data.augment + (config.data.append.augment if config.data.append else ())
    for part in augment:
        if isinstance(part, Own):
            run("data", check_augmentation, part, shape, place)
    if isinstance(config.data.denoise, Own):
        run("data", check_denoiser, config.data.denoise, shape, place)
    if ":" in config.model.name:
        size = config.data.resize.applied(*shape[1:]) if config.data.resize else shape[1:]
        run("model", check_model, config.model, (shape[0], *size), classes, place)
    if isinstance(config.train.loss, Own):
        mixes = _mixes(augment, shape)
        run("train", check_loss, config.train.loss, classes, mixes, config.data.environments is not None, place)
    return violations


def _mixes(augment: tuple[Augment, ...], shape: tuple[int, ...]) -> bool:
    """Tell whether an augmentation mixes images, so that targets are soft."""
    try:
        return Augmenter(augment, torch.zeros(1, *shape, dtype=torch.uint8), classes=2).mixes
    except BenchError:  # which its own check has told
        return False
