"""What surrounds a body: replaced heads and their penalty, frozen layers, and the count of parameters."""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from bench import config


class DenseHead(nn.Sequential):
    """A classifier of dense layers. l2: what their squared weights add to the loss."""

    l2: float = 0.0


def head(spec: config.Head, features: int, classes: int) -> DenseHead:
    """Return the classifier that `spec` describes: [batch, features] -> logits [batch, classes]."""
    layers: list[nn.Module] = [nn.BatchNorm1d(features)] if spec.batch_norm else []
    for width in spec.hidden:
        layers += [nn.Linear(features, width), nn.ReLU(inplace=True)]
        if spec.batch_norm:
            layers.append(nn.BatchNorm1d(width))
        if spec.dropout:
            layers.append(nn.Dropout(spec.dropout))
        features = width
    top = DenseHead(*layers, nn.Linear(features, classes))
    top.l2 = spec.l2
    return top


def with_head(body: nn.Module, top: DenseHead) -> nn.Sequential:
    return nn.Sequential(OrderedDict(body=body, head=top))


def strip(body: nn.Module) -> None:
    """Take a body's classifier away, for a head to replace: its last layer; of timm's VGG all three dense layers.

    VGG's features are then the means of its last maps.
    """
    body.reset_classifier(0)
    if type(body).__module__ == "timm.models.vgg":  # asked by name: other bodies need not wait for timm to load
        body.pre_logits = nn.Identity()


def penalty(network: nn.Module) -> torch.Tensor | None:
    """Return l2 times the sum of squares of the head's dense weights (not biases), for the loss; None without l2.

    network: as `build` returns it, or as `pack` does: then it is [M], of each network. The gradient reaches the head only.
    """
    top = getattr(getattr(network, "network", network), "head", None)  # of a Frozen network, or of a plain one
    if not isinstance(top, DenseHead) or not top.l2:
        return None
    return top.l2 * sum(layer.weight.square().sum((-2, -1)) for layer in top if isinstance(layer, nn.Linear))


class Frozen(nn.Module):
    """A network of which only `trained` learns; all the rest has no gradients and stays in evaluation mode."""

    def __init__(self, network: nn.Module, trained: Sequence[nn.Module]):
        super().__init__()
        self.network = network.requires_grad_(False).eval()
        self._trained = tuple(trained)  # a tuple, so that these modules are not registered a second time
        for module in self._trained:
            module.requires_grad_(True)

    def train(self, mode: bool = True) -> "Frozen":
        self.training = mode
        for module in self._trained:
            module.train(mode)
        return self

    def forward(self, images):
        return self.network(images)


def parameters(network: nn.Module) -> dict[str, int]:
    """Count the parameters: {"trainable", "total"}. Total takes in batch norms' running statistics, as Keras counts."""
    weights = list(network.parameters())
    statistics = sum(
        buffer.numel()
        for module in network.modules()
        if isinstance(module, _BatchNorm)
        for buffer in (module.running_mean, module.running_var)
        if buffer is not None
    )
    return {
        "trainable": sum(weight.numel() for weight in weights if weight.requires_grad),
        "total": sum(weight.numel() for weight in weights) + statistics,
    }
