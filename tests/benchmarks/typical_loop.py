"""The baseline of the training throughput: a loop as PyTorch's tutorials and most reports write it.

The same network, images, augmentation, batches and optimizer as ours; data through a DataLoader with two processes, PIL
images and torchvision's transforms; loss and accuracy read at every step.
"""

import time

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms


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


def train(
    network: nn.Module, images: np.ndarray, labels: np.ndarray, *, epochs: int, batch_size: int, lr: float, momentum: float
) -> list[float]:
    """Train a network on uint8 images [N, 3, H, W]; return the monotonic time at which each epoch ended."""
    scaled = images.astype(np.float32) / 255
    transform = transforms.Compose(
        [
            transforms.RandomCrop(images.shape[2:], padding=4),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(scaled.mean((0, 2, 3)).tolist(), scaled.std((0, 2, 3)).tolist()),
        ]
    )
    # workers that stay alive: without this every epoch would wait for new ones
    loader = DataLoader(
        Pictures(images, labels, transform), batch_size=batch_size, shuffle=True, num_workers=2, persistent_workers=True
    )
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(network.parameters(), lr=lr, momentum=momentum)
    ends = []
    for _ in range(epochs):
        network.train()
        running_loss, correct, seen = 0.0, 0, 0
        for inputs, targets in loader:
            optimizer.zero_grad()
            outputs = network(inputs)
            loss = criterion(outputs, targets)
            loss.backward()
            optimizer.step()
            running_loss += loss.item() * len(targets)
            correct += (outputs.argmax(1) == targets).sum().item()
            seen += len(targets)
        ends.append(time.monotonic())
    return ends
