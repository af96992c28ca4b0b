"""Optimizers and learning-rate schedules, by the names of the configuration.

A schedule is a function (its configuration, step, steps an epoch, epochs) -> factor of the learning rate, evaluated
before each step; steps count from 0 over the whole training.
"""

import math
from collections.abc import Iterable

import torch

from bench import config
from bench.registry import Registry

OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
SCHEDULES: Registry = Registry("schedule")


def optimizer(spec: config.Optimizer, weights: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
    """Return the optimizer of those weights that are trained; its settings are the keyword arguments of PyTorch's class."""
    trained = [weight for weight in weights if weight.requires_grad]
    return OPTIMIZERS[spec.name](trained, fused=True, **spec.model_dump(exclude={"name"}))


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
