"""What surrounds a body: replaced heads, frozen layers, and the count of parameters."""

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from bench import config


def head(spec: config.Head, features: int, classes: int) -> nn.Sequential:
    """Return the classifier that `spec` describes: [batch, features] -> logits [batch, classes]."""
    layers: list[nn.Module] = [nn.BatchNorm1d(features)] if spec.batch_norm else []
    for width in spec.hidden:
        layers += [nn.Linear(features, width), nn.ReLU(inplace=True)]
        if spec.batch_norm:
            layers.append(nn.BatchNorm1d(width))
        if spec.dropout:
            layers.append(nn.Dropout(spec.dropout))
        features = width
    return nn.Sequential(*layers, nn.Linear(features, classes))


def with_head(body: nn.Module, top: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(body=body, head=top))


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
