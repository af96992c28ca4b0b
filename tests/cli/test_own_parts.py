"""Parts of one's own, as the README shows them: used, checked, and known by their file."""

import re

import pytest

SUITE = """\
suite: own
title: Parts of one's own
{parts}seeds: 2
stages:
  s: {{axes: {{lr: {{path: train.optimizer.lr, values: [0.01, 0.1]}}}}}}
"""


@pytest.fixture
def own(bench, root):
    """The README's parts and the lines that use them, in a folder of their own."""
    readme = (root / "README.md").read_text(encoding="utf-8")
    section = readme[readme.index("## Parts of your own") :]
    python, yaml = (re.search(rf"```{kind}\n(.*?)```", section, re.DOTALL)[1] for kind in ("python", "yaml"))
    bench.write(python, "my_parts.py")
    bench.write(SUITE.format(parts=yaml), "own.yaml")
    return bench


def test_they_run_and_are_known_by_their_file(own):
    answer = own("run", "own.yaml")
    assert answer.code == 0, answer.err
    runs = own.runs("own")
    assert len(runs) == 4 and all(run.metrics["val/accuracy"] > 0.9 for run in runs), "rows and columns are easy to tell apart"
    assert "to do: 0 trials" in own("plan", "own.yaml").out
    path = own.folder / "my_parts.py"
    path.write_text(path.read_text().replace("factors = 0.5", "factors = 0.4"))
    assert "to do: 4 trials" in own("plan", "own.yaml", "--no-probe").out


def test_the_contract_check(own):
    answer = own("validate", "own.yaml")
    assert answer.code == 0 and "1 stages, 4 trials" in answer.out, answer.err
    path = own.folder / "my_parts.py"
    path.write_text(path.read_text().replace("generator=generator, device=generator.device)", "device=images.device)"))
    answer = own("validate", "own.yaml")
    assert answer.code == 1 and "own.yaml:3: " in answer.err and "my_parts:darken" in answer.err and "generator" in answer.err


def test_what_is_not_there(own):
    path = own.folder / "own.yaml"
    text = path.read_text()
    path.write_text(text.replace("my_parts:focal", "my_parts:fokal"))
    answer = own("validate", "own.yaml")
    assert answer.code == 1 and "own.yaml:6: " in answer.err and "did you mean 'focal'?" in answer.err
    path.write_text(text.replace("my_parts:Linear", "their_parts:Linear"))
    answer = own("validate", "own.yaml")
    assert answer.code == 1 and "own.yaml:5: " in answer.err and "put their_parts.py beside the suite" in answer.err


PARTS = """\
import numpy as np
from torch.nn import functional

def images():
    {source}
    return ["a", "b"], np.zeros((40, 3, 32, 32), np.uint8), np.arange(40) % 2

def {loss}(scores, targets, options, context):
    return functional.cross_entropy(scores, targets)
"""
ONE = """\
suite: {name}
title: Parts of one folder
data: {{source: "parts:images"}}
base: {{model: {{name: simple_cnn}}, train: {{epochs: 1, loss: {{name: "parts:{loss}"}}, optimizer: {{name: sgd, lr: 0.1}}}}}}
seeds: 2
stages: {{s: {{axes: {{lr: {{path: train.optimizer.lr, values: [0.01, 0.1]}}}}}}}}
"""


def test_each_folder_is_checked_with_its_own_parts(bench):
    for folder, loss, source in (("one", "first", "pass"), ("other", "second", "1 / 0")):
        (bench.folder / folder).mkdir()
        bench.write(PARTS.format(loss=loss, source=source), f"{folder}/parts.py")
        bench.write(ONE.format(name=folder, loss=loss), f"{folder}/own.yaml")
    answer = bench("validate", "one/own.yaml", "other/own.yaml")
    assert answer.code == 1 and "other/own.yaml:3: " in answer.err and "ZeroDivisionError" in answer.err
    assert "one/own.yaml" not in answer.err and "has no function" not in answer.err
    bench.write(PARTS.format(loss="second", source="pass"), "other/parts.py")
    answer = bench("validate", "one/own.yaml", "other/own.yaml")
    assert answer.code == 0, answer.err


TRACES = """\
from pathlib import Path

from torch import nn
from torch.nn import functional

(Path(__file__).parent / "imported").touch()


class Net(nn.Sequential):
    def __init__(self, in_shape, classes):
        super().__init__(nn.Flatten(), nn.Linear(in_shape[0] * in_shape[1] * in_shape[2], classes))


def loss(scores, targets, options, context):
    return functional.cross_entropy(scores, targets)


def darken(images, options, generator):
    return images
"""
TRACED = """\
data: {source: digits, subset: {train: 64, val: 32, test: 32}, augment: [{name: "traces:darken"}]}
base:
  model: {name: "traces:Net"}
  train: {epochs: 1, batch_size: 32, optimizer: {name: sgd, lr: 0.1}, loss: {name: "traces:loss"}}
"""


def test_which_verbs_run_a_suites_files(bench):
    bench.write(TRACES, "traces.py")
    bench.write(SUITE.format(parts=TRACED), "own.yaml")
    trace = bench.folder / "imported"
    for words in ("validate --no-code", "plan --no-probe", "status", "report"):
        verb, *options = words.split()
        answer = bench(verb, "own.yaml", *options)
        assert answer.code in (0, 3) and not trace.exists(), f"{words}: {answer.err}"
    assert bench("validate", "own.yaml").code == 0 and trace.exists()
    for verb in ("validate", "run", "plan"):
        assert "are imported and run" in " ".join(bench(verb, "--help").out.split())
