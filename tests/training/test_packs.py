"""Trials that train together: each as it would alone, whatever its neighbours do."""

import hashlib
import math
from itertools import count

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from bench.data import Preprocess
from bench.models import MODELS, packable
from bench.models.packed import BACKENDS
from bench.training import cuda_graphs, program, run_trial, run_trials, trial
from bench.training.program import Program

TOLERANCE = 0.01
"""Relative, of losses: in float32, over three epochs at a rate of some thousandths, as the README states it."""
EXACT = 1e-5
"""The same where networks compute in float64, over any of the trainings below."""


@pytest.fixture
def double(monkeypatch):
    """Let networks compute in float64: ReLU and max pooling make more of float32's rounding with every step, so that only then
    small differences tell that two programs compute the same."""
    build, call = program.build, Preprocess.__call__
    monkeypatch.setattr(program, "build", lambda *args: build(*args).double())
    monkeypatch.setattr(Preprocess, "__call__", lambda self, images: call(self, images).double())


def numbers(result):
    """Return what a trial measured, but for the time it took."""
    return {name: value for name, value in result.metrics.items() if name not in ("wall_clock", "images_per_second")}


def bits(result):
    digests = {name: hashlib.sha256(value.numpy().tobytes()).hexdigest() for name, value in (result.weights or {}).items()}
    arrays = {part: hashlib.sha256(found["probabilities"].tobytes()).hexdigest() for part, found in result.predictions.items()}
    return result.outcome, numbers(result), digests, arrays


def assert_alike(together, alone, tolerance=EXACT):
    """A member of a pack has the outcome, the course and the predictions of its solo training."""
    assert (together.outcome, len(together.history)) == (alone.outcome, len(alone.history))
    for one, other in zip(together.history, alone.history, strict=True):
        for name in ("train/loss", "val/loss"):
            assert one[name] == pytest.approx(other[name], rel=tolerance)
    for part, found in alone.predictions.items():
        mine, its = (one.predictions[part]["probabilities"].astype(float) for one in (together, alone))
        assert np.abs(mine - its).max() < max(5 * tolerance, 1e-3)  # they are stored in float16
        assert together.predictions[part]["indices"].tolist() == found["indices"].tolist()
    assert set(together.metrics) == set(alone.metrics)
    for name, value in (alone.weights or {}).items():
        assert together.weights[name].shape == value.shape and together.weights[name].dtype == value.dtype


def solo(trials, dataset, **options):
    return [run_trial(config, seed, dataset, keep_weights=True, **options) for config, seed in trials]


def packed(trials, dataset, **options):
    results = run_trials(trials, dataset, keep_weights=True, **options)
    assert {result.pack for result in results} == {len(trials)}, "they were trained together"
    return results


def test_in_float32_rounding_stays_within_the_stated_tolerance(dataset, trial_config):
    trials = [(trial_config(optimizer={"name": "sgd", "lr": lr}), seed) for lr, seed in [(0.001, 0), (0.002, 0), (0.001, 1)]]
    for one, other in zip(packed(trials, dataset), solo(trials, dataset), strict=True):
        assert_alike(one, other, TOLERANCE)


def test_members_with_rates_seeds_and_noise_of_their_own_train_as_they_do_alone(double, dataset, trial_config):
    trials = [
        (trial_config(data={"noise": {"variance": noise}}, optimizer={"name": "sgd", "lr": lr, "momentum": momentum}), seed)
        for noise, lr, momentum, seed in [(0, 0.01, 0.9, 0), (0, 0.02, 0.9, 1), (0.04, 0.01, 0.0, 0), (0.01, 0.001, 0.5, 7)]
    ]
    for one, other in zip(packed(trials, dataset), solo(trials, dataset), strict=True):
        assert_alike(one, other)


MODELS_TO_PACK = [
    {"name": "simple_cnn", "args": {"filters": [4, 4, 4], "hidden": 8}},
    {"name": "classic_cnn", "args": {"batch_norm": True, "dropout": 0.5, "filters": [4, 6], "hidden": [12]}},
    {"name": "resnet_cifar", "args": {"depth": 8, "channels": 4}},
    {"name": "resnet_small", "args": {"channels": 4, "pre_activation": True}},
    {"name": "se_wrn", "args": {"depth": 10, "width": 1, "dropout": 0.2}},
    {"name": "resnext_cifar", "args": {"depth": 11, "cardinality": 2, "channels": 4, "width": 4}},
    {"name": "densenet_cifar", "args": {"depth": 10, "growth": 4}},
    {"name": "resnet_cifar", "args": {"depth": 8, "channels": 4}, "frozen": True,
     "head": {"hidden": [8], "batch_norm": True, "dropout": 0.5, "l2": 0.01}},
]  # fmt: skip


