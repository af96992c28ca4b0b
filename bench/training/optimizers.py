"""Optimizers and learning-rate schedules, by the names of the configuration.

A schedule is a function (its configuration, step, steps an epoch, epochs) -> factor of the learning rate, evaluated
before each step; steps count from 0 over the whole training.
"""

import math
import warnings
from collections.abc import Iterable, Sequence

import torch

from bench import config
from bench.registry import Registry

OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
SCHEDULES: Registry = Registry("schedule")


class Alone:
    """PyTorch's optimizer of one network's weights, of those that are trained."""

    def __init__(self, spec: config.Optimizer, weights: Iterable[torch.nn.Parameter]):
        self._trained = trained = [weight for weight in weights if weight.requires_grad]
        settings = spec.model_dump(exclude={"name"})
        if trained[0].is_cuda:  # a step that is captured as a graph reads its rate from the device
            settings["lr"] = torch.tensor(spec.lr, device=trained[0].device)
            settings |= {"capturable": True} if spec.name != "sgd" else {}
            # of the first steps, and of short trials
            warnings.filterwarnings("ignore", ".*capturable=True.*running without CUDA graph")
        self._optimizer = OPTIMIZERS[spec.name](trained, fused=True, **settings)

    def reset(self, specs: Sequence[config.Optimizer]) -> None:
        """Forget all steps. specs: of the one network; it may differ in its learning rate only, which each step is told."""
        for averages in self._optimizer.state.values():
            for value in averages.values():
                if value is not None:
                    value.zero_()

    def state(self) -> list[dict[str, torch.Tensor | None]]:
        """Return what `load` takes: of each weight that is trained, its averages by name. The rate is no part of it."""
        return [dict(self._optimizer.state.get(weight, {})) for weight in self._trained]

    def load(self, state: Sequence[dict[str, torch.Tensor | None]]) -> None:
        """Go on from a state, before the first step."""
        for weight, averages in zip(self._trained, state, strict=True):
            if averages:
                on_device = {name: None if average is None else average.to(weight.device) for name, average in averages.items()}
                self._optimizer.state[weight] = on_device

    def step(self, rates: torch.Tensor) -> None:
        """Take a step, and let go of the gradients. rates: the learning rate, [1]."""
        for group in self._optimizer.param_groups:
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].copy_(rates[0])
            else:
                group["lr"] = rates.item()
        self._optimizer.step()
        self._optimizer.zero_grad()


class Together:
    """The optimizers of packed networks, of the same kind but with settings of their own. weights: [M, …] each.

    Steps are those of PyTorch's classes; all networks have taken equally many.
    """

    def __init__(self, specs: Sequence[config.Optimizer], weights: Iterable[torch.nn.Parameter]):
        self._weights = [weight for weight in weights if weight.requires_grad]
        self._name, self._nesterov = specs[0].name, getattr(specs[0], "nesterov", False)
        kind = {"dtype": self._weights[0].dtype, "device": self._weights[0].device}
        self._settings = {name: torch.tensor(values, **kind) for name, values in _numbers(specs).items()}
        averages = 1 if self._name == "sgd" else 2
        self._averages = [[torch.zeros_like(weight) for weight in self._weights] for _ in range(averages)]
        self._steps = torch.zeros((), dtype=torch.float64, device=kind["device"])

    def reset(self, specs: Sequence[config.Optimizer]) -> None:
        """Forget all steps, and go on with other settings."""
        for name, values in _numbers(specs).items():
            self._settings[name].copy_(torch.tensor(values))
        for value in (self._steps, *(tensor for average in self._averages for tensor in average)):
            value.zero_()

    def state(self) -> list[torch.Tensor]:
        """Return what `load` takes."""
        return [self._steps, *(tensor for average in self._averages for tensor in average)]

    def load(self, state: Sequence[torch.Tensor]) -> None:
        """Go on from a state."""
        for tensor, saved in zip(self.state(), state, strict=True):
            tensor.copy_(saved)

    @torch.no_grad()
    def step(self, rates: torch.Tensor) -> None:
        """Take a step, and let go of the gradients. rates: the learning rates, [M]."""
        self._steps += 1
        for weight, *averages in zip(self._weights, *self._averages, strict=True):
            shape = (-1, *[1] * (weight.ndim - 1))
            settings = {name: value.view(*shape, *value.shape[1:]) for name, value in self._settings.items()}
            step = self._descend if self._name == "sgd" else self._adapt
            step(weight, *averages, rate=rates.to(weight.dtype).view(shape), **settings)
            weight.grad = None

    def keep(self, members: torch.Tensor, weights: Iterable[torch.nn.Parameter]) -> None:
        """Go on with some of the networks. members: int64, which. weights: theirs."""
        self._weights = [weight for weight in weights if weight.requires_grad]
        self._averages = [[tensor[members] for tensor in average] for average in self._averages]
        self._settings = {name: value[members] for name, value in self._settings.items()}

    def _descend(self, weight, average, *, rate, momentum, weight_decay) -> None:
        gradient = weight.grad.addcmul(weight, weight_decay)
        average.mul_(momentum).add_(gradient)
        weight.sub_((gradient + momentum * average if self._nesterov else average) * rate)

    def _adapt(self, weight, mean, square, *, rate, betas, eps, weight_decay) -> None:
        gradient = weight.grad
        if self._name == "adamw":
            weight.mul_(1 - rate * weight_decay)
        else:
            gradient = gradient.addcmul(weight, weight_decay)
        first, second = betas.unbind(-1)
        mean.lerp_(gradient, 1 - first)
        square.mul_(second).addcmul_(gradient * gradient, 1 - second)
        # in double: near 1 the powers of beta have few digits left
        shrunk, spread = ((1 - beta.double() ** self._steps).to(weight.dtype) for beta in (first, second))
        weight.addcdiv_(mean * (-rate / shrunk), (square / spread).sqrt_().add_(eps))


def _numbers(specs: Sequence[config.Optimizer]) -> dict[str, list]:
    """Return the settings that may differ within a pack, by name, each network's."""
    each = [spec.model_dump(exclude={"name", "lr", "nesterov"}) for spec in specs]
    return {name: [settings[name] for settings in each] for name in each[0]}


def learning_rate(train: config.Train, step: int, steps: int) -> float:
    """Return the learning rate of a step, counted from 0 over the whole training; `steps` is the number in an epoch."""
    factor = SCHEDULES[train.schedule.name](train.schedule, step, steps, train.epochs) if train.schedule else 1.0
    return train.optimizer.lr * factor


@SCHEDULES.register("step")
def _step(spec: config.StepSchedule, step: int, steps: int, epochs: int) -> float:
    """Multiply the learning rate by gamma after each of the milestone epochs."""
    return spec.gamma ** sum(step // steps >= milestone for milestone in spec.milestones)


@SCHEDULES.register("exponential")
def _exponential(spec: config.ExponentialSchedule, step: int, steps: int, epochs: int) -> float:
    """Multiply the learning rate by gamma after every epoch."""
    return spec.gamma ** (step // steps)


@SCHEDULES.register("cosine")
def _cosine(spec: config.CosineSchedule, step: int, steps: int, epochs: int) -> float:
    """Warm up linearly, then fall along a half cosine (Loshchilov and Hutter 2017), step by step."""
    warm = round(spec.warmup * steps)
    if step < warm:
        return (step + 1) / warm
    fallen = (step - warm) / max(1, epochs * steps - warm)
    return spec.final + (1 - spec.final) * (1 + math.cos(math.pi * fallen)) / 2
