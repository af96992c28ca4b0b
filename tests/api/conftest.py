import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

import bench
from bench.api import Job, LoadedSuite
from bench.trackers import StoredRun, open_tracker

HEAD = """\
suite: tiny
title: A small suite
data: {source: digits, subset: {train: 96, val: 48, test: 48}}
base:
  model: {name: simple_cnn, args: {filters: [4, 4, 4], hidden: 8}}
  train: {epochs: 1, batch_size: 32, optimizer: {name: sgd, lr: 0.01}}
seeds: 2
"""
BODY = """\
stages: {s: {axes: {lr: {path: train.optimizer.lr, values: [0.01, 0.1]}}}}
tables: {t: {stage: s, rows: lr, values: val/accuracy}}
profiles: {long: {base: {train: {epochs: 3}}}}
"""
SHOWN = """\
metrics: {gap: {minus: [train/accuracy, val/accuracy]}}
stages:
  grid:
    axes:
      lr: {path: train.optimizer.lr, values: [0.01, 0.1]}
      epochs: {path: train.epochs, values: [1, 2]}  # the name of a metric
  other:
    axes:
      outcome: {early: {train: {batch_size: 48}}, broken: {train: {optimizer: {lr: 1.0e+30}}}}
tables:
  t: {stage: grid, rows: lr, columns: epochs, values: [{metric: val/accuracy, unit: "%"}, gap]}
  o: {stage: other, rows: outcome, values: val/loss}
claims:
  faster:
    says: larger rates learn more
    metric: val/accuracy
    stage: grid
    of: {lr: 0.1}
    higher_than: {lr: 0.01}
    each: epochs
    margin: 0.01
  same:
    says: epochs do not matter
    metric: val/loss
    stage: grid
    of: {lr: 0.01, epochs: 1}
    same_as: {epochs: 2}
    margin: 5
"""
INLINE = {"executor": "inline", "workers": 1, "device": "cpu", "pack": "off"}


class Shelf:
    """A tracker that holds made-up runs, for what is read of them."""

    uri, needs_ui = "a shelf", ""

    def __init__(self) -> None:
        self.stored: list[StoredRun] = []

    def runs(self, experiment: str) -> list[StoredRun]:
        return self.stored

    def notes(self, experiment: str) -> dict[str, str]:
        return {}

    def histories(self, run_ids: list[str], metrics: list[str]) -> dict[str, dict[str, list[tuple[int, float]]]]:
        return {}

    def run_url(self, experiment: str) -> None:
        return None

    def artifact(self, run_id: str, name: str) -> None:
        return None

    def unreachable(self, run_id: str) -> str:
        return ""

    def fill(self, suite: LoadedSuite, metrics: Callable[[Job], dict[str, float]], **tags: str) -> None:
        """Put a finished run there for each trial that a suite has still to do. metrics: gives those of a trial."""
        while todo := suite.status().plan.todo():
            for job in todo:
                number = len(self.stored)
                said = {"fingerprint": job.trial.fingerprint, "stage": job.trial.cell.stage, "outcome": "finished", **tags}
                self.stored.append(StoredRun(f"run{number}", "FINISHED", said, metrics(job), start=float(number)))


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture(scope="session")
def inline() -> dict:
    """How to run fast: in this process."""
    return INLINE


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Path:
    """A database as MLflow makes it, made once: its migrations take seconds."""
    folder = tmp_path_factory.mktemp("template")
    open_tracker(f"sqlite:///{folder}/mlflow.db").open("nothing", {})
    return folder / "mlflow.db"


@pytest.fixture(autouse=True)
def folder(tmp_path, template, monkeypatch) -> Path:
    """The working folder, with an empty store of runs."""
    shutil.copy(template, tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


@pytest.fixture
def write(folder):
    """Writes a suite. changes: pieces of its text, and what stands there instead."""

    def write(body: str = BODY, changes: Mapping[str, str] = {}, name: str = "tiny.yaml") -> Path:
        text = HEAD + dedent(body)
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def shown(tmp_path_factory, template) -> LoadedSuite:
    """A suite with tables, claims and a metric of its own that has run, but for a cell that diverges. To be read only."""
    home = tmp_path_factory.mktemp("shown")
    shutil.copy(template, home / "mlflow.db")
    path = home / "shown.yaml"
    path.write_text(HEAD.replace("suite: tiny", "suite: shown").replace("seeds: 2", "seeds: 3") + SHOWN)
    suite = bench.load(path, tracker=f"sqlite:///{home}/mlflow.db")
    suite.run(**INLINE)
    return suite