@pytest.mark.parametrize("model", MODELS_TO_PACK, ids=lambda model: model["name"])
@pytest.mark.parametrize(
    ("optimizer", "backend"),
    [({"name": "adam", "lr": 1e-4}, "grouped"), ({"name": "sgd", "momentum": 0.9, "nesterov": True}, "patches")],
)
def test_every_family_of_networks_packs(double, dataset, trial_config, model, optimizer, backend):
    trials = [(trial_config(model=model, epochs=2, optimizer={**optimizer, "weight_decay": 0.01}), seed) for seed in (0, 1)]
    for one, other in zip(packed(trials, dataset, backend=backend), solo(trials, dataset), strict=True):
        assert_alike(one, other)
        assert (one.backend, other.backend) == (backend, "")


LR = {0: 0.01, 1: 0.02}
AUGMENT = [
    {"name": "flip"}, {"name": "crop"}, {"name": "shift"}, {"name": "border"}, {"name": "rotation"}, {"name": "contrast"},
    {"name": "color_jitter"}, {"name": "grayscale"}, {"name": "noise", "variance": 0.01}, {"name": "cutmix"},
]  # fmt: skip


def test_augmentation_sampling_and_soft_targets_are_each_members_own(double, dataset, trial_config):
    settings = {
        "data": {"augment": AUGMENT, "append": {"share": 0.3, "augment": [{"name": "cutmix"}]}, "resize": {"size": 24}},
        "sampling": "balanced",
        "label_smoothing": 0.1,
        "schedule": {"name": "cosine", "warmup": 1},
    }
    trials = [(trial_config(**settings), seed) for seed in (0, 3)]
    for one, other in zip(packed(trials, dataset), solo(trials, dataset), strict=True):
        assert_alike(one, other)


def test_environments_and_penalties_are_each_members_own(double, dataset, trial_config):
    head = {"hidden": [8], "l2": 0.05}
    trials = [
        (trial_config(model={"name": "classic_cnn", "head": head}, data={"environments": {"by": "random"}}, loss=loss), 0)
        for loss in ({"name": "irm", "penalty": 0.0}, {"name": "irm", "penalty": 3.0, "warmup": 1})
    ]
    for one, other in zip(packed(trials, dataset), solo(trials, dataset), strict=True):
        assert_alike(one, other)
        assert "train/cross_entropy" in one.metrics


def test_neighbours_do_not_change_a_bit_not_even_by_nan(dataset, trial_config):
    def pack(*rates):
        return packed([(trial_config(optimizer={"name": "sgd", "lr": rate, "momentum": 0.9}), 4) for rate in rates], dataset)

    first = pack(0.01, 0.02, 0.03)
    exploding = pack(0.01, 1e30, 0.03)
    assert exploding[1].outcome == "diverged" and not math.isfinite(float(exploding[1].message.split()[2]))
    assert bits(first[0]) == bits(exploding[0]) and bits(first[2]) == bits(exploding[2])
    assert bits(first[0]) == bits(pack(0.01, 0.5, 0.7)[0])


def test_members_stop_each_at_its_own_epoch(double, dataset, trial_config):
    def config(lr, patience):
        stopping = {"patience": patience, "metric": "val/accuracy"}
        return trial_config(epochs=8, early_stopping=stopping, optimizer={"name": "sgd", "lr": lr, "momentum": 0.9})

    trials = [(config(0.02, 8), 0), (config(1e-9, 1), 1), (config(0.01, 2), 2)]
    together, alone = packed(trials, dataset), solo(trials, dataset)
    for one, other in zip(together, alone, strict=True):
        assert_alike(one, other)
    assert len({len(one.history) for one in together}) > 1
    assert together[1].metrics["epochs"] == 2


@pytest.mark.parametrize("shrink", [False, True])
def test_the_best_epochs_weights_are_each_members_own(double, dataset, trial_config, shrink):
    def config(lr, patience):
        stopping = {"patience": patience}
        return trial_config(epochs=6, restore_best="val/loss", early_stopping=stopping, optimizer={"name": "adam", "lr": lr})

    trials = [(config(0.03, 1), 0), (config(0.001, 6), 1), (config(0.02, 1), 2), (config(0.03, 1), 5)]
    for one, other in zip(packed(trials, dataset, shrink=shrink), solo(trials, dataset), strict=True):
        assert_alike(one, other)
        assert one.metrics["best_epoch"] == other.metrics["best_epoch"]


