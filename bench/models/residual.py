"""Residual networks: one block with options, and a network of such blocks."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from bench.models.base import Network, Shape, initialise


@dataclass(frozen=True)
class Block:
    """What every residual block of a network looks like.

    bottleneck: None for two 3x3 convolutions; else 1x1, 3x3, 1x1, with this many inner channels for each of the block's outputs.
    groups: of a bottleneck's 3x3 convolution (the cardinality of ResNeXt). pre_activation: batch norm and ReLU come before each
    convolution instead of after it (He et al. 2016, "Identity mappings"). squeeze: a squeeze-and-excitation before the addition
    (Hu et al. 2018), with this reduction. dropout: between the convolutions, after ReLU (Zagoruyko and Komodakis 2016).
    projection: where the shape changes, the shortcut is a 1x1 convolution; else every other pixel, and zeros for new channels.
    """

    bottleneck: float | None = None
    groups: int = 1
    pre_activation: bool = False
    squeeze: int | None = None
    dropout: float = 0.0
    projection: bool = True

    def convolutions(self, inputs: int, outputs: int, stride: int) -> list[nn.Conv2d]:
        if self.bottleneck is None:
            return [_conv(inputs, outputs, 3, stride), _conv(outputs, outputs, 3)]
        inner = round(outputs * self.bottleneck)
        return [_conv(inputs, inner, 1), _conv(inner, inner, 3, stride, self.groups), _conv(inner, outputs, 1)]


class Residual(nn.Module):
    """One residual block, [batch, inputs, h, w] -> [batch, outputs, h / stride, w / stride].

    first: whether it is the first block of the network. With pre-activation, the shortcut of the first block, and of one that
    changes the shape, begins after the first batch norm and ReLU (He et al. 2016, appendix).
    """

    def __init__(self, block: Block, inputs: int, outputs: int, stride: int, first: bool):
        super().__init__()
        changes = stride != 1 or inputs != outputs
        self.pre_activation = block.pre_activation
        self.shared = first or changes
        self.activation = nn.Sequential(*_activation(inputs)) if block.pre_activation else nn.Identity()
        layers: list[nn.Module] = []
        for convolution in block.convolutions(inputs, outputs, stride):
            if layers:
                layers += _activation(convolution.in_channels) + [nn.Dropout(block.dropout)] * bool(block.dropout)
            layers.append(convolution)
        if not block.pre_activation:
            layers.append(nn.BatchNorm2d(outputs))
        if block.squeeze:
            layers.append(SqueezeExcitation(outputs, block.squeeze))
        self.branch = nn.Sequential(*layers)
        self.shortcut = nn.Identity() if not changes else _shortcut(block, inputs, outputs, stride)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        if not self.pre_activation:
            return functional.relu(self.branch(maps) + self.shortcut(maps), inplace=True)
        active = self.activation(maps)
        return self.branch(active) + self.shortcut(active if self.shared else maps)


class SqueezeExcitation(nn.Module):
    """Scale each channel by what two dense layers make of all channels' means (Hu et al. 2018)."""

    def __init__(self, channels: int, reduction: int):
        super().__init__()
        inner = max(1, channels // reduction)
        self.gate = nn.Sequential(nn.Linear(channels, inner), nn.ReLU(inplace=True), nn.Linear(inner, channels), nn.Sigmoid())

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return maps * self.gate(maps.mean((2, 3)))[:, :, None, None]


class Projection(nn.Conv2d):
    """A shortcut with weights: a 1x1 convolution of every `stride`-th pixel (option B of He et al. 2015).

    The pixels are taken first: with a stride of its own and few channels it would be one of `bench.models.layout.unsafe`.
    """

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__(inputs, outputs, 1, bias=False)
        self.step = stride

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return super().forward(maps[:, :, :: self.step, :: self.step])


class SubsampleAndPad(nn.Module):
    """A shortcut without weights: every `stride`-th pixel, and zeros for the new channels (option A of He et al. 2015)."""

    def __init__(self, new: int, stride: int):
        super().__init__()
        self.new, self.stride = new, stride

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return functional.pad(maps[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new))


class ResNet(Network):
    """A 3x3 convolution of stride 1, stages of residual blocks, the mean of each map, and a dense layer.

    The first block of every stage but the first halves the sides. Convolutions have no biases and start from He's normal
    distribution over the fan-out, as in the papers.

    stem: channels of the first convolution. depths, widths: blocks and output channels of each stage. hidden: width of a
    dense layer with ReLU before the last, if any. dropout: before the last layer.
    """

    def __init__(
        self,
        in_shape: Shape,
        classes: int,
        block: Block,
        *,
        stem: int,
        depths: Sequence[int],
        widths: Sequence[int],
        hidden: int | None = None,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.stem = nn.Sequential(_conv(in_shape[0], stem, 3), *([] if block.pre_activation else _activation(stem)))
        blocks: list[nn.Module] = []
        inputs = stem
        for stage, (depth, outputs) in enumerate(zip(depths, widths, strict=True)):
            for place in range(depth):
                stride = 2 if stage and not place else 1
                blocks.append(Residual(block, inputs, outputs, stride, first=not blocks))
                inputs = outputs
        self.blocks = nn.Sequential(*blocks, *(_activation(inputs) if block.pre_activation else []))
        initialise(self)
        top = [nn.Linear(inputs, hidden), nn.ReLU(inplace=True)] if hidden else []
        self.top = nn.Sequential(*top, *[nn.Dropout(dropout)] * bool(dropout))
        self.width = hidden or inputs
        self.reset_classifier(classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.top(self.blocks(self.stem(images)).mean((2, 3))))


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False)


def _activation(channels: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]


def _shortcut(block: Block, inputs: int, outputs: int, stride: int) -> nn.Module:
    if not block.projection:
        return SubsampleAndPad(outputs - inputs, stride)
    norm = [] if block.pre_activation else [nn.BatchNorm2d(outputs)]  # with pre-activation it follows the addition
    return nn.Sequential(Projection(inputs, outputs, stride), *norm)
