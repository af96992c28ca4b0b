"""Plain convolutional networks: stages of convolutions and pooling, then dense layers."""

from collections.abc import Sequence

import torch
from torch import nn

from bench.models.base import MODELS, Network, Shape


@MODELS.register("simple_cnn")
class SimpleCNN(Network):
    """Small CNN: three times [3x3 convolution without padding, ReLU, batch norm, 2x2 max pooling], dense 128, dense.

    in_shape: (channels, height, width) of an input. filters: channels of each convolution. hidden: width of the dense
    layer, which is followed by ReLU and batch norm. At (3, 32, 32) and ten classes it has 111,114 parameters, running
    statistics of the batch norms included. Raises ValueError where the input is too small for so many stages.
    """

    def __init__(self, in_shape: Shape, classes: int, *, filters: Sequence[int] = (64, 64, 64), hidden: int = 128):
        super().__init__()
        channels, height, width = in_shape
        stages = []
        for count in filters:
            stages += [nn.Conv2d(channels, count, 3), nn.ReLU(inplace=True), nn.BatchNorm2d(count), nn.MaxPool2d(2)]
            channels, height, width = count, (height - 2) // 2, (width - 2) // 2
        _check_size(height, width, in_shape, len(filters))
        self.features = nn.Sequential(*stages)
        self.dense = nn.Sequential(
            nn.Flatten(), nn.Linear(channels * height * width, hidden), nn.ReLU(inplace=True), nn.BatchNorm1d(hidden)
        )
        self.width = hidden
        self.reset_classifier(classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.dense(self.features(images)))


class ConvNet(Network):
    """Stages of [convolutions with ReLU, 2x2 max pooling], hidden dense layers with ReLU, and a last dense layer.

    filters: channels of each stage. convolutions: how many a stage has, or one number for all. kernel: their size in pixels,
    stride 1. padding: pixels of zeros at each side. hidden: widths of the dense layers before the last. batch_norm: between
    each convolution or hidden dense layer and its ReLU. dropout: after each hidden dense layer. xavier: weights of the dense
    layers from Glorot and Bengio's (2010) uniform distribution, their biases 0; otherwise PyTorch's own initialisation.

    Convolutions carry torchvision's names for VGG, so that its files of VGG's features load into a network of the same
    stages. Raises ValueError where the input is too small for so many stages.
    """

    def __init__(
        self,
        in_shape: Shape,
        classes: int,
        *,
        filters: Sequence[int],
        convolutions: int | Sequence[int] = 1,
        kernel: int = 3,
        padding: int = 0,
        hidden: Sequence[int] = (),
        batch_norm: bool = False,
        dropout: float = 0.0,
        xavier: bool = False,
    ):
        super().__init__()
        channels, height, width = in_shape
        counts = [convolutions] * len(filters) if isinstance(convolutions, int) else convolutions
        layers: list[nn.Module] = []
        for outputs, count in zip(filters, counts, strict=True):
            for _ in range(count):
                layers += [nn.Conv2d(channels, outputs, kernel, padding=padding)]
                layers += [nn.BatchNorm2d(outputs)] * batch_norm + [nn.ReLU(inplace=True)]
                channels, height, width = outputs, height + 2 * padding - kernel + 1, width + 2 * padding - kernel + 1
            layers.append(nn.MaxPool2d(2))
            height, width = height // 2, width // 2
        _check_size(height, width, in_shape, len(filters))
        self.features = nn.Sequential(*layers)
        self.width = channels * height * width
        self.xavier = xavier
        layers = [nn.Flatten()]
        for outputs in hidden:
            layers.append(self._dense(outputs))
            layers += [nn.BatchNorm1d(outputs)] * batch_norm + [nn.ReLU(inplace=True)]
            if dropout:
                layers.append(nn.Dropout(dropout))
            self.width = outputs
        self.dense = nn.Sequential(*layers)
        self.reset_classifier(classes)

    def reset_classifier(self, classes: int) -> None:
        self.classifier = self._dense(classes) if classes else nn.Identity()

    def _dense(self, outputs: int) -> nn.Linear:
        layer = nn.Linear(self.width, outputs)
        if self.xavier:
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        return layer

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.dense(self.features(images)))


@MODELS.register("lenet")
def lenet(in_shape: Shape, classes: int, *, filters: Sequence[int] = (16, 32, 64), hidden: Sequence[int] = (120, 84)) -> ConvNet:
    """LeNet-like CNN: three times [5x5 convolution, ReLU, 2x2 max pooling], two hidden dense layers, dense.

    LeCun et al. (1998) with a third pooling, for which the convolutions keep the size (padding 2), and with ReLU and max pooling
    instead of tanh and averages. The dense widths are LeNet-5's; 16, 32, 64 filters are our choice.
    """
    return ConvNet(in_shape, classes, filters=filters, kernel=5, padding=2, hidden=hidden)


@MODELS.register("classic_cnn")
def classic_cnn(
    in_shape: Shape,
    classes: int,
    *,
    filters: Sequence[int] = (6, 16),
    hidden: Sequence[int] = (120, 84),
    batch_norm: bool = False,
    dropout: float = 0.0,
    xavier: bool = False,
) -> ConvNet:
    """Classic CNN: twice [5x5 convolution without padding, ReLU, 2x2 max pooling], three dense layers.

    The widths are those of PyTorch's tutorial "Training a classifier". batch_norm, dropout, xavier: see `ConvNet`.
    """
    return ConvNet(
        in_shape, classes, filters=filters, kernel=5, hidden=hidden, batch_norm=batch_norm, dropout=dropout, xavier=xavier
    )


@MODELS.register("vgg_blocks")
def vgg_blocks(
    in_shape: Shape,
    classes: int,
    *,
    filters: Sequence[int] = (32, 64, 128),
    convolutions: int | Sequence[int] = 2,
    batch_norm: bool = False,
) -> ConvNet:
    """VGG blocks (Simonyan and Zisserman 2015): 3x3 convolutions that keep the size, ReLU, 2x2 max pooling; dense.

    By default three blocks of two convolutions. filters [64, 128, 256, 512, 512] with convolutions [2, 2, 3, 3, 3] are VGG-16's
    features. Every pixel of the last maps is a feature (no pooling over them).
    """
    return ConvNet(in_shape, classes, filters=filters, convolutions=convolutions, padding=1, batch_norm=batch_norm)


def _check_size(height: int, width: int, in_shape: Shape, stages: int) -> None:
    if min(height, width) < 1:
        raise ValueError(f"an input of {in_shape[1]}x{in_shape[2]} is too small for {stages} stages")
