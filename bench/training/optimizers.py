"""Optimizers and learning-rate schedules, by the names of the configuration.

A schedule is a function (its configuration, step, steps an epoch, epochs) -> factor of the learning rate, evaluated
before each step; steps count from 0 over the whole training.
"""

import math
from collections.abc import Iterable

import torch

from bench import config
from bench.registry import Registry

OPTIMIZERS: Registry = Registry("optimizer")
SCHEDULES: Registry = Registry("schedule")


@OPTIMIZERS.register("sgd")
def _sgd(spec: config.SGD, weights: list[torch.nn.Parameter]) -> torch.optim.Optimizer:
    """Stochastic gradient descent with momentum."""
    return torch.optim.SGD(
        weights,
        lr=spec.lr,
        momentum=spec.momentum,
        nesterov=spec.nesterov,
        weight_decay=spec.weight_decay,
        fused=True,
    )


@OPTIMIZERS.register("adam")
def _adam(spec: config.Adam, weights: list[torch.nn.Parameter]) -> torch.optim.Optimizer:
    """Adam (Kingma and Ba 2015); weight decay is added to the gradient."""
    return torch.optim.Adam(weights, lr=spec.lr, betas=spec.betas, eps=spec.eps, weight_decay=spec.weight_decay, fused=True)


@OPTIMIZERS.register("adamw")
def _adamw(spec: config.AdamW, weights: list[torch.nn.Parameter]) -> torch.optim.Optimizer:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""
    return torch.optim.AdamW(weights, lr=spec.lr, betas=spec.betas, eps=spec.eps, weight_decay=spec.weight_decay, fused=True)


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


def optimizer(spec: config.Optimizer, weights: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
    """Return the optimizer of those weights that are trained."""
    return OPTIMIZERS[spec.name](spec, [weight for weight in weights if weight.requires_grad])


def learning_rate(train: config.Train, step: int, steps: int) -> float:
    """Return the learning rate of a step, counted from 0 over the whole training; `steps` is the number in an epoch."""
    factor = SCHEDULES[train.schedule.name](train.schedule, step, steps, train.epochs) if train.schedule else 1.0
    return train.optimizer.lr * factor
