"""Data files that custom components read: declared ones belong to the fingerprint, of others the user is warned."""

import json

import pytest

from bench.trackers import open_tracker
from bench.trackers.record import Artifact

PARTS = """\
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

HERE = Path(__file__).parent


def images(file="numbers.csv"):
    labels = np.loadtxt(HERE / file, dtype=np.int64)
    images = np.zeros((len(labels), 3, 32, 32), np.uint8)
    images[labels == 1, :, ::2] = 255
    return ["a", "b"], images, labels


class Net(nn.Module):
    def __init__(self, in_shape, classes):
        super().__init__()
        self.layer = nn.Linear(in_shape[0] * in_shape[1] * in_shape[2], classes)
        self.factor = float((HERE / "factor.txt").read_text())

    def forward(self, images):
        return self.layer(images.flatten(1)) * self.factor


def weighted(scores, targets, options, context):
    return functional.cross_entropy(scores, targets, weight=torch.tensor(np.loadtxt(HERE / "weights.csv"), dtype=torch.float32))


def shifted(images, options, generator):
    return torch.roll(images, int((HERE / "shift.txt").read_text()), 3)


def blurred(images, options):
    return images * float((HERE / "blur.txt").read_text())
"""
FILES = {"numbers.csv": "0\n1\n" * 150, "factor.txt": "1.0", "weights.csv": "1\n2\n", "shift.txt": "1", "blur.txt": "0.5"}
SUITE = """\
suite: files
title: Parts that read files
data: {DATA, subset: {train: 64, val: 32, test: 32}}
base:
  model: {MODEL}
  train: {TRAIN epochs: 1, batch_size: 32, class_metrics: [size], optimizer: {name: sgd, lr: 0.05}}
seeds: 2
stages: {main: {axes: {lr: {path: train.optimizer.lr, values: [0.05]}}}}
"""
SOURCE = 'source: "parts:images"'
USES = {
    "numbers.csv": {"DATA": f"{SOURCE}, files: [numbers.csv]"},
    "factor.txt": {"MODEL": 'name: "parts:Net", files: [factor.txt]'},
    "weights.csv": {"DATA": f"{SOURCE}, files: [numbers.csv]", "TRAIN": 'loss: {name: "parts:weighted", files: [weights.csv]},'},
    "shift.txt": {"DATA": 'source: digits, augment: [{name: flip}, {name: "parts:shifted", files: [shift.txt]}]'},
    "blur.txt": {"DATA": 'source: digits, denoise: {name: "parts:blurred", files: [blur.txt]}'},
}
PLAIN = {"DATA": "source: digits", "MODEL": "name: simple_cnn, args: {filters: [4, 4, 4], hidden: 8}", "TRAIN": ""}


@pytest.fixture
def own(bench):
    """Returns the command line with a suite that uses a component in this way; its text is changed by what follows."""

    def own(uses, *change):
        bench.write(PARTS, "parts.py")
        for name, text in FILES.items():
            bench.write(text, name)
        text = SUITE
        for name, said in (PLAIN | uses).items():
            text = text.replace(name, said)
        bench.write(text.replace(*change) if change else text, "files.yaml")
        return bench

    return own


def fingerprints(bench):
    return [job["fingerprint"] for job in json.loads(bench("plan", "files.yaml", "--no-probe", "--json").out)["jobs"]]


@pytest.mark.parametrize("file", USES)
def test_an_edit_of_a_declared_file_makes_other_trials(own, file):
    bench = own(USES[file])
    before = fingerprints(bench)
    assert before == fingerprints(bench)
    bench.write(FILES[file].replace("1", "0", 1) if "1" in FILES[file] else "0.6", file)
    assert not {*before} & {*fingerprints(bench)}
    bench.write(FILES[file], file)
    assert before == fingerprints(bench)


def test_what_was_read_is_read_again(own):
    bench = own(USES["numbers.csv"])
    first = bench("run", "files.yaml", "--workers", "1")
    assert first.code == 0 and "warning" not in first.err, first.err
    bench.write("0\n0\n1\n" * 100, "numbers.csv")
    second = bench("run", "files.yaml", "--workers", "1")
    assert second.code == 0 and "2/2 done" in second.out, second.err
    sizes = {tuple(run.metrics[f"train/class_size/{name}"] for name in "ab") for run in bench.runs("files")}
    assert len(sizes) == 2, "of the second run a class has twice the images of the other"


@pytest.mark.parametrize("file", USES)
def test_a_file_that_is_not_there_is_told_with_its_line(own, file):
    bench = own(USES[file])
    (bench.folder / file).unlink()
    line = {"factor.txt": 5, "weights.csv": 6}.get(file, 3)
    planned, validated = bench("plan", "files.yaml"), bench("validate", "files.yaml")
    assert planned.code == 1 and f"files.yaml:{line}: " in planned.err and f"there is no such file: {file}" in planned.err
    assert validated.code == 0 and f"files.yaml:{line}: " in validated.out and file in validated.out, (
        "a note: another machine has it"
    )


@pytest.mark.parametrize(("part", "line"), [("DATA", 3), ("MODEL", 5)])
def test_only_custom_components_declare_files(own, part, line):
    answer = own({part: f"{PLAIN[part]}, files: [factor.txt]"})("validate", "files.yaml")
    assert answer.code == 1 and f"files.yaml:{line}: " in answer.err and "of your own, `module:name`" in answer.err


@pytest.mark.parametrize("executor", ["local", "inline"])
@pytest.mark.parametrize("file", USES)
def test_an_undeclared_file_is_warned_of_once_and_stands_in_the_log(own, file, executor):
    bench = own(USES[file], f", files: [{file}]", "")
    answer = bench("run", "files.yaml", "--workers", "1", "--executor", executor, BENCH_DATA=str(bench.folder / "sets"))
    assert answer.code == 0, answer.err
    told = f"warning: parts.py reads {file}, which the suite does not declare"
    assert answer.err.count(told) == 1 and answer.err.count("warning: ") == 1 and f"write `files: [{file}]`" in answer.err
    logs = [open_tracker(f"sqlite:///{bench.folder}/mlflow.db").artifact(run.run_id, Artifact.LOG) for run in bench.runs("files")]
    if file in ("numbers.csv", "blur.txt"):  # images are made before the trials, once
        assert logs == [None, None]
    else:
        assert len(logs) == 2 and all(told in log.decode() for log in logs)
