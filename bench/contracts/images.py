"""Contracts of what makes images, and of what changes them."""

import numpy as np
import torch

from bench.config import Data, Own
from bench.contracts.base import BATCH, Subject, described, same, seed_world, world
from bench.data import AUGMENTATIONS, SOURCES, Dataset, data_root
from bench.data.denoise import DENOISERS
from bench.data.sources import source_of
from bench.models.base import Shape
from bench.registry import options

SEEDS = 8
HALF_LEVEL = 0.5 / 255


def check_source(data: Data, dataset: Dataset) -> None:
    """(**args) -> (class names, training images uint8 [N, 3, H, W], labels int64 [N][, test images, labels]), or a Dataset.

    dataset: what it made before; it is called once more, and must make the same.
    """
    subject = Subject(SOURCES, data.source)
    again = source_of(data).read(data_root(), False, lambda text: None)
    subject.demand(
        again.digest == dataset.digest,
        "makes other data when it is called again",
        "draw nothing at random there without a seed of its own; if it reads files that have changed, give it a new name",
    )
    sizes = np.bincount(dataset.train_labels, minlength=len(dataset.classes))
    empty = [name for name, size in zip(dataset.classes, sizes, strict=True) if not size]
    subject.demand(
        not empty, f"has no training image of {', '.join(map(repr, empty[:3]))}", "give every class some images, or leave it out"
    )


def check_denoiser(part: Own, shape: Shape, device: torch.device) -> None:
    """(images float32 [N, 3, H, W] from 0 to 1, options) -> images of the same kind, each by itself: results are stored."""
    subject = Subject(DENOISERS, part.name)
    noise = torch.rand(BATCH // 2, *shape, device=device)

    def made(images: torch.Tensor, seed: int) -> torch.Tensor:
        seed_world(seed)
        return subject.call(subject.part, images.clone(), options(part))

    result = made(noise, 0)
    subject.demand(
        isinstance(result, torch.Tensor) and result.shape == noise.shape and result.device == noise.device,
        f"returns {described((result,))} for {described((noise,))}",
        "return images of the same shape, as a tensor on the same device",
    )
    subject.demand(
        bool(((result >= -HALF_LEVEL) & (result <= 1 + HALF_LEVEL)).all()),
        "returns values that are not from 0 to 1",
        "return finite values; `.clamp(0, 1)` cuts off what a filter overshoots",
    )
    subject.demand(
        torch.equal(result, made(noise, 1)),
        "gives other images when it is called again",
        "draw random numbers from a generator that it makes itself, with a fixed seed",
    )
    subject.demand(
        bool(((made(noise[1:], 0) - result[1:]).abs() <= HALF_LEVEL).all()),
        "gives an image another result among other images",
        "work on each image by itself: take means and ranges over the last three dimensions only",
    )


def check_augmentation(part: Own, shape: Shape, device: torch.device) -> None:
    """(images uint8 [B, 3, H, W], options, generator) -> new images of the same kind; or (images, partner, share) if it mixes."""
    subject = Subject(AUGMENTATIONS, part.name)
    noise = torch.randint(256, (BATCH, *shape), dtype=torch.uint8, device=device)

    def drawn(images: torch.Tensor, seed: int) -> tuple[torch.Tensor, ...]:
        generator = torch.Generator(device=device).manual_seed(seed)
        result = subject.call(subject.part, images, options(part), generator)
        return result if isinstance(result, tuple) else (result,)

    images = noise.clone()
    seed_world(0)
    before = world(device)
    first = drawn(images, 0)
    touched = world(device) != before
    subject.demand(
        torch.equal(images, noise), "changes the images that it is given", "work on a copy, such as `images = images.clone()`"
    )
    _check_images(subject, first, noise)
    draw = "draw from the generator that it is given and from nothing else: `torch.rand(n, generator=generator, device=…)`"
    subject.demand(not touched, "draws from a global generator", draw)
    subject.demand(same(first, drawn(images, 0)), "gives other images when the generator is the same", draw)
    # Of one image many times over: does what depends on the generator depend on the place in the batch?
    alike = noise[:1].repeat(BATCH, 1, 1, 1)
    rounds = [drawn(alike, seed) for seed in range(SEEDS)]
    for output in (0, 2):  # images, and the share where it mixes; partners differ in any case
        tensors = [result[output] for result in rounds if output < len(result)]
        random_at_all = any(not torch.equal(tensors[0], other) for other in tensors[1:])
        per_image = any(not torch.equal(row, tensor[0]) for tensor in tensors for row in tensor[1:])
        subject.demand(
            per_image or not random_at_all,
            "does the same to all images of a batch",
            "draw its parameters for each image: as many numbers as there are images",
        )


def _check_images(subject: Subject, result: tuple, original: torch.Tensor) -> None:
    subject.demand(
        len(result) in (1, 3) and all(isinstance(output, torch.Tensor) for output in result),
        f"returns {described(result)}",
        "return images; or, where it mixes images, (images, partner, share)",
    )
    images = result[0]
    subject.demand(
        images.shape == original.shape and images.dtype == original.dtype and images.device == original.device,
        f"returns {described(result[:1])} for {described((original,))}",
        "return images of the same shape, type and device",
    )
    if len(result) == 3:
        _, partner, share = result
        subject.demand(
            partner.shape == (BATCH,) and partner.dtype == torch.int64 and bool(((partner >= 0) & (partner < BATCH)).all()),
            f"returns partners {described((partner,))}",
            f"return int64 [{BATCH}] for {BATCH} images: the place in the batch of the image that was mixed in",
        )
        subject.demand(
            share.shape == (BATCH,) and share.dtype == torch.float32 and bool(((share >= 0) & (share <= 1)).all()),
            f"returns shares {described((share,))}",
            f"return float32 [{BATCH}] for {BATCH} images: the weight from 0 to 1 of each image's own label",
        )
