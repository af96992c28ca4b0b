"""Convolutions of several networks at once, against PyTorch's, network by network."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from bench.models import patches


@given(
    st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.sampled_from([1, 2, 3]),
    st.integers(0, 2), st.integers(3, 8), st.integers(3, 7),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_a_convolution_and_its_gradients_are_those_of_pytorch(
    batch, members, before, after, kernel, stride, padding, height, width
):
    padding = min(padding, kernel - 1)
    random = torch.Generator().manual_seed(height * 8 + width)
    maps = torch.randn(batch, members, before, height, width, generator=random, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(members, after, before, kernel, kernel, generator=random, dtype=torch.float64, requires_grad=True)
    ours = patches.convolve(maps, weights, stride, padding)
    each = [functional.conv2d(maps[:, k], weights[k], padding=padding, stride=stride) for k in range(members)]
    theirs = torch.stack(each, 1)
    torch.testing.assert_close(ours, theirs)
    direction = torch.randn(ours.shape, generator=random, dtype=torch.float64)
    for mine, other in zip(
        torch.autograd.grad(ours, (maps, weights), direction),
        torch.autograd.grad(theirs, (maps, weights), direction),
        strict=True,
    ):
        torch.testing.assert_close(mine, other)
