"""One epoch of training. Nothing in here waits for the device."""

from contextlib import nullcontext

import torch
from torch import nn
from torch.nn import functional as F

from bench import config
from bench.data import Part, Preprocess
from bench.training.optimizers import learning_rate


class Forward:
    """From uint8 images to float32 logits: preprocessing, memory format, autocast and the network."""

    def __init__(self, network: nn.Module, preprocess: Preprocess, train: config.Train, device: torch.device):
        self.network, self.preprocess = network, preprocess
        self.memory_format = torch.channels_last if train.channels_last else torch.contiguous_format
        network.to(device, memory_format=self.memory_format)
        self._run = torch.compile(network) if train.compile else network
        self._autocast = train.precision == "bfloat16"

    def __call__(self, images: torch.Tensor, augmentation: torch.Generator | None = None) -> torch.Tensor:
        """uint8 [batch, 3, H, W] -> logits float32 [batch, classes]; augmented where a generator is given."""
        inputs = self.preprocess(images, augmentation).contiguous(memory_format=self.memory_format)
        with torch.autocast(images.device.type, torch.bfloat16) if self._autocast else nullcontext():
            return self._run(inputs).float()


def batches(images: int, batch_size: int) -> list[slice]:
    """Cut an epoch's order into batches. A last batch of one is left out: batch norm cannot train on a single image."""
    starts = range(0, images - 1, batch_size)
    return [slice(start, min(start + batch_size, images)) for start in starts]


def train_epoch(
    forward: Forward,
    optimizer: torch.optim.Optimizer,
    part: Part,
    train: config.Train,
    epoch: int,
    order: torch.Generator,
    augmentation: torch.Generator,
) -> torch.Tensor:
    """Train on every image once, in an order drawn from `order` (a CPU generator); epoch counts from 0.

    Returns the running mean loss (with label smoothing, as minimised) and accuracy, float64 [2], still on the device.
    """
    forward.network.train()
    device = part.images.device
    shuffled = torch.randperm(len(part.labels), generator=order).to(device)
    cuts = batches(len(shuffled), train.batch_size)
    sums = torch.zeros(2, dtype=torch.float64, device=device)
    for number, cut in enumerate(cuts):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(train, epoch * len(cuts) + number, len(cuts))
        chosen = shuffled[cut]
        labels = part.labels.index_select(0, chosen)
        scores = forward(part.images.index_select(0, chosen), augmentation)
        loss = F.cross_entropy(scores, labels, label_smoothing=train.label_smoothing)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            correct = (scores.argmax(1) == labels).sum()
            sums += torch.stack([loss.detach() * len(labels), correct])
    return sums / cuts[-1].stop
