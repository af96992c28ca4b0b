"""Several augmentations, one after another, on images and their targets."""

from collections.abc import Callable

import torch

from bench.config import Augment
from bench.data.augment.base import AUGMENTATIONS, Generators, Source
from bench.errors import BenchError
from bench.registry import options

_CALL = "it is called as f(images [B, 3, H, W], options, generator) and returns images of the same shape, type and device"


class Augmenter:
    """Applies augmentations in their order. mixes: whether one of them mixes images, and so makes targets soft."""

    def __init__(self, augment: tuple[Augment, ...], images: torch.Tensor, classes: int):
        """images: some of those that are to be augmented. Each augmentation is tried on two of them.

        Raises BenchError for one that is not known, fails, or returns something else than augmented images.
        """
        two = images[:1].expand(2, -1, -1, -1)
        self._classes = classes
        self._steps = []
        for augmentation in augment:
            step, settings = AUGMENTATIONS[augmentation.name], options(augmentation)
            mixing = _mixing(augmentation.name, step, settings, two)
            self._steps.append((_by_turns(step) if ":" in augmentation.name else step, settings, mixing))
        self.mixes = any(mixing for *_, mixing in self._steps)

    def __call__(self, images: torch.Tensor, targets: torch.Tensor, generator: Source) -> tuple[torch.Tensor, torch.Tensor]:
        """Return augmented images, and their targets: float32 [B, classes] where `mixes`, else as they came.

        images: [B, 3, H, W]. targets: int64 [B], or float32 [B, classes]. generator: of one trial, or of several by turns.
        """
        if self.mixes:
            targets = soft(targets, self._classes)
        for step, settings, mixing in self._steps:
            if mixing:
                images, partner, share = step(images, settings, generator)
                targets = torch.lerp(targets[partner], targets, share[:, None])
            else:
                images = step(images, settings, generator)
        return images, targets


def _by_turns(step: Callable) -> Callable:
    """Return an augmentation of the user's own, which knows of one generator only, for the images of several trials by turns."""

    def each(images: torch.Tensor, settings, generator: Source):
        if not isinstance(generator, Generators):
            return step(images, settings, generator)
        count = len(generator)
        results = [step(images[number::count].clone(), settings, member) for number, member in enumerate(generator.members)]
        if not isinstance(results[0], tuple):
            return torch.stack(results, 1).flatten(0, 1)
        mixed, partner, share = (torch.stack(parts, 1) for parts in zip(*results, strict=True))
        partner = partner * count + torch.arange(count, device=partner.device)
        return mixed.flatten(0, 1), partner.flatten(), share.flatten()

    return each


def soft(targets: torch.Tensor, classes: int) -> torch.Tensor:
    """Return labels int64 [N] as float32 [N, classes] with a 1 in each row; what is soft already stays as it is."""
    if targets.is_floating_point():
        return targets
    return torch.zeros(len(targets), classes, device=targets.device).scatter_(1, targets[:, None], 1.0)


def _mixing(name: str, step: Callable, settings, images: torch.Tensor) -> bool:
    """Try an augmentation, and tell whether it mixes images."""
    component = name if ":" in name else ""
    try:
        result = step(images.clone(), settings, torch.Generator(images.device).manual_seed(0))
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise BenchError(
            f"augmentation {name!r} fails: {type(error).__name__}: {reason}", mend=_CALL, component=component
        ) from error
    mixing = isinstance(result, tuple)
    if mixing and len(result) == 3:
        result, partner, share = result
        for what, value, kind in (("partner", partner, torch.int64), ("share", share, torch.float32)):
            if not isinstance(value, torch.Tensor) or value.dtype != kind or value.shape != images.shape[:1]:
                raise BenchError(
                    f"augmentation {name!r} returns a {what} that is {_described(value)}",
                    mend="one that mixes images returns (images, partner int64 [B], share float32 [B])",
                    component=component,
                )
    if _described(result) != _described(images) or result.device != images.device:
        message = f"augmentation {name!r} returns {_described(result)} for {_described(images)}"
        raise BenchError(message, mend=_CALL, component=component)
    return mixing


def _described(value) -> str:
    if not isinstance(value, torch.Tensor):
        return f"a {type(value).__name__}"
    return f"{str(value.dtype).removeprefix('torch.')} {list(value.shape)}"
