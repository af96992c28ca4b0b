"""Augmentations that mix images, and with them labels."""

from functools import lru_cache

import numpy as np
import torch
from scipy.special import betaincinv

from bench.config import CutMix
from bench.data.augment.base import AUGMENTATIONS, Source, chosen, partners, uniform

_STEPS = 4096


@AUGMENTATIONS.register("cutmix")
def cutmix(images: torch.Tensor, options: CutMix, generator: Source) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """With probability p, paste a box of another image of the batch; labels are mixed by area (Yun et al. 2019).

    As in the paper, the box has the image's proportions, its sides are rounded down, its centre is drawn evenly and what
    lies outside is cut off; the share is what is left of the image. Where the paper draws one box a batch, each image has
    its own, and each lends to exactly one other: partners are a random cycle through the batch.
    """
    height, width = images.shape[2:]
    which = chosen(images, options.p, generator)
    cut = (1 - _beta(options.alpha, images, generator)).sqrt_()
    rows, columns = (_between(side, cut, uniform(images, 0, side, generator), images.device) for side in (height, width))
    partner = partners(images, generator)
    pasted = rows[:, None, :, None] & columns[:, None, None, :] & which
    share = 1 - pasted.sum((1, 2, 3)) / (height * width)
    return torch.where(pasted, images[partner], images), partner, share


def _between(side: int, cut: torch.Tensor, centre: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return bool [B, side]: which rows (or columns) the box covers. cut: [B, 1], its extent as a part of the side."""
    extent = (side * cut).floor_()
    first = centre.flatten(1).floor_() - (extent / 2).floor_()
    place = torch.arange(side, device=device)
    return (place >= first) & (place < first + extent)


def _beta(alpha: float, images: torch.Tensor, generator: Source) -> torch.Tensor:
    """Draw float32 [B, 1] from Beta(alpha, alpha), one number of the generator each: by the inverse of its distribution."""
    # torch's own sampler takes no generator, and draws now more numbers, now fewer. The inverse is interpolated: exact for
    # alpha 1, else to 1e-3 but for the outermost 1/4096 at each end.
    place = uniform(images, 0, _STEPS, generator).flatten(1)
    below = place.long().clamp_(max=_STEPS - 1)
    quantiles = _quantiles(alpha, images.device)
    return torch.lerp(quantiles[below], quantiles[below + 1], place - below)


@lru_cache(maxsize=16)
def _quantiles(alpha: float, device: torch.device) -> torch.Tensor:
    return torch.from_numpy(betaincinv(alpha, alpha, np.linspace(0, 1, _STEPS + 1)).astype(np.float32)).to(device)
