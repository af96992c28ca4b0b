"""A loop as PyTorch's tutorials and most reports write it.

Data through a DataLoader with processes, PIL images and torchvision's transforms; loss and accuracy read at every step.
"""

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from glue.clock import Clock
from glue.common import Arrays
from glue.task import PADDING

OFF = Clock()


class Pictures(Dataset):
    """Images kept as height x width x 3 bytes and handed out as PIL images through a transform, as in torchvision."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, transform):
        self.images = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
        self.labels = labels.tolist()
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int):
        return self.transform(Image.fromarray(self.images[index])), self.labels[index]


def loaders_for(parts: Arrays, batch_size: int, processes: int = 2, device: str = "cpu") -> dict[str, DataLoader]:
    """Return a loader for each part; only training images are shuffled and augmented."""
    images = parts["train"][0]
    scaled = images.astype(np.float32) / 255
    augment = [transforms.RandomCrop(images.shape[2:], padding=PADDING), transforms.RandomHorizontalFlip()]
    plain = [
        transforms.ToTensor(),
        transforms.Normalize(scaled.mean((0, 2, 3)).tolist(), scaled.std((0, 2, 3)).tolist()),
    ]
    return {
        name: DataLoader(
            Pictures(*part, transforms.Compose([*augment, *plain] if name == "train" else plain)),
            batch_size=batch_size,
            shuffle=name == "train",
            num_workers=processes,
            persistent_workers=True,  # without this every epoch would wait for new ones
            pin_memory=device == "cuda",
        )
        for name, part in parts.items()
    }


def train_epoch(
    network: nn.Module, batches: DataLoader, optimizer: torch.optim.Optimizer, device: str = "cpu", clock: Clock = OFF
) -> tuple[float, float]:
    """Train for an epoch; return the mean loss and the accuracy."""
    criterion = nn.CrossEntropyLoss()
    network.train()
    running_loss, correct, seen = 0.0, 0, 0
    for inputs, targets in clock.batches(batches):
        with clock("steps"):
            inputs, targets = inputs.to(device), targets.to(device)
            optimizer.zero_grad()
            outputs = network(inputs)
            loss = criterion(outputs, targets)
            loss.backward()
            optimizer.step()
            running_loss += loss.item() * len(targets)
            correct += (outputs.argmax(1) == targets).sum().item()
            seen += len(targets)
    return running_loss / seen, correct / seen


@torch.no_grad()
def evaluate(network: nn.Module, batches: DataLoader, device: str = "cpu", clock: Clock = OFF) -> tuple[float, float]:
    """Return the mean loss and the accuracy on a part that is not trained on."""
    criterion = nn.CrossEntropyLoss()
    network.eval()
    running_loss, correct, seen = 0.0, 0, 0
    for inputs, targets in clock.batches(batches):
        with clock("steps"):
            inputs, targets = inputs.to(device), targets.to(device)
            outputs = network(inputs)
            running_loss += criterion(outputs, targets).item() * len(targets)
            correct += (outputs.argmax(1) == targets).sum().item()
            seen += len(targets)
    return running_loss / seen, correct / seen
