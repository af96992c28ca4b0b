"""Contracts of what learns and of what it minimises."""

from typing import Any

import torch
from torch.nn import functional as F

from bench import config
from bench.config import Own
from bench.contracts.base import BATCH, Subject, described, reseeded, same, seed_world, world
from bench.models import MODELS, build, check
from bench.models.base import Shape
from bench.registry import options
from bench.training.losses import LOSSES, Context


def check_model(spec: config.Model, in_shape: Shape, classes: int, device: torch.device) -> None:
    """(in_shape, classes, **args) -> nn.Module: images float32 [B, 3, H, W] -> logits [B, classes].

    What `bench.models.check` demands of shapes and of timm's functions for the last layer comes first.
    """
    check(spec, in_shape, classes)
    subject = Subject(MODELS, spec.name)

    def state(seed: int) -> Any:
        """Return how the global generators stand after the network was made."""
        seed_world(seed)
        subject.call(subject.part, in_shape, classes, **spec.args)
        return world(device)

    seeds = "call no `manual_seed`: the trial's seed decides initial weights and dropout"
    subject.demand(not reseeded(state(0), state(1)), "sets the seed of the global generator when it is made", seeds)
    plain = spec.model_copy(update={"pretrained": False, "weights": None})
    network, again = (build(plain, in_shape, classes, seed=0) for _ in range(2))
    subject.demand(
        same(network.state_dict().values(), again.state_dict().values()),
        "starts from other weights when the seed is the same",
        "draw initial weights by torch.nn.init, from PyTorch's global generator",
    )
    network.to(device)
    images = torch.randn(BATCH, *in_shape, device=device)
    labels = torch.arange(BATCH, device=device) % classes

    def logits(seed: int, batch: torch.Tensor = images) -> tuple[torch.Tensor, Any]:
        seed_world(seed)
        scores = subject.call(network, batch)
        subject.demand(
            isinstance(scores, torch.Tensor) and scores.shape == (len(batch), classes),
            f"returns {described(scores if isinstance(scores, tuple) else (scores,))} for {len(batch)} images, {classes} classes",
            "return one tensor [images, classes] in training and in evaluation mode",
        )
        subject.demand(
            scores.is_floating_point() and bool(scores.isfinite().all()),
            "gives logits that are no finite floats",
            "check its initial weights, and logarithms and quotients in `forward`",
        )
        return scores, world(device)

    network.train()
    (scores, first_world), (_, second_world) = logits(0), logits(1)
    subject.demand(not reseeded(first_world, second_world), "sets the seed of the global generator when it is called", seeds)
    subject.demand(
        scores.requires_grad,
        "gives logits that no gradient goes back from",
        "keep to tensor operations in `forward`, without `.detach()`, `torch.no_grad()` or NumPy",
    )
    subject.call(lambda: F.cross_entropy(scores.float(), labels).backward())
    unreached = [name for name, weight in network.named_parameters() if weight.requires_grad and weight.grad is None]
    subject.demand(
        not unreached,
        f"has parameters that no gradient reaches: {', '.join(unreached[:3])}",
        "use them in `forward`, keep to tensor operations there, or set `requires_grad_(False)`",
    )
    network.eval()
    with torch.no_grad():
        (scores, first_world), (twice, _) = logits(0), logits(1)
        single, _ = logits(0, images[:1])
    subject.demand(torch.equal(scores, twice), "is random in evaluation mode", "heed `self.training`, as nn.Dropout does")
    seed_world(0)
    subject.demand(first_world == world(device), "draws from the global generator in evaluation mode", "draw in training only")
    subject.demand(
        bool(((single - scores[:1]).abs() <= 0.01 * scores.abs().max()).all()),  # devices round, a little, by the batch
        "gives an image other logits in another batch, in evaluation mode",
        "use no statistics of the batch there, as nn.BatchNorm2d does",
    )


def check_loss(part: Own, classes: int, mixes: bool, environments: bool, device: torch.device) -> None:
    """(scores float32 [B, C], targets int64 [B] or, if an augmentation mixes, float32 [B, C], options, context) -> scalar."""
    subject = Subject(LOSSES, part.name)
    scores = torch.randn(BATCH, classes, device=device)
    numbers = torch.arange(BATCH, device=device)
    targets = F.one_hot(numbers % classes, classes).float() * 0.7 + 0.3 / classes if mixes else numbers % classes
    context = Context(numbers % 2, 2) if environments else Context()
    leaf = scores.clone().requires_grad_()
    loss = subject.call(subject.part, leaf, targets, options(part), context)
    subject.demand(
        isinstance(loss, torch.Tensor) and loss.shape == () and loss.is_floating_point(),
        f"returns {described((loss,))}",
        "return one number as a tensor, such as a mean over the batch; not `.item()`",
    )
    subject.demand(bool(loss.isfinite()), f"is {loss.item()} for ordinary logits", "keep logarithms and roots away from 0")
    keep = "compute it from `scores` by tensor operations, without `.item()`, `.detach()`, `argmax` or NumPy"
    subject.demand(loss.requires_grad, "gives no gradient", keep)
    subject.call(loss.backward)
    subject.demand(leaf.grad is not None and bool(leaf.grad.any()), "gives a gradient of 0", keep)
    subject.demand(
        bool(leaf.grad.isfinite().all()), "gives a gradient that is not finite", "keep roots and quotients away from 0"
    )
