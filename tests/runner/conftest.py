from pathlib import Path
from textwrap import dedent

import pytest

from bench.suite.load import load_suite
from bench.trackers import open_tracker

HEAD = """\
suite: tiny
title: A tiny suite
data: {source: digits, subset: {train: 64, val: 32, test: 32}}
base: {model: {name: simple_cnn}, train: {epochs: 2, batch_size: 32, optimizer: {name: sgd, lr: 0.05}}}
seeds: 2
"""


@pytest.fixture
def make(tmp_path: Path):
    """Writes a suite and loads it."""

    def make(body: str, **options):
        path = tmp_path / "tiny.yaml"
        path.write_text(HEAD + dedent(body))
        return load_suite(path, **options)

    return make


@pytest.fixture
def tracker(tmp_path: Path):
    return open_tracker(f"sqlite:///{tmp_path}/mlflow.db")
