"""Convolutions of several networks at once as products of matrices: of each network's weights, and of the pixels under them.

For many networks of few channels that is faster than a convolution with a group for each network, which is made for few groups
of many channels; it takes the memory of all pixels under the weights.
"""

import torch
from torch.nn import functional


def convolve(maps: torch.Tensor, weight: torch.Tensor, stride: int, padding: int) -> torch.Tensor:
    """Return [B, M, outputs, h, w] of maps [B, M, inputs, H, W], padded with zeros, and weight [M, outputs, inputs, k, k].

    padding: less than k.
    """
    return _Convolution.apply(maps, weight, stride, padding)


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(context, maps: torch.Tensor, weight: torch.Tensor, stride: int, padding: int) -> torch.Tensor:
        patches, sides = _patches(maps, weight.shape[-1], stride, padding)
        context.save_for_backward(patches, weight)
        context.stride, context.padding, context.shape = stride, padding, maps.shape
        return _images(torch.bmm(weight.flatten(2), patches), len(maps), sides)

    @staticmethod
    def backward(context, gradient: torch.Tensor):
        patches, weight = context.saved_tensors
        batch, *_, height, width = context.shape
        kernel = weight.shape[-1]
        of_weight = torch.bmm(_columns(gradient), patches.transpose(1, 2)).view_as(weight)
        if not context.needs_input_grad[0]:
            return None, of_weight, None, None
        if context.stride > 1:
            # as if every pixel had been convolved, with no gradient from those that were passed over
            sides = (height + 2 * context.padding - kernel + 1, width + 2 * context.padding - kernel + 1)
            spread = gradient.new_zeros(*gradient.shape[:3], *sides)
            spread[..., :: context.stride, :: context.stride] = gradient
            gradient = spread
        turned = weight.flip(3, 4).transpose(1, 2).flatten(2)  # the gradient is a convolution with the weights turned round
        under, sides = _patches(gradient, kernel, 1, kernel - 1 - context.padding)
        return _images(torch.bmm(turned, under), batch, sides), of_weight, None, None


def _patches(maps: torch.Tensor, kernel: int, stride: int, padding: int) -> tuple[torch.Tensor, tuple[int, int]]:
    """Return the pixels under the weights at every place, [M, inputs k k, B h w], and (h, w)."""
    padded = functional.pad(maps, (padding,) * 4)
    batch, members, channels, height, width = padded.shape
    sides = ((height - kernel) // stride + 1, (width - kernel) // stride + 1)
    image, member, channel, row, column = padded.stride()
    windows = padded.as_strided(
        (members, channels, kernel, kernel, batch, *sides),
        (member, channel, row, column, image, row * stride, column * stride),
    )
    return windows.reshape(members, channels * kernel * kernel, -1), sides


def _images(columns: torch.Tensor, batch: int, sides: tuple[int, int]) -> torch.Tensor:
    """Return [B, M, channels, h, w] of [M, channels, B h w]."""
    return columns.unflatten(2, (batch, *sides)).permute(2, 0, 1, 3, 4).contiguous()


def _columns(maps: torch.Tensor) -> torch.Tensor:
    """Return [M, channels, B h w] of [B, M, channels, h, w]."""
    return maps.permute(1, 2, 0, 3, 4).flatten(2)
