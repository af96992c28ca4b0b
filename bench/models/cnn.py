"""Our own convolutional networks.

A constructor takes (in_shape, classes, **args). As in timm, `get_classifier()` returns the last layer, and
`reset_classifier(0)` takes it away.
"""

from collections.abc import Sequence

import torch
from torch import nn


class SimpleCNN(nn.Module):
    """Small CNN: three times [3x3 convolution without padding, ReLU, batch norm, 2x2 max pooling], dense 128, dense.

    in_shape: (channels, height, width) of an input. filters: channels of each convolution. hidden: width of the dense
    layer, which is followed by ReLU and batch norm. At (3, 32, 32) and ten classes it has 111,114 parameters, running
    statistics of the batch norms included. Raises ValueError where the input is too small for so many stages.
    """

    def __init__(
        self,
        in_shape: tuple[int, int, int],
        classes: int,
        *,
        filters: Sequence[int] = (64, 64, 64),
        hidden: int = 128,
    ):
        super().__init__()
        channels, height, width = in_shape
        stages = []
        for count in filters:
            stages += [nn.Conv2d(channels, count, 3), nn.ReLU(inplace=True), nn.BatchNorm2d(count), nn.MaxPool2d(2)]
            channels, height, width = count, (height - 2) // 2, (width - 2) // 2
        if min(height, width) < 1:
            raise ValueError(f"an input of {in_shape[1]}x{in_shape[2]} is too small for {len(filters)} stages")
        self.features = nn.Sequential(*stages)
        self.dense = nn.Sequential(
            nn.Flatten(), nn.Linear(channels * height * width, hidden), nn.ReLU(inplace=True), nn.BatchNorm1d(hidden)
        )
        self.width = hidden
        self.reset_classifier(classes)

    def reset_classifier(self, classes: int) -> None:
        self.classifier = nn.Linear(self.width, classes) if classes else nn.Identity()

    def get_classifier(self) -> nn.Module:
        return self.classifier

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.dense(self.features(images)))
