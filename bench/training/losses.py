"""What training minimises, by the names of the configuration.

A loss is a function (scores, targets, options, context) -> scalar tensor. scores: logits float32 [B, C]. targets: labels
int64 [B], or, where images were mixed, float32 [B, C] that sum to 1. options: its part of the configuration. It must not
wait for the device, so it may not look at a tensor's values in Python.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from bench import config
from bench.errors import BenchError
from bench.models import heads
from bench.registry import Registry, options

LOSSES: Registry = Registry("loss")


@dataclass(frozen=True)
class Context:
    """What a loss may know beside scores and targets.

    environments: int64 [B], each image's environment, below `environment_count`; None without `data.environments`.
    epoch: epochs done so far, with the fraction of this one. label_smoothing: as in the configuration.
    """

    environments: torch.Tensor | None = None
    environment_count: int = 0
    epoch: float = 0.0
    label_smoothing: float = 0.0


@LOSSES.register("cross_entropy")
def cross_entropy(
    scores: torch.Tensor, targets: torch.Tensor, options: config.CrossEntropy | None, context: Context
) -> torch.Tensor:
    """Cross entropy of the softmax, in nats, mean over the batch."""
    return F.cross_entropy(scores, targets, label_smoothing=context.label_smoothing)


@LOSSES.register("irm")
def irm(scores: torch.Tensor, targets: torch.Tensor, options: config.InvariantRisk, context: Context) -> torch.Tensor:
    """Invariant risk minimisation (Arjovsky et al. 2019, IRMv1): sum over environments e of R^e + penalty (dR^e/dw at w = 1)^2.

    R^e is the mean cross entropy of the logits times w over the batch's images of e, so

        dR^e/dw at w = 1  =  mean over the images of e of  sum over classes c of (p_c - y_c) z_c

    with logits z, softmax p and targets y (smoothed). Its square over a batch is biased upwards by the variance of that
    mean. An environment without images in the batch adds nothing. Until `warmup` epochs are done the penalty is left out.

    Over environments the terms are summed, as in the paper's equation (IRMv1), and not averaged, as in its published
    program. So every environment weighs the same, however few its images: with penalty 0 this is not yet plain cross entropy,
    but one balanced between environments. And with E environments in the batch, gradients are about E times those of a
    mean: no matter to Adam, but to SGD's learning rate.
    """
    if context.environments is None:
        raise _no_environments()
    if not targets.is_floating_point():
        targets = F.one_hot(targets, scores.shape[1])
    targets = targets * (1 - context.label_smoothing) + context.label_smoothing / scores.shape[1]
    risks = F.cross_entropy(scores, targets, reduction="none")
    slopes = ((scores.softmax(1) - targets) * scores).sum(1)
    numbers = torch.arange(context.environment_count, device=scores.device)
    member = (context.environments[:, None] == numbers).to(scores.dtype)  # [B, E]
    share = member / member.sum(0).clamp(min=1)
    risk, slope = ((share * values[:, None]).sum(0) for values in (risks, slopes))
    penalty = options.penalty if context.epoch >= options.warmup else 0.0
    return (risk + penalty * slope**2).sum()


class Objective:
    """What some trials that train as one program minimise, each its loss and its head's L2 penalty.

    plain: it is nothing but cross entropy.
    """

    def __init__(self, specs: Sequence[config.TrialConfig], network: nn.Module, environments: Sequence[torch.Tensor | None]):
        """specs: of each trial; they have the same loss. network: as `build` or `pack` returns it. environments: int64 [N] each,
        of all training images. Raises BenchError where the loss needs what the data lack."""
        for spec in specs:
            check(spec.train.loss, spec.data)
        self._loss = LOSSES[specs[0].train.loss.name]
        self._options = [options(spec.train.loss) for spec in specs]
        self._counts = [0 if numbers is None else int(numbers.max()) + 1 for numbers in environments]
        self._label_smoothing = specs[0].train.label_smoothing
        self._network = network
        self._is_cross_entropy = specs[0].train.loss.name == "cross_entropy"
        self.plain = self._is_cross_entropy and heads.penalty(network) is None

    def __call__(
        self, scores: torch.Tensor, targets: torch.Tensor, environments: torch.Tensor | None, epoch: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what is to be minimised, and the cross entropy by which a trial counts as diverged: [M] each.

        scores, targets, environments: of images that are those of the M trials by turns.
        """
        loss = self._each(scores, targets, environments, epoch, self._is_cross_entropy)
        if self.plain:
            return loss, loss
        with torch.no_grad():
            known = loss.detach() if self._is_cross_entropy else self._each(scores, targets, environments, epoch, True)
        penalty = heads.penalty(self._network)
        return loss if penalty is None else loss + penalty, known

    def keep(self, members: Sequence[int]) -> None:
        """Go on with some of the trials."""
        self._options = [self._options[member] for member in members]
        self._counts = [self._counts[member] for member in members]

    def _each(self, scores, targets, environments, epoch: float, is_cross_entropy: bool) -> torch.Tensor:
        members = len(self._options)
        if is_cross_entropy and members > 1:
            losses = F.cross_entropy(scores, targets, reduction="none", label_smoothing=self._label_smoothing)
            return losses.view(-1, members).mean(0)
        by_member = []
        for member, (member_options, count) in enumerate(zip(self._options, self._counts, strict=True)):
            member_environments = None if environments is None else environments[member::members]
            context = Context(member_environments, count, epoch, self._label_smoothing)
            loss = cross_entropy if is_cross_entropy else self._loss
            by_member.append(loss(scores[member::members], targets[member::members], member_options, context))
        return torch.stack(by_member)


def check(loss: config.Loss, data: config.Data) -> None:
    """Raise BenchError where the loss needs something of the data that is not declared, or there is no such loss."""
    LOSSES[loss.name]
    if isinstance(loss, config.InvariantRisk) and data.environments is None:
        raise _no_environments()


def _no_environments() -> BenchError:
    return BenchError(
        "loss irm needs environments, and the data declare none",
        where="train.loss",
        mend="declare them, for example `data: {environments: {by: class, groups: [[0, 1], [2, 3]]}}`",
    )
