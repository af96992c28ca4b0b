"""One epoch of training. Nothing in here waits for the device."""

from contextlib import nullcontext

import torch
from torch import nn

from bench import config
from bench.data import Part, Preprocess
from bench.seeding import generator
from bench.training.losses import Objective
from bench.training.optimizers import learning_rate


class Forward:
    """From uint8 images to float32 logits: preprocessing, memory format, autocast and the network."""

    def __init__(self, network: nn.Module, preprocess: Preprocess, train: config.Train, device: torch.device):
        self.network, self.preprocess = network, preprocess
        self.memory_format = torch.channels_last if train.channels_last else torch.contiguous_format
        network.to(device, memory_format=self.memory_format)
        self._run = torch.compile(network) if train.compile else network
        self._autocast = train.precision == "bfloat16"

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 [batch, 3, H, W] -> logits float32 [batch, classes], as in evaluation: not augmented."""
        return self._logits(self.preprocess(images))

    def augmented(
        self, images: torch.Tensor, targets: torch.Tensor, augmentation: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the logits of augmented images, and their targets, which become soft where images are mixed."""
        pixels, targets = self.preprocess.train(images, targets, augmentation)
        return self._logits(pixels), targets

    def _logits(self, pixels: torch.Tensor) -> torch.Tensor:
        inputs = pixels.contiguous(memory_format=self.memory_format)
        with torch.autocast(inputs.device.type, torch.bfloat16) if self._autocast else nullcontext():
            return self._run(inputs).float()


class Order:
    """Which images an epoch trains on, in which order: int64 [N] on the CPU, drawn from the seed's stream "order".

    `shuffle`: each once. `balanced`: N draws with replacement, an image's chance inverse to the size of its class (among
    `labels`, the training part's), so that every class that has images is drawn equally often in the mean.
    """

    def __init__(self, sampling: str, labels: torch.Tensor, seed: int):
        self._generator, self._images = generator(seed, "order"), len(labels)
        self._weights = (1 / torch.bincount(labels.cpu()).double())[labels.cpu()] if sampling == "balanced" else None

    def __call__(self) -> torch.Tensor:
        if self._weights is None:
            return torch.randperm(self._images, generator=self._generator)
        return torch.multinomial(self._weights, self._images, replacement=True, generator=self._generator)


def batches(images: int, batch_size: int) -> list[slice]:
    """Cut an epoch's order into batches. A last batch of one is left out: batch norm cannot train on a single image."""
    starts = range(0, images - 1, batch_size)
    return [slice(start, min(start + batch_size, images)) for start in starts]


def train_epoch(
    forward: Forward,
    objective: Objective,
    optimizer: torch.optim.Optimizer,
    part: Part,
    train: config.Train,
    epoch: int,
    order: Order,
    augmentation: torch.Generator,
) -> torch.Tensor:
    """Train on the images that `order` draws, in batches; epoch counts from 0.

    Returns running means over the images, float64 [3], still on the device: of the loss as minimised; of right predictions; of
    the cross entropy (with label smoothing). Right is the label of the larger share, where targets are mixed.
    """
    forward.network.train()
    device = part.images.device
    drawn = order().to(device, non_blocking=True)
    given = part.labels if part.targets is None else part.targets
    cuts = batches(len(drawn), train.batch_size)
    sums = torch.zeros(3, dtype=torch.float64, device=device)
    for number, cut in enumerate(cuts):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(train, epoch * len(cuts) + number, len(cuts))
        chosen = drawn[cut]
        images, targets = part.images.index_select(0, chosen), given.index_select(0, chosen)
        scores, targets = forward.augmented(images, targets, augmentation)
        environments = None if part.environments is None else part.environments.index_select(0, chosen)
        loss, cross_entropy = objective(scores, targets, environments, epoch + number / len(cuts))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            labels = targets.argmax(1) if targets.is_floating_point() else targets
            right = (scores.argmax(1) == labels).sum()
            sums += torch.stack([loss.detach() * len(chosen), right, cross_entropy.detach() * len(chosen)])
    return sums / cuts[-1].stop
