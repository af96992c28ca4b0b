"""Which images an epoch trains on, and in which batches."""

import torch

from bench.seeding import generator


class Order:
    """Which images an epoch trains on, in which order: int64 [N] on the CPU, drawn from the seed's stream "order".

    `shuffle`: each once. `balanced`: N draws with replacement, an image's chance inverse to the size of its class (among
    `labels`, the training part's), so that every class that has images is drawn equally often in the mean.
    """

    def __init__(self, sampling: str, labels: torch.Tensor, seed: int):
        self.generator, self._images = generator(seed, "order"), len(labels)
        self._weights = (1 / torch.bincount(labels.cpu()).double())[labels.cpu()] if sampling == "balanced" else None

    def __call__(self) -> torch.Tensor:
        if self._weights is None:
            return torch.randperm(self._images, generator=self.generator)
        return torch.multinomial(self._weights, self._images, replacement=True, generator=self.generator)


def batches(images: int, batch_size: int) -> list[slice]:
    """Cut an epoch's order into batches. A last batch of one is left out: batch norm cannot train on a single image."""
    starts = range(0, images - 1, batch_size)
    return [slice(start, min(start + batch_size, images)) for start in starts]
