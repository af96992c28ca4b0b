"""Trials that go on from a checkpoint end as if nothing had interrupted them, to the bit."""

import hashlib
import json
import logging
import random
import shutil

import numpy as np
import pytest
import torch
from torch import nn

from bench.models import MODELS
from bench.training import cuda_graphs, run_trials
from bench.training.checkpoint import Checkpoint
from bench.training.losses import LOSSES
from bench.training.program import Program

TIMES = {"wall_clock", "images_per_second", "seconds"}


class Killed(BaseException):
    """Ends a trial in the middle of an epoch, as SIGKILL does."""


def bits(result):
    """All of a result but times, and that it was resumed."""

    def digest(value):
        return hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()

    return (
        result.outcome,
        result.message,
        (result.pack, result.backend),
        {name: value for name, value in result.metrics.items() if name not in TIMES},
        [{name: value for name, value in row.items() if name not in TIMES} for row in result.history],
        {(part, name): digest(array) for part, found in result.predictions.items() for name, array in found.items()},
        {part: digest(matrix) for part, matrix in result.confusion.items()},
        {name: digest(value.numpy()) for name, value in (result.weights or {}).items()},
    )


@pytest.fixture
def interrupted(dataset, tmp_path, monkeypatch):
    """Run trials that are killed in each epoch once, and go on after the one before; return their results."""

    def run(trials, reports=None, **options):
        checkpoint = Checkpoint(tmp_path / "state.ckpt", tuple(f"trial {n}" for n in range(len(trials))), "this", every=0)
        checkpoint.remove()
        options = {"keep_weights": True, **options}
        real, killed = Program._step, set()

        def step(program, places, rates, epoch):
            if int(epoch) not in killed and epoch > int(epoch):  # in the second batch
                killed.add(int(epoch))
                random.random(), np.random.random(), torch.rand(3)
                raise Killed
            real(program, places, rates, epoch)

        monkeypatch.setattr(Program, "_step", step)
        told = [[] for _ in trials]
        for _ in range(100):
            again = [lambda history, mine=mine: mine.__setitem__(slice(None), [row["epoch"] for row in history]) for mine in told]
            try:
                results = run_trials(trials, dataset, reports=reports, checkpoint=checkpoint, resumed=again, **options)
                break
            except Killed:
                continue
        monkeypatch.setattr(Program, "_step", real)
        assert len(killed) == trials[0][0].train.epochs or any(result.metrics["epochs"] == len(killed) for result in results)
        for result, mine in zip(results, told, strict=True):
            assert mine == list(range(1, result.resumed + 1))[: len(result.history)]
        assert checkpoint.path.exists() and not list(tmp_path.glob("*.part"))
        return results

    return run


def assert_same(interrupted, trials, dataset, **options):
    expected = run_trials(trials, dataset, **{"keep_weights": True, **options})
    found = interrupted(trials, **options)
    assert [bits(one) for one in found] == [bits(one) for one in expected]
    assert all(one.resumed for one in found)
    return found


RANDOM = {
    "model": {"name": "test_resnet", "head": {"hidden": [8], "batch_norm": True, "dropout": 0.5, "l2": 0.01}},
    "data": {
        "label_noise": {"share": 0.1},
        "noise": {"variance": 0.01},
        "append": {"share": 0.3, "augment": [{"name": "cutmix"}, {"name": "shift"}]},
        "augment": [{"name": "flip"}, {"name": "crop"}, {"name": "noise", "variance": 0.01}, {"name": "cutmix"}],
    },
    "sampling": "balanced",
}
SETTINGS = {
    "sgd": {},
    "momentum-free": {"optimizer": {"name": "sgd", "momentum": 0.0}},
    "adam, cosine": {"optimizer": {"name": "adam"}, "schedule": {"name": "cosine", "warmup": 1}},
    "adamw, step": {"optimizer": {"name": "adamw"}, "schedule": {"name": "step", "milestones": [1, 2]}},
    "exponential, restore_best": {
        "schedule": {"name": "exponential", "gamma": 6.0}, "divergence": 1e12, "restore_best": "val/loss",
    },
    "early stopping": {"early_stopping": {"metric": "val/loss", "patience": 2, "min_delta": 10.0}, "epochs": 6},
    "fast, in the usual layout": {"deterministic": "fast", "channels_last": False},
    "every stream": RANDOM | {"optimizer": {"name": "adam"}, "class_metrics": ["accuracy", "precision", "size"]},
}  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_a_trial_goes_on_to_the_bit(interrupted, dataset, trial_config, settings):
    assert_same(interrupted, [(trial_config(**{"epochs": 4, **settings}), 3)], dataset)


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("backend", ["grouped", "patches"])
def test_a_pack_goes_on_to_the_bit(interrupted, dataset, trial_config, settings, backend):
    model = {"name": "classic_cnn", "args": {"batch_norm": True, "dropout": 0.5, "filters": [4, 6], "hidden": [12]}}
    settings = {"epochs": 4, **settings, "model": model}
    trials = [(trial_config(**settings), seed) for seed in range(3)]
    assert_same(interrupted, trials, dataset, backend=backend)


