"""What our own networks share: the registry, and a last layer that can be taken away."""

from torch import nn

from bench.registry import Registry

Shape = tuple[int, int, int]

MODELS: Registry = Registry("model")


class Network(nn.Module):
    """A body and its last layer, `classifier`, with timm's two functions for it.

    A subclass builds its body, sets `width` (numbers an image that the body gives) and then calls `reset_classifier`: last, so
    that the body's random weights depend on neither the classes nor a head.
    """

    width: int

    def reset_classifier(self, classes: int) -> None:
        """Make a new last layer; for 0 classes take it away."""
        self.classifier = nn.Linear(self.width, classes) if classes else nn.Identity()

    def get_classifier(self) -> nn.Module:
        return self.classifier


def initialise(network: nn.Module) -> None:
    """Draw all convolutions' weights from He's normal distribution over the fan-out."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