def test_a_report_ends_its_own_member_only_and_a_pack_shrinks(double, dataset, trial_config, monkeypatch):
    real, widths = Program.train_epoch, []

    def train_epoch(program, epoch):
        widths.append(program.members)
        return real(program, epoch)

    monkeypatch.setattr(Program, "train_epoch", train_epoch)
    trials = [(trial_config(epochs=4, optimizer={"name": "adamw"}), seed) for seed in range(4)]
    reports = [lambda epoch, metrics, last=last: epoch >= last for last in (1, 1, 9, 2)]
    results = packed(trials, dataset, reports=reports, shrink=True)
    assert widths == [4, 2, 1, 1]
    assert [result.outcome for result in results] == ["stopped", "stopped", "finished", "stopped"]
    assert_alike(results[2], solo(trials[2:3], dataset)[0])
    assert [len(result.history) for result in results] == [1, 1, 4, 2]


def test_a_share_of_the_time_is_each_members(dataset, trial_config, monkeypatch):
    seconds = count(step=6)  # that pass between two looks at the clock: before the first epoch, and around each
    monkeypatch.setattr(trial, "clock", lambda: next(seconds))
    for result in packed([(trial_config(), seed) for seed in range(3)], dataset):
        assert [row["seconds"] for row in result.history] == [12, 24, 36]
        assert result.metrics["wall_clock"] == 3 * 6 / 3


def test_where_memory_runs_out_the_halves_go_on(double, dataset, trial_config, monkeypatch):
    real, seen = Program.__init__, []

    def init(program, starts, *args):
        seen.append(len(starts))
        if len(starts) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        real(program, starts, *args)

    monkeypatch.setattr(Program, "__init__", init)
    trials = [(trial_config(), seed) for seed in range(5)]
    results = run_trials(trials, dataset, keep_weights=True)
    assert seen == [5, 2, 3, 1, 2]
    assert [result.pack for result in results] == [2, 2, 1, 2, 2]
    for one, other in zip(results, solo(trials, dataset), strict=True):
        assert_alike(one, other)


class Replayed:
    """Stands in for a captured step: as a CUDA graph, it knows no other tensors than those of the capture."""

    def __init__(self, step, places, rates, generators):
        self.step, self.places, self.rates = step, places.clone(), rates.clone()
        assert all(isinstance(one, torch.Generator) for one in generators)

    def __call__(self, places, rates):
        self.places.copy_(places)
        self.rates.copy_(rates)
        self.step(self.places, self.rates)


@pytest.fixture
def capturing(monkeypatch):
    """Let every training replay its step, without CUDA."""
    monkeypatch.setattr(cuda_graphs, "is_worth_it", lambda config, steps, device: cuda_graphs.works)
    monkeypatch.setattr(cuda_graphs, "stream", lambda device: None)
    monkeypatch.setattr(cuda_graphs, "Captured", Replayed)
    monkeypatch.setattr(trial, "_kept", [])


@pytest.mark.parametrize("count", [1, 2])
def test_a_replayed_step_trains_as_one_that_is_not(dataset, trial_config, request, count):
    settings = {"data": {"augment": AUGMENT}, "batch_size": 50, "schedule": {"name": "cosine"}}  # batches of 50, 50 and 20
    trials = [(trial_config(**settings, optimizer={"name": "adam"}), seed) for seed in range(count)]
    usual = run_trials(trials, dataset, keep_weights=True)
    request.getfixturevalue("capturing")
    assert [bits(one) for one in run_trials(trials, dataset, keep_weights=True)] == [bits(one) for one in usual]


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("optimizer", [{"name": "sgd", "momentum": 0.9}, {"name": "adamw"}])
def test_a_captured_step_serves_the_next_trials_too(dataset, trial_config, request, monkeypatch, count, optimizer):
    settings = {
        "model": {"name": "classic_cnn", "args": {"dropout": 0.5, "batch_norm": True}},
        "data": {"augment": [{"name": "flip"}, {"name": "cutmix"}]},
    }

    def pack(first, **changes):
        rates = [{**optimizer, "lr": 0.01 * (first + number + 1)} for number in range(count)]
        return [(trial_config(**settings, **changes, optimizer=rate), first + seed) for seed, rate in enumerate(rates)]

    packs = [pack(0), pack(3, epochs=2), pack(5, schedule={"name": "cosine"}), pack(0, batch_size=8), pack(7)]
    usual = [[bits(one) for one in run_trials(trials, dataset, keep_weights=True)] for trials in packs]
    request.getfixturevalue("capturing")
    captures = []
    monkeypatch.setattr(cuda_graphs, "Captured", lambda *args: captures.append(1) or Replayed(*args))
    for trials, expected in zip(packs, usual, strict=True):
        assert [bits(one) for one in run_trials(trials, dataset, keep_weights=True)] == expected
    assert len(captures) == 3, "of the first three trials, of the other batch size, and of the last"


def test_what_was_captured_for_other_images_is_not_used(dataset, trial_config, capturing, monkeypatch):
    captures = []
    monkeypatch.setattr(cuda_graphs, "Captured", lambda *args: captures.append(1) or Replayed(*args))
    for seed in (0, 1):
        run_trial(trial_config(data={"noise": {"variance": 0.01}}), seed, dataset)
    assert len(captures) == 2