def test_a_pack_that_has_shrunk_goes_on_with_the_results_of_those_that_ended(interrupted, dataset, trial_config):
    stopping = {"early_stopping": {"metric": "val/loss", "patience": 1, "min_delta": 10.0}}
    trials = [(trial_config(epochs=5, optimizer={"name": "adamw"}, **(stopping if n < 2 else {})), n) for n in range(4)]
    reports = [lambda epoch, metrics, last=last: epoch >= last for last in (9, 9, 3, 9)]
    results = assert_same(interrupted, trials, dataset, reports=reports, shrink=True)
    assert [result.outcome for result in results] == ["finished", "finished", "stopped", "finished"]
    assert [len(result.history) for result in results] == [2, 2, 3, 5]


def test_a_trial_that_diverges_or_is_stopped_ends_so_after_a_kill_too(interrupted, dataset, trial_config):
    growing = {"schedule": {"name": "exponential", "gamma": 30.0}, "epochs": 6, "divergence": 3.0}
    (result,) = assert_same(interrupted, [(trial_config(**growing), 0)], dataset)
    assert result.outcome == "diverged"
    (result,) = assert_same(interrupted, [(trial_config(epochs=6), 0)], dataset, reports=[lambda epoch, metrics: epoch == 3])
    assert result.outcome == "stopped" and len(result.history) == 3


