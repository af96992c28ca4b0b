"""Custom components in a process that lives long, as a notebook does: those of the suite's own folder, as they are now."""

import subprocess
import sys
from textwrap import indent

import pytest

import bench

PARTS = """\
import numpy as np
from torch.nn import functional

def images():
    return ["a", "b"], np.full((60, 3, 32, 32), {brightness}, np.uint8), np.arange(60) % 2

def loss(scores, targets, options, context):
    return functional.cross_entropy(scores, targets) * {factor}
"""
HEAD = {
    "{source: digits, subset: {train: 96, val: 48, test: 48}}": '{source: "parts:images"}',
    "batch_size: 32": 'batch_size: 32, loss: {name: "parts:loss"}',
    "values: [0.01, 0.1]": "values: [1.0e-9]",
}


@pytest.fixture
def own(write, folder, monkeypatch):
    """Writes a suite with components beside it, into a folder, and loads it. All is forgotten after the test."""
    monkeypatch.setattr(sys, "path", list(sys.path))

    def own(name: str = "here", brightness: int = 50, factor: float = 1.0) -> bench.api.LoadedSuite:
        path = write(changes={**HEAD, "suite: tiny": f"suite: {name}"}, name=f"{name}/own.yaml")
        (folder / name / "parts.py").write_text(PARTS.format(brightness=brightness, factor=factor))
        return bench.load(path)

    yield own
    sys.modules.pop("parts", None)


def loss(suite, **how) -> float:
    result = suite.run(**how)
    assert result.report().complete
    return float(result.report().frame()["train/loss"].mean())


LOCAL = {"executor": "local", "workers": 1, "device": "cpu", "pack": "off"}


def test_a_component_that_was_edited_counts_as_another_one(own):
    before = loss(own(), **LOCAL)
    suite = own(factor=10.0)
    assert len(suite.status().plan.todo()) == 2
    assert loss(suite, **LOCAL) == pytest.approx(10 * before, rel=0.01)


def test_it_does_in_this_process_too(own, inline):
    before = loss(own(), **inline)
    suite = own(factor=10.0)
    assert len(suite.status().plan.todo()) == 2
    assert loss(suite, **inline) == pytest.approx(10 * before, rel=0.01)


@pytest.mark.parametrize("executor", ["local", "inline"])
def test_two_suites_have_each_the_components_of_its_folder(own, executor):
    one, other = own("one", factor=1.0), own("other", factor=10.0)
    fingerprints = [suite.status().plan.todo()[0].trial.fingerprint for suite in (one, other)]
    losses = [loss(suite, **LOCAL | {"executor": executor}) for suite in (one, other)]
    assert fingerprints[0] != fingerprints[1]
    assert losses[1] == pytest.approx(10 * losses[0], rel=0.01)


SCRIPT = """\
import bench

suite = bench.load("tiny.yaml")
result = suite.run(workers=1, device="cpu", pack="off")
print("complete", result.report().complete)
"""


def script(folder, text: str) -> "subprocess.CompletedProcess[str]":
    (folder / "script.py").write_text(text)
    return subprocess.run([sys.executable, "script.py"], capture_output=True, text=True, check=False, timeout=300)


def test_a_script_with_a_guard_runs_by_processes(write, folder):
    write()
    head, _, rest = SCRIPT.partition("\n\n")
    done = script(folder, f"{head}\n\nif __name__ == '__main__':\n{indent(rest, '    ')}")
    assert done.stdout == "complete True\n", done.stderr


def test_a_script_without_a_guard_does_too(write, folder):
    write()
    done = script(folder, SCRIPT)
    assert done.stdout == "complete True\n", done.stderr
