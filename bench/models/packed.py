"""Several networks of one architecture computed as one.

The images of M networks lie in one batch by turns: image i belongs to network i mod M. In memory that is [B, M, channels, …],
which a grouped convolution and a batch norm take for M x channels, so nothing is moved. What a network does to each image by
itself (activations, pooling, additions, concatenation) needs no change at all: only layers with weights, batch statistics or
random numbers are replaced, and every weight gets a first dimension of networks.
"""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from bench.models import patches

State = dict[str, torch.Tensor]
GROUPED, PATCHES = BACKENDS = ("grouped", "patches")
"""How packed convolutions are computed; see `PackedConv2d`."""


class Unpackable(Exception):
    """These networks cannot be computed as one; the message says why."""


class PackedConv2d(nn.Conv2d):
    """weight: [M, outputs, inputs, height, width].

    backend: GROUPED for a convolution with as many groups as there are networks; PATCHES for a product of matrices for each.
    """

    members: int
    backend: str = GROUPED

    def _conv_forward(self, maps: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        size, channels, *sides = maps.shape
        if self.backend == PATCHES and self._may_go_by_patches():
            each = maps.reshape(size // self.members, self.members, channels, *sides)
            outputs = patches.convolve(each, weight, self.stride[0], self.padding[0]).flatten(0, 1)
            return outputs if bias is None else outputs + bias[:, :, None, None].repeat(len(each), 1, 1, 1)
        together = maps.reshape(size // self.members, self.members * channels, *sides)
        bias = None if bias is None else bias.flatten()
        groups = self.members * self.groups
        outputs = functional.conv2d(together, weight.flatten(0, 1), bias, self.stride, self.padding, self.dilation, groups)
        return outputs.reshape(size, -1, *outputs.shape[2:])

    def _may_go_by_patches(self) -> bool:
        (kernel, *kernels), (padding, *paddings) = self.kernel_size, self.padding
        even = kernels == [kernel] and paddings == [padding] and self.stride[0] == self.stride[1]
        return even and padding < kernel and self.groups == 1 and self.dilation == (1, 1)


class PackedLinear(nn.Linear):
    """weight: [M, outputs, inputs]. A product of matrices for each network."""

    members: int

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        *batch, inputs = values.shape
        each = values.reshape(batch[0] // self.members, self.members, -1, inputs).transpose(0, 1).flatten(1, 2)
        weight = self.weight.transpose(1, 2)
        outputs = torch.bmm(each, weight) if self.bias is None else torch.baddbmm(self.bias[:, None], each, weight)
        outputs = outputs.unflatten(1, (batch[0] // self.members, -1)).transpose(0, 1)
        return outputs.reshape(*batch, -1)


class _PackedBatchNorm:
    """weight, bias, running_mean, running_var: [M, channels]; num_batches_tracked: [M]. Every network has its own channels."""

    members: int

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        size, channels, *sides = maps.shape
        if self.training and self.track_running_stats:
            self.num_batches_tracked.add_(1)
        statistics = [None if buffer is None else buffer.flatten() for buffer in (self.running_mean, self.running_var)]
        affine = [None if parameter is None else parameter.flatten() for parameter in (self.weight, self.bias)]
        together = maps.reshape(size // self.members, self.members * channels, *sides)
        training = self.training or statistics[0] is None
        return functional.batch_norm(together, *statistics, *affine, training, self.momentum, self.eps).reshape(maps.shape)


class PackedBatchNorm1d(_PackedBatchNorm, nn.BatchNorm1d):
    pass


class PackedBatchNorm2d(_PackedBatchNorm, nn.BatchNorm2d):
    pass


class OwnDropout(nn.Dropout):
    """Dropout of which every network draws from its own generator what it would draw alone.

    probabilities, generators: of each network. layout: the memory format of maps in a network alone, by which its numbers lie.
    """

    probabilities: tuple[float, ...]
    generators: tuple[torch.Generator, ...]
    layout: torch.memory_format

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        if not self.training or not any(self.probabilities):
            return values
        members = len(self.generators)
        if members == 1:
            return values * self._factors(torch.empty_like(values), 0)
        template = values.new_empty((len(values) // members, *values.shape[1:]))
        template = template.contiguous(memory_format=self.layout) if template.ndim == 4 else template
        each = [self._factors(torch.empty_like(template), member) for member in range(members)]
        return values * torch.stack(each, 1).flatten(0, 1)

    def _factors(self, empty: torch.Tensor, member: int) -> torch.Tensor:
        """Return 0 for what is dropped, and for the rest what keeps the mean."""
        p = self.probabilities[member]
        if not p:
            return empty.fill_(1)  # as nn.Dropout does, it draws nothing
        return empty.bernoulli_(1 - p, generator=self.generators[member]).div_(1 - p)


PACKED = {
    nn.Linear: PackedLinear,
    nn.BatchNorm1d: PackedBatchNorm1d,
    nn.BatchNorm2d: PackedBatchNorm2d,
}


def own_dropout(network: nn.Module, generators: Sequence[torch.Generator], layout: torch.memory_format) -> None:
    """Let the network's dropout draw from these generators, one for each network that was packed; see `OwnDropout`."""
    for module in network.modules():
        if type(module) is nn.Dropout:
            module.__class__ = OwnDropout
            module.probabilities = (module.p,) * len(generators)
        if type(module) is OwnDropout:
            module.generators, module.layout = tuple(generators), layout


def convolve_by(network: nn.Module, backend: str) -> None:
    """Let the convolutions of packed networks be computed by one of the back-ends."""
    for module in network.modules():
        if isinstance(module, PackedConv2d):
            module.backend = backend


def pack(networks: Sequence[nn.Module]) -> nn.Module:
    """Return one network that computes them all, made of the first, which is used up.

    It takes [B x M, …], images by turns, and its parameters and buffers have a first dimension of M; see `state`. Raises
    Unpackable, before anything is changed, for networks that differ in more than weights and the rate of dropout, and for
    layers that cannot be computed together.
    """
    modules = [dict(network.named_modules()) for network in networks]
    if len(list(networks[0].named_parameters(remove_duplicate=False))) > len(list(networks[0].parameters())):
        raise Unpackable("two layers share their weights")
    for name in modules[0]:
        _check(name, [layers.get(name) for layers in modules])
    for name, module in modules[0].items():
        _join(module, [layers[name] for layers in modules])
    return networks[0]


def _check(name: str, same: Sequence[nn.Module | None]) -> None:
    """Raise Unpackable where one layer of all networks cannot be computed together."""
    first = same[0]
    kind = type(first)
    label = f"layer {name!r} ({kind.__name__})"
    if any(type(layer) is not kind or _settings(layer) != _settings(first) for layer in same):
        raise Unpackable(f"{label} is not the same in all networks")
    if kind in PACKED or kind is nn.Dropout:
        momentum = getattr(first, "momentum", 0)
        if momentum is None:
            raise Unpackable(f"{label} averages over all batches")
    elif isinstance(first, nn.Conv2d) and kind._conv_forward is nn.Conv2d._conv_forward:
        if first.padding_mode != "zeros":
            raise Unpackable(f"{label} is padded with other numbers than zeros")
    elif isinstance(first, nn.modules.dropout._DropoutNd):
        raise Unpackable(f"{label} draws random numbers of its own")
    elif any(True for _ in first.parameters(recurse=False)) or any(True for _ in first.buffers(recurse=False)):
        raise Unpackable(f"{label} has weights that are not packed")


def _settings(module: nn.Module) -> tuple:
    return () if type(module) is nn.Dropout else (module.extra_repr(), getattr(module, "l2", None))


def _join(module: nn.Module, same: Sequence[nn.Module]) -> None:
    """Give a layer the weights of all networks, and the class that knows of them."""
    if type(module) is nn.Dropout:
        module.__class__ = OwnDropout
        module.probabilities = tuple(layer.p for layer in same)
        return
    for name, weight in list(module.named_parameters(recurse=False)):
        joined = torch.stack([getattr(layer, name).detach() for layer in same])
        setattr(module, name, nn.Parameter(joined, requires_grad=weight.requires_grad))
    for name, _ in list(module.named_buffers(recurse=False)):
        setattr(module, name, torch.stack([getattr(layer, name) for layer in same]))
    if isinstance(module, nn.Conv2d):
        module.__class__ = type(f"Packed{type(module).__name__}", (PackedConv2d, type(module)), {})
    elif type(module) in PACKED:
        module.__class__ = PACKED[type(module)]
    module.members = len(same)


def state(network: nn.Module, member: int) -> State:
    """Return a copy of the state dict that one of the packed networks would have alone."""
    return {name: value[member].clone() for name, value in network.state_dict().items()}


def load(network: nn.Module, member: int, weights: State) -> None:
    """Give one of the packed networks the weights of such a state dict."""
    for name, value in network.state_dict().items():
        value[member].copy_(weights[name])


def keep(network: nn.Module, members: torch.Tensor) -> None:
    """Go on with some of the packed networks. members: int64, which. Parameters and generators are other ones afterwards."""
    for module in network.modules():
        for name, weight in list(module.named_parameters(recurse=False)):
            setattr(module, name, nn.Parameter(weight.detach()[members], requires_grad=weight.requires_grad))
        for name, value in list(module.named_buffers(recurse=False)):
            setattr(module, name, value[members])
        if type(module) is OwnDropout:
            module.probabilities = tuple(module.probabilities[member] for member in members.tolist())
            module.generators = tuple(module.generators[member] for member in members.tolist())
        module.members = len(members)
