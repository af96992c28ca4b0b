import sys
from pathlib import Path

import pytest

from bench.config import TrialConfig
from bench.runner import executors

sys.path.insert(0, str(Path(__file__).parent))

SUITE = """\
suite: tiny
title: A tiny suite
data: {source: digits, subset: {train: 96, val: 48, test: 48}}
base:
  model: {name: simple_cnn, args: {filters: [4, 4, 4], hidden: 8}}
  train: {epochs: 2, batch_size: 32, optimizer: {name: sgd, lr: 0.01}}
seeds: 2
stages: {s: {axes: {lr: {path: train.optimizer.lr, values: [0.01, 0.02]}}}}
tables: {t: {stage: s, rows: lr, values: val/accuracy}}
"""


@pytest.fixture(scope="session")
def toy():
    """The toy executor, registered by its one line."""
    from toy import Threads

    executors.EXECUTORS["toy"] = "toy:Threads"
    yield Threads
    del executors.EXECUTORS["toy"]


@pytest.fixture(params=["local", "inline", "toy"])
def executor(request, toy):
    """An open executor with one worker."""
    with executors.open_executor(request.param, workers=1, device="cpu") as opened:
        yield opened


@pytest.fixture
def config():
    """Returns a small trial's configuration, with settings of its training."""

    def config(source="digits", **train) -> TrialConfig:
        return TrialConfig.model_validate(
            {
                "data": {"source": source, "subset": {"train": 64, "val": 32, "test": 32}},
                "model": {"name": "simple_cnn", "args": {"filters": [4, 4, 4], "hidden": 8}},
                "train": {"epochs": 3, "batch_size": 32, "optimizer": {"name": "sgd", "lr": 0.01}, **train},
            }
        )

    return config


@pytest.fixture
def suite_file(tmp_path, monkeypatch) -> Path:
    """The file of a small suite, in an empty folder that is the working folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "tiny.yaml"
    path.write_text(SUITE)
    return path
