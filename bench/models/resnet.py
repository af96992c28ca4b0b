"""Families of residual networks for small images."""

from bench.models.base import MODELS, Shape
from bench.models.residual import Block, ResNet


@MODELS.register("resnet_cifar")
def resnet_cifar(
    in_shape: Shape,
    classes: int,
    *,
    depth: int = 20,
    channels: int = 16,
    pre_activation: bool = False,
    squeeze: int | None = None,
) -> ResNet:
    """ResNet for CIFAR (He et al. 2015, section 4.2): depth 6n + 2, three stages of 16, 32, 64 channels.

    Shortcuts have no weights (option A). channels: of the first stage. pre_activation, squeeze: see `Block`.
    """
    block = Block(pre_activation=pre_activation, squeeze=squeeze, projection=False)
    return ResNet(in_shape, classes, block, stem=channels, depths=[_blocks(depth, 6, 2)] * 3, widths=_doubling(channels, 3))


@MODELS.register("resnet19")
def resnet19(in_shape: Shape, classes: int, *, channels: int = 128, hidden: int = 256) -> ResNet:
    """ResNet-19 (Zheng et al. 2021): stages of 3, 3, 2 blocks with 128, 256, 512 channels, then dense 256, dense.

    17 convolutions and 2 dense layers. "Going Deeper With Directly-Trained Larger Spiking Neural Networks" makes a spiking
    network of them; here they have ReLU. channels: of the first stage. hidden: width of the first dense layer.
    """
    return ResNet(in_shape, classes, Block(), stem=channels, depths=(3, 3, 2), widths=_doubling(channels, 3), hidden=hidden)


DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


@MODELS.register("resnet_small")
def resnet_small(
    in_shape: Shape,
    classes: int,
    *,
    depth: int = 18,
    channels: int = 64,
    dropout: float = 0.0,
    pre_activation: bool = False,
    squeeze: int | None = None,
) -> ResNet:
    """ResNet-18, 34, 50, 101 or 152 (He et al. 2015) for small images: a 3x3 stem of stride 1 and no pooling after it.

    From depth 50 on with bottlenecks, whose stride is on the 3x3 convolution. channels: inner ones of the first stage. dropout:
    before the last layer. pre_activation, squeeze: see `Block`.
    """
    if depth not in DEPTHS:
        raise ValueError(f"depth should be one of {', '.join(map(str, DEPTHS))}, not {depth}")
    deep = depth >= 50
    block = Block(bottleneck=1 / 4 if deep else None, pre_activation=pre_activation, squeeze=squeeze)
    widths = _doubling(channels * (4 if deep else 1), 4)
    return ResNet(in_shape, classes, block, stem=channels, depths=DEPTHS[depth], widths=widths, dropout=dropout)


@MODELS.register("se_resnet")
def se_resnet(in_shape: Shape, classes: int, *, depth: int = 50, squeeze: int = 16, **args) -> ResNet:
    """SE-ResNet (Hu et al. 2018) for small images: `resnet_small` with squeeze-and-excitation, reduction 16."""
    return resnet_small(in_shape, classes, depth=depth, squeeze=squeeze, **args)


@MODELS.register("wrn")
def wrn(
    in_shape: Shape,
    classes: int,
    *,
    depth: int = 28,
    width: int = 10,
    dropout: float = 0.0,
    pre_activation: bool = True,
    squeeze: int | None = None,
) -> ResNet:
    """Wide ResNet (Zagoruyko and Komodakis 2016): depth 6n + 4, three stages of 16, 32, 64 channels times `width`.

    dropout: between a block's convolutions. pre_activation: false gives the order of He et al. 2015. squeeze: see `Block`.
    """
    block = Block(pre_activation=pre_activation, squeeze=squeeze, dropout=dropout)
    return ResNet(in_shape, classes, block, stem=16, depths=[_blocks(depth, 6, 4)] * 3, widths=_doubling(16 * width, 3))


@MODELS.register("se_wrn")
def se_wrn(in_shape: Shape, classes: int, *, squeeze: int = 16, **args) -> ResNet:
    """Wide ResNet with squeeze-and-excitation (Hu et al. 2018): `wrn` with reduction 16."""
    return wrn(in_shape, classes, squeeze=squeeze, **args)


@MODELS.register("resnext_cifar")
def resnext_cifar(
    in_shape: Shape, classes: int, *, depth: int = 29, cardinality: int = 8, channels: int = 64, width: int = 64
) -> ResNet:
    """ResNeXt for CIFAR (Xie et al. 2017): depth 9n + 2, bottlenecks of `cardinality` groups, by default 29, 8x64d.

    width: channels of each group in the first stage (the d of 8x64d). channels: of the stem; stages give 4, 8, 16 times as many.
    """
    block = Block(bottleneck=cardinality * width / (4 * channels), groups=cardinality)
    return ResNet(in_shape, classes, block, stem=channels, depths=[_blocks(depth, 9, 2)] * 3, widths=_doubling(4 * channels, 3))


def _blocks(depth: int, layers: int, more: int) -> int:
    """Return n of a depth of `layers` n + `more`."""
    if depth <= more or (depth - more) % layers:
        raise ValueError(f"depth should be {layers}n + {more}, such as {layers * 3 + more}, not {depth}")
    return (depth - more) // layers


def _doubling(first: int, stages: int) -> list[int]:
    return [first * 2**stage for stage in range(stages)]