def test_where_a_step_cannot_be_captured_training_goes_on_without(dataset, trial_config, capturing, monkeypatch, caplog):
    def fails(*args):
        raise cuda_graphs.CaptureFailed("operation not permitted when stream is capturing")

    monkeypatch.setattr(cuda_graphs, "Captured", fails)
    monkeypatch.setattr(cuda_graphs, "works", True)
    trials = [(trial_config(), seed) for seed in (0, 1)]
    results = packed(trials, dataset)
    assert not cuda_graphs.works and "trains without CUDA graphs from here on: operation not permitted" in caplog.text
    assert [len(result.history) for result in results] == [3, 3]
    for one, other in zip(results, packed(trials, dataset), strict=True):
        assert bits(one) == bits(other)


ON_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.mark.gpu
@ON_CUDA
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("model", MODELS_TO_PACK, ids=lambda model: model["name"])
def test_on_cuda_members_train_as_they_do_alone(double, dataset, trial_config, model, backend):
    settings = {"model": model, "data": {"augment": AUGMENT}, "epochs": 2}
    trials = [(trial_config(**settings, optimizer={"name": "sgd", "lr": lr, "momentum": 0.9}), seed) for seed, lr in LR.items()]
    together = packed(trials, dataset, device="cuda", backend=backend)
    for one, other in zip(together, solo(trials, dataset, device="cuda"), strict=True):
        assert_alike(one, other)


@pytest.mark.gpu
@ON_CUDA
@pytest.mark.parametrize("train", [{}, {"precision": "bfloat16"}], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("count", [1, 3])
def test_on_cuda_a_graph_gives_the_bits_that_single_steps_give(dataset, trial_config, monkeypatch, count, train):
    model = {"name": "classic_cnn", "args": {"dropout": 0.5, "batch_norm": True}}
    settings = {"model": model, "data": {"augment": AUGMENT}, "batch_size": 32, "epochs": 4, **train}  # the last of 24
    packs = [
        [(trial_config(**settings, optimizer={"name": "adam", "lr": lr}), seed) for seed in range(count)] for lr in LR.values()
    ]
    monkeypatch.setattr(trial, "_kept", [])
    monkeypatch.setattr(cuda_graphs, "works", False)
    usual = [[bits(one) for one in run_trials(trials, dataset, "cuda", keep_weights=True)] for trials in packs]
    monkeypatch.setattr(cuda_graphs, "works", True)
    monkeypatch.setattr(cuda_graphs, "REPAID", 0)
    for trials, expected in zip(packs, usual, strict=True):
        assert [bits(one) for one in run_trials(trials, dataset, "cuda", keep_weights=True)] == expected
    assert cuda_graphs.works and trial._kept[0]._captured, "a graph was captured, and served the second pack too"


class Mixer(nn.Module):
    """Not packable, though all its layers are: it looks at other images of the batch."""

    def __init__(self, in_shape, classes):
        super().__init__()
        self.dense = nn.Linear(math.prod(in_shape), classes)

    def forward(self, images):
        return self.dense(functional.normalize(images.flatten(1), dim=0))


class OwnWeight(Mixer):
    """Not packable: a weight outside of any layer."""

    def __init__(self, in_shape, classes):
        super().__init__(in_shape, classes)
        self.scale = nn.Parameter(torch.ones(classes))

    def forward(self, images):
        return self.dense(images.flatten(1)) * self.scale


@pytest.fixture
def odd_networks(monkeypatch):
    for name, network in {"test_mixer": Mixer, "test_own_weight": OwnWeight}.items():
        monkeypatch.setitem(MODELS._parts, name, network)


@pytest.mark.parametrize("name", ["test_mixer", "test_own_weight", "convnext_atto"])
def test_networks_that_cannot_be_packed_are_trained_one_after_another(odd_networks, dataset, trial_config, name):
    trials = [(trial_config(model={"name": name}, data={"resize": {"scale": 2}}, epochs=1), seed) for seed in (0, 1)]
    results = run_trials(trials, dataset, keep_weights=True)
    assert [result.pack for result in results] == [1, 1]
    assert [bits(one) for one in results] == [bits(one) for one in solo(trials, dataset)]


def test_whether_networks_pack_is_told_with_the_reason(odd_networks, trial_config):
    def problem(**model):
        return packable.problem(trial_config(model=model).model, (3, 32, 32), 5)

    assert problem(name="resnet_cifar") == ""
    assert problem(name="resnet18") == "", "timm's too"
    assert "other numbers together" in problem(name="test_mixer")
    assert "layer '' (OwnWeight) has weights that are not packed" in problem(name="test_own_weight")
