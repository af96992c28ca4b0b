"""Losses against autograd, sums by hand and PyTorch's own."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from bench import config
from bench.errors import BenchError
from bench.training.losses import LOSSES, Context, check

IRM = LOSSES["irm"]
PLAIN = config.CrossEntropy(name="cross_entropy")


def batch(seed=0, size=12, classes=4, environments=3):
    random = torch.Generator().manual_seed(seed)
    scores = 3 * torch.randn(size, classes, generator=random)
    labels = torch.randint(classes, (size,), generator=random)
    return scores, labels, torch.randint(environments, (size,), generator=random)


def soft(seed=0, size=12, classes=4):
    return torch.rand(size, classes, generator=torch.Generator().manual_seed(seed + 99)).softmax(1)


def invariant(penalty=1.0, warmup=0.0):
    return config.InvariantRisk(name="irm", penalty=penalty, warmup=warmup)


def by_autograd(scores, targets, environments, penalty, smoothing=0.0):
    """IRMv1 as its equation stands: an environment at a time, the gradient by a double backward."""
    total = torch.zeros(())
    for environment in environments.unique():
        chosen = environments == environment
        w = torch.ones((), requires_grad=True)
        risk = F.cross_entropy(w * scores[chosen], targets[chosen], label_smoothing=smoothing)
        (slope,) = torch.autograd.grad(risk, w, create_graph=True)
        total = total + risk + penalty * slope**2
    return total


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("targets", [batch()[1], soft()])
def test_cross_entropy_is_pytorchs_for_hard_and_soft_targets(targets, smoothing):
    scores = batch()[0]
    found = LOSSES["cross_entropy"](scores, targets, PLAIN, Context(label_smoothing=smoothing))
    if targets.is_floating_point():
        smoothed = targets * (1 - smoothing) + smoothing / 4
    else:
        smoothed = torch.full((12, 4), smoothing / 4)
        smoothed[range(12), targets] += 1 - smoothing
    by_hand = -(smoothed * scores.log_softmax(1)).sum(1).mean()
    assert found.item() == pytest.approx(by_hand.item(), rel=1e-6)


def test_of_one_image_the_penalty_is_its_closed_form():
    # z = (1, 0), y = first class: p = (s, 1 - s) with s the logistic function of 1, so the slope is s - 1.
    s = 1 / (1 + math.exp(-1))
    context = Context(torch.tensor([0]), 1)
    found = IRM(torch.tensor([[1.0, 0.0]]), torch.tensor([0]), invariant(10), context)
    assert found.item() == pytest.approx(-math.log(s) + 10 * (s - 1) ** 2, rel=1e-6)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 1000), st.floats(0, 100), st.sampled_from([0.0, 0.1]), st.booleans())
def test_irm_and_its_gradient_are_those_of_a_double_backward(seed, penalty, smoothing, mixed):
    scores, targets, environments = batch(seed)
    if mixed:
        targets = soft(seed)
    ours, theirs = (scores.clone().requires_grad_() for _ in range(2))
    context = Context(environments, 5, label_smoothing=smoothing)  # more environments than are in the batch
    found = IRM(ours, targets, invariant(penalty), context)
    expected = by_autograd(theirs, targets, environments, penalty, smoothing)
    assert found.shape == ()
    assert found.item() == pytest.approx(expected.item(), rel=1e-4)
    found.backward()
    expected.backward()
    assert torch.allclose(ours.grad, theirs.grad, rtol=1e-3, atol=1e-5 * (1 + penalty))
    assert ours.grad.abs().sum() > 0


def test_environments_are_summed_and_weigh_the_same_whatever_their_size():
    scores, labels, _ = batch(size=8)
    environments = torch.tensor([0] + [1] * 7)
    risks = F.cross_entropy(scores, labels, reduction="none")
    found = IRM(scores, labels, invariant(0), Context(environments, 2))
    assert found.item() == pytest.approx((risks[0] + risks[1:].mean()).item(), rel=1e-6)
    alone = IRM(scores, labels, invariant(0), Context(torch.zeros(8, dtype=torch.int64), 1))
    assert alone.item() == pytest.approx(risks.mean().item(), rel=1e-6)


def test_the_penalty_counts_from_the_end_of_the_warm_up():
    scores, labels, environments = batch()

    def at(epoch, penalty=5.0):
        return IRM(scores, labels, invariant(penalty, warmup=1.5), Context(environments, 3, epoch)).item()

    assert at(0.0) == at(1.49) == at(9.0, penalty=0.0)
    assert at(1.5) == at(2.0) > at(0.0)


def test_irm_without_environments_is_an_error_that_says_how_to_declare_them():
    scores, labels, _ = batch()
    with pytest.raises(BenchError, match="needs environments") as raised:
        IRM(scores, labels, invariant(), Context())
    assert "data: {environments:" in raised.value.mend
    assert raised.value.where == "train.loss"
    with pytest.raises(BenchError, match="needs environments"):
        check(invariant(), config.Data(source="digits"))
    check(invariant(), config.Data(source="digits", environments=config.Environments(by="random")))
    check(PLAIN, config.Data(source="digits"))


def test_all_are_listed_with_a_description():
    assert list(LOSSES) == ["cross_entropy", "irm"]
    assert all(LOSSES.describe().values())
