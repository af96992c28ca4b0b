"""Layers that PyTorch's CPU kernels do not compute safely in channels_last, and how they are kept out of it."""

from collections.abc import Iterator

import torch
from torch import nn

BLOCK = 16
"""Input channels from which the kernel is safe: 16 with AVX-512, 8 with AVX2. One number, so that no result hangs on it."""


def unsafe(network: nn.Module) -> Iterator[nn.Conv2d]:
    """Yield the convolutions whose backward pass would write outside its memory, on an x86 processor and in channels_last.

    They look at 1x1 pixels, skip some, and have few input channels. oneDNN's kernel for their weights' gradient packs the
    pixels that are looked at into a workspace that is made for as many channels as there are, and steps through it by whole
    blocks of channels (github.com/uxlfoundation/oneDNN/issues/6035; seen with PyTorch 2.14 and 2.15: crashes, hangs, wrong
    gradients). Other strides, paddings and groups have other kernels. Not found: what a model convolves by functions alone.
    """
    for module in network.modules():
        if (
            isinstance(module, nn.Conv2d)
            and module.kernel_size == (1, 1)
            and max(module.stride) > 1
            and module.padding in ((0, 0), "valid")
            and module.groups == 1
            and module.in_channels < BLOCK
        ):
            yield module


@torch.no_grad()
def make_safe(network: nn.Module) -> None:
    """Let such layers compute in the usual layout, whatever the network around them does; that kernel rounds otherwise."""
    for module in unsafe(network):
        # a copy: `contiguous` takes a tensor as it is where a dimension of 1 makes it both
        module.weight.data = module.weight.data.clone(memory_format=torch.contiguous_format)
        module.register_forward_pre_hook(_in_usual_layout)


def _in_usual_layout(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    maps, *rest = inputs
    if maps.is_contiguous(memory_format=torch.channels_last):
        maps = maps.clone(memory_format=torch.contiguous_format)
    return (maps, *rest)
