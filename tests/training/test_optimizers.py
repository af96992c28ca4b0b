"""Learning-rate schedules and optimizers against PyTorch's own."""

import pytest
import torch

from bench import config
from bench.training import LOSSES, OPTIMIZERS, SCHEDULES
from bench.training.optimizers import Alone, Together, learning_rate

STEPS = 5


def rates(epochs, schedule, lr=0.1):
    train = config.Train.model_validate({"epochs": epochs, "optimizer": {"name": "sgd", "lr": lr}, "schedule": schedule})
    return [learning_rate(train, step, STEPS) for step in range(epochs * STEPS)]


def reference(epochs, make, per_step):
    weights = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule, found = make(weights), []
    for step in range(epochs * STEPS):
        found.append(weights.param_groups[0]["lr"])
        weights.step()
        if per_step or (step + 1) % STEPS == 0:
            schedule.step()
    return found


def test_without_a_schedule_the_rate_is_constant():
    assert rates(2, None) == [0.1] * 10


@pytest.mark.parametrize(
    ("schedule", "make", "per_step"),
    [
        (
            {"name": "step", "milestones": [2, 3], "gamma": 0.5},
            lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [2, 3], gamma=0.5),
            False,
        ),
        ({"name": "exponential", "gamma": 0.9}, lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.9), False),
        (
            {"name": "cosine", "final": 0.1},
            lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 4 * STEPS, eta_min=0.01),
            True,
        ),
    ],
)
def test_schedules_follow_pytorchs(schedule, make, per_step):
    assert rates(4, schedule) == pytest.approx(reference(4, make, per_step))


def test_warm_up_rises_in_equal_steps_to_the_full_rate():
    found = rates(4, {"name": "cosine", "warmup": 1.0})
    assert found[:STEPS] == pytest.approx([0.02, 0.04, 0.06, 0.08, 0.1])
    assert found[STEPS] == pytest.approx(0.1)
    assert found[STEPS:] == sorted(found[STEPS:], reverse=True)
    assert 0 < found[-1] < 0.01


def test_a_warm_up_longer_than_training_is_cut_short():
    assert rates(1, {"name": "cosine", "warmup": 2.0}) == pytest.approx([0.01, 0.02, 0.03, 0.04, 0.05])


@pytest.mark.parametrize(
    ("spec", "plain"),
    [
        (
            {"name": "sgd", "lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
            lambda w: torch.optim.SGD(w, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
        ),
        (
            {"name": "adam", "lr": 0.1, "betas": [0.8, 0.9], "eps": 1e-3, "weight_decay": 0.1},
            lambda w: torch.optim.Adam(w, lr=0.1, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.1),
        ),
        ({"name": "adamw", "lr": 0.1}, lambda w: torch.optim.AdamW(w, lr=0.1, weight_decay=0.01)),
    ],
)
def test_every_option_reaches_the_optimizer(spec, plain):
    train = config.Train.model_validate({"epochs": 1, "optimizer": spec})
    ours, theirs = (torch.nn.Parameter(torch.linspace(-1, 1, 7)) for _ in range(2))
    packed = torch.nn.Parameter(torch.stack([torch.zeros(7), torch.linspace(-1, 1, 7)]))
    untrained = torch.nn.Parameter(torch.ones(3), requires_grad=False)
    other = config.Train.model_validate({"epochs": 1, "optimizer": {**spec, "weight_decay": 0.5}})
    alone = Alone(train.optimizer, [ours, untrained])
    together = Together([other.optimizer, train.optimizer], [packed, untrained])
    reference = plain([theirs])
    for rate in (0.1, 0.2, 0.05, 0.1):
        for weight in (ours, theirs, packed):
            (weight**3 + weight).sum().backward()
        alone.step(torch.tensor([rate], dtype=torch.float64))
        together.step(torch.tensor([0.3, rate], dtype=torch.float64))
        reference.param_groups[0]["lr"] = rate
        reference.step()
        reference.zero_grad()
    assert torch.allclose(ours, theirs, atol=1e-6) and torch.allclose(packed[1], theirs, atol=1e-6)
    assert not torch.allclose(ours, torch.linspace(-1, 1, 7), atol=1e-3)


def test_packed_optimizers_go_on_with_those_that_are_kept():
    spec = config.Train.model_validate({"epochs": 1, "optimizer": {"name": "adam", "weight_decay": 0.1}}).optimizer
    all_three, two = (torch.nn.Parameter(torch.arange(6.0).view(3, 2)) for _ in range(2))
    one, other = Together([spec] * 3, [all_three]), Together([spec] * 3, [two])
    rates, kept = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64), torch.tensor([2, 0])

    def step(descent, weight, rates):
        weight.square().sum().backward()
        descent.step(rates)

    step(one, all_three, rates)
    step(other, two, rates)
    two = torch.nn.Parameter(two.detach()[kept])
    other.keep(kept, [two])
    step(one, all_three, rates)
    step(other, two, rates[kept])
    assert torch.equal(all_three[kept], two)


def test_every_configured_part_is_there():
    named = lambda parts: {part.model_fields["name"].annotation.__args__[0] for part in parts}  # noqa: E731
    assert set(OPTIMIZERS) == named(config.train.OPTIMIZERS)
    assert set(SCHEDULES) == named(config.train.SCHEDULES)
    assert set(LOSSES) == named(config.train.LOSSES)
