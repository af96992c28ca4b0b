"""Densely connected networks for small images."""

import torch
from torch import nn

from bench.models.base import MODELS, Network, Shape, initialise

BOTTLENECK = 4  # outputs of a layer's 1x1 convolution, for each of the growth


class DenseLayer(nn.Module):
    """[batch, inputs, h, w] -> [batch, inputs + growth, h, w]: what came in, and the new maps made of all of it."""

    def __init__(self, inputs: int, growth: int, bottleneck: bool, dropout: float):
        super().__init__()
        layers = []
        if bottleneck:
            layers += _convolution(inputs, BOTTLENECK * growth, 1, dropout)
            inputs = BOTTLENECK * growth
        self.new = nn.Sequential(*layers, *_convolution(inputs, growth, 3, dropout))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return torch.cat([maps, self.new(maps)], 1)


@MODELS.register("densenet_cifar")
class DenseNet(Network):
    """DenseNet for CIFAR (Huang et al. 2017): three dense blocks of equal depth; by default DenseNet-BC, L=100, k=12.

    depth: L = 6n + 4 for n layers a block, each a 1x1 and a 3x3 convolution (B), and transitions that halve the channels (C);
    compact: false has neither, and L = 3n + 4. growth: k, new channels a layer. dropout: after every convolution but the first.
    """

    def __init__(
        self, in_shape: Shape, classes: int, *, depth: int = 100, growth: int = 12, compact: bool = True, dropout: float = 0.0
    ):
        super().__init__()
        step = 6 if compact else 3
        if depth < step + 4 or (depth - 4) % step:
            raise ValueError(f"depth should be {step}n + 4, such as {step * 6 + 4}, not {depth}")
        channels = 2 * growth if compact else 16
        layers: list[nn.Module] = [nn.Conv2d(in_shape[0], channels, 3, padding=1, bias=False)]
        for block in range(3):
            if block:
                outputs = channels // 2 if compact else channels
                layers += [*_convolution(channels, outputs, 1, dropout), nn.AvgPool2d(2)]
                channels = outputs
            for _ in range((depth - 4) // step):
                layers.append(DenseLayer(channels, growth, compact, dropout))
                channels += growth
        self.features = nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU(inplace=True))
        initialise(self)
        self.width = channels
        self.reset_classifier(classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(images).mean((2, 3)))


def _convolution(inputs: int, outputs: int, kernel: int, dropout: float) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
    return [nn.BatchNorm2d(inputs), nn.ReLU(inplace=True), convolution, *[nn.Dropout(dropout)] * bool(dropout)]