class Moody(nn.Module):
    """A custom network with all that a state dict leaves out: a count, generators, a buffer, and Python's and NumPy's numbers."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 6, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)
        )
        self.count, self.own = 0, torch.Generator().manual_seed(1)
        self.register_buffer("mean", torch.zeros(3), persistent=False)

    def forward(self, maps):
        if self.training:
            self.count += 1
            self.mean = 0.9 * self.mean + 0.1 * maps.detach().mean((0, 2, 3))
            maps = maps * (1 + 0.1 * torch.rand(1, generator=self.own)) + 0.01 * random.random() + 0.01 * np.random.random()
            maps = maps + 0.01 * torch.rand(1)
        return self.layers(maps - self.mean[:, None, None]) * (1 + self.count / 100)


def test_custom_components_go_on_with_what_they_keep(interrupted, dataset, trial_config, monkeypatch):
    def moody(in_shape, classes):
        random.seed(0)
        np.random.seed(0)
        return Moody()

    monkeypatch.setitem(MODELS._parts, "moody", moody)
    monkeypatch.setitem(LOSSES._parts, "cross_entropy", lambda s, t, o, c: nn.functional.cross_entropy(s, t) * (1 + c.epoch))
    assert_same(interrupted, [(trial_config(model={"name": "moody"}, epochs=4), 0)], dataset)


def test_times_add_up(interrupted, dataset, trial_config, monkeypatch):
    from itertools import count

    from bench.training import checkpoint, trial

    seconds = count()
    for module in (trial, checkpoint):
        monkeypatch.setattr(module, "clock", lambda: next(seconds))
    (result,) = interrupted([(trial_config(), 0)])
    assert result.metrics["wall_clock"] == 3, "a second an epoch, those before a kill too"
    told = [row["seconds"] for row in result.history]
    assert told == sorted(told) and result.resumed == 2


def test_the_halves_of_a_pack_without_memory_go_on_by_themselves(dataset, trial_config, tmp_path, monkeypatch):
    trials = [(trial_config(), seed) for seed in range(4)]
    expected = run_trials(trials[:2], dataset) + run_trials(trials[2:], dataset)
    checkpoint = Checkpoint(tmp_path / "state.ckpt", tuple("abcd"), every=0)
    real, killed = Program.train_epoch, []

    def train_epoch(program, epoch):
        if program.members == 4 and epoch == 1:
            raise MemoryError
        if program.members == 2 and epoch == 2 and len(killed) < 2:
            killed.append(1)
            raise Killed
        return real(program, epoch)

    monkeypatch.setattr(Program, "train_epoch", train_epoch)
    for _ in range(2):
        with pytest.raises(Killed):
            run_trials(trials, dataset, checkpoint=checkpoint)
        assert [path.name for path in tmp_path.iterdir()] == ["state-0.ckpt"]
    results = run_trials(trials, dataset, checkpoint=checkpoint)
    assert [bits(one)[3:] for one in results] == [bits(one)[3:] for one in expected]
    assert [one.resumed for one in results] == [2, 2, 0, 0]


def _cut(path):
    path.write_bytes(path.read_bytes()[:-500])


def _flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _foreign(path):
    header, content = path.read_bytes().split(b"\n", 1)
    path.write_bytes(json.dumps(json.loads(header) | {"trials": ["another"]}).encode() + b"\n" + content)


def _older(path):
    header, content = path.read_bytes().split(b"\n", 1)
    path.write_bytes(json.dumps(json.loads(header) | {"made_by": "torch 1.0"}).encode() + b"\n" + content)


def _of_another_form(path):
    Checkpoint(path, ("a",), every=0)._write(2, {"epoch": 2, "elapsed": 1.0, "places": [0]})


def _of_another_network(path):
    state = Checkpoint(path, ("a",)).load()
    state["program"]["tensors"].popitem()
    Checkpoint(path, ("a",))._write(2, state)


def _empty(path):
    path.write_bytes(b"")


def _evil(path):
    """A pickle that would run something."""
    import io

    class Evil:
        def __reduce__(self):
            return (shutil.rmtree, ("/nowhere",))

    buffer = io.BytesIO()
    torch.save({"epoch": Evil()}, buffer)
    header = {"trials": ["a"], "made_by": "", "sha256": hashlib.sha256(buffer.getvalue()).hexdigest()}
    path.write_bytes(json.dumps(header).encode() + b"\n" + buffer.getvalue())


@pytest.mark.parametrize("damage", [_cut, _flip, _foreign, _older, _of_another_form, _of_another_network, _empty, _evil])
def test_what_cannot_be_used_is_told_and_the_trial_begins_anew(dataset, trial_config, tmp_path, monkeypatch, caplog, damage):
    trials = [(trial_config(), 0)]
    (expected,) = run_trials(trials, dataset)
    checkpoint = Checkpoint(tmp_path / "state.ckpt", ("a",), every=0)
    run_trials(trials, dataset, checkpoint=checkpoint)
    damage(checkpoint.path)
    with caplog.at_level(logging.WARNING, "bench"):
        (result,) = run_trials(trials, dataset, checkpoint=checkpoint)
    assert "a checkpoint is not used, so the trial begins anew" in caplog.text
    assert result.resumed == 0 and bits(result) == bits(expected)
    (again,) = run_trials(trials, dataset, checkpoint=checkpoint)
    assert again.resumed == 2, "the one that was written since is whole"


def test_a_folder_that_cannot_be_written_is_told_once_and_the_trial_goes_on(dataset, trial_config, tmp_path, caplog):
    (tmp_path / "file").touch()
    checkpoint = Checkpoint(tmp_path / "file" / "state.ckpt", ("a",), every=0)
    with caplog.at_level(logging.WARNING, "bench"):
        (result,) = run_trials([(trial_config(), 0)], dataset, checkpoint=checkpoint)
    assert result.outcome == "finished"
    assert caplog.text.count("trains without checkpoints from here on") == 1


def test_short_trials_save_nothing(dataset, trial_config, tmp_path):
    run_trials([(trial_config(), 0)], dataset, checkpoint=Checkpoint(tmp_path / "state.ckpt", ("a",)))
    assert not list(tmp_path.iterdir())


@pytest.mark.gpu
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_on_cuda_with_a_captured_step_too(interrupted, dataset, trial_config, monkeypatch, count):
    monkeypatch.setattr(cuda_graphs, "REPAID", 1)
    settings = RANDOM | {"model": {"name": "classic_cnn", "args": {"dropout": 0.5}}, "optimizer": {"name": "adam"}, "epochs": 4}
    trials = [(trial_config(**settings), seed) for seed in range(count)]
    assert_same(interrupted, trials, dataset, device="cuda:0")
