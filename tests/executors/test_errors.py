"""Whatever a trial raises: it is recorded as crashed, with a message that can be shown and stored, and the rest runs."""

import json
import re

import numpy as np
import pytest
import torch

import bench
from bench.runner import artifacts, worker
from bench.trackers.record import Outcome

MODEL = """\
import sys
from torch import nn
from bench import BenchError


class Nameless(Exception):
    def __str__(self):
        raise ValueError("no text")


class Quitting(Exception):
    def __str__(self):
        raise SystemExit("no text")


class Own(BenchError):
    def __init__(self):
        super().__init__(7, where=("a", "\\ud800"), mend=lambda: 1)
        self.code = self


class Hostile(BenchError):
    __slots__ = ()

    def __getattribute__(self, name):
        raise RuntimeError("nothing of it can be had")


RAISED = {
    "text quits": Quitting(),
    "own BenchError": Own(),
    "hostile BenchError": Hostile("x"),
    "own BaseException": type("Stop\\nnow", (BaseException,), {})("stop"),
    "interrupt": KeyboardInterrupt("of a component"),
    "generator": GeneratorExit("over"),
    "next": StopIteration("over"),
    "pipe": BrokenPipeError(32, "of a component"),
    "end of file": EOFError("of a component"),
    "group": ExceptionGroup("\\ud800", [ValueError("\\ud801"), Nameless()]),
    "recursion": RecursionError("deep"),
    "surrogate": RuntimeError("\\ud800 bad"),
    "huge": RuntimeError("m" * 5_000_000),
    "terminal": RuntimeError("\\x1b[2J\\x1b]0;title\\x07 boom"),
    "nameless": Nameless(),
    "unpicklable": type("Local", (Exception,), {})(lambda: 2),
    "zero": RuntimeError("a\\0b"),
    "many lines": RuntimeError("first\\nsecond"),
    "exit": SystemExit(3),
}


RETURNED = {
    "returns none": None,
    "returns text": "text",
    "returns a generator": (one for one in ()),
    "returns a complex": 1j,
}


class Net(nn.Module):
    def __init__(self, in_shape, classes, kind=""):
        super().__init__()
        self.kind, self.calls = kind, 0
        self.layer = nn.Linear(in_shape[0] * in_shape[1] * in_shape[2], classes)

    def forward(self, images):
        names, frame = set(), sys._getframe()
        while frame:
            names.add(frame.f_code.co_name)
            frame = frame.f_back
        if self.kind and self.training and "run_trials" in names:
            if self.kind in RETURNED:
                return RETURNED[self.kind]
            raise RAISED[self.kind]
        return self.layer(images.flatten(1))
"""
RAISING = MODEL.splitlines().index("            raise RAISED[self.kind]") + 1
SUITE = """\
suite: faults
title: What trials raise
data: {source: digits, subset: {train: 64, val: 32, test: 32}}
base: {model: {name: "faulty:Net"}, train: {epochs: 1, batch_size: 32, optimizer: {name: sgd, lr: 0.01}}}
seeds: 1
stages: {main: {axes: {kind: {path: model.args.kind, values: ["", KIND]}}}}
tables: {t: {stage: main, rows: kind, values: val/accuracy}}
"""


@pytest.mark.parametrize("executor", ["inline", "local"])
@pytest.mark.parametrize("kind", re.findall(r'^    "(.*)":', MODEL, re.MULTILINE))
def test_what_a_trial_raises_is_told_and_the_rest_runs(tmp_path, monkeypatch, kind, executor):
    if (kind, executor) == ("interrupt", "inline"):
        pytest.skip("in this process that is the user's Ctrl-C")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "faulty", raising=False)
    (tmp_path / "faulty.py").write_text(MODEL)
    (tmp_path / "faults.yaml").write_text(SUITE.replace("KIND", f'"{kind}"'))
    suite = bench.load("faults.yaml")
    result = suite.run(executor=executor, workers=1, device="cpu", pack="off")
    frame = result.report().frame().set_index("kind")
    assert frame["outcome"].to_dict() == {"": Outcome.FINISHED, kind: Outcome.CRASHED}
    (run,) = (run for run in suite.tracker.runs("faults") if run.tags["axis.kind"] == kind)
    message = run.tags["message"]
    lines = message.split("\n")  # a BenchError has its mend on a line of its own
    assert message and len(message) <= 8000 and all(line.isprintable() for line in lines), ascii(message[:200])
    assert message.endswith("; the traceback is in its log.txt")
    if "BenchError" not in kind and not kind.startswith("returns"):
        assert f" (faulty.py:{RAISING}: raise RAISED[self.kind])" in message, "the last line in a file of the suite"
    assert message.encode() and suite.report().render().encode()


def test_a_message_is_one_line_that_can_be_printed():
    assert worker.text_of(RuntimeError("\ud800 bad")) == "\\ud800 bad"
    assert worker.text_of(RuntimeError("a\nb\tc")) == "a b c"
    assert worker.text_of(RuntimeError("\x1b[2J x\0")) == "\\x1b[2J x\\x00"
    assert len(worker.text_of(RuntimeError("m" * 5_000_000))) == worker.LONGEST
    assert worker.text_of(RuntimeError("naïve 犬 – ±")) == "naïve 犬 – ±"


CRASHING = """\
from pathlib import Path
from torch import nn


class Net(nn.Module):
    \"\"\"Crashes in training as often as a file says, and counts in it; "always" for ever.\"\"\"

    def __init__(self, in_shape, classes, counter=""):
        super().__init__()
        self.counter = Path(counter) if counter else None
        self.layer = nn.Linear(in_shape[0] * in_shape[1] * in_shape[2], classes)

    def forward(self, images):
        if self.counter and self.training and images.shape[0] == 31:
            with self.counter.open("a") as file:
                file.write("x")
            if self.counter.stem == "always" or len(self.counter.read_text()) == 1:
                raise RuntimeError("it crashed")
        return self.layer(images.flatten(1))
"""
CRASHES = """\
suite: crashes
title: Crashes
data: {source: digits, subset: {train: 62, val: 32, test: 32}}
base: {model: {name: "crashing:Net"}, train: {epochs: 1, batch_size: 31, optimizer: {name: sgd, lr: 0.01}}}
seeds: SEEDS
stages: {main: {axes: {counter: {path: model.args.counter, values: [COUNTERS]}}}}
tables: {t: {stage: main, rows: counter, values: val/accuracy}}
"""


@pytest.fixture
def crashes(tmp_path, monkeypatch):
    """Runs a suite of the model above, without a probe, which would meet the crash too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("bench.api.run.estimate", lambda *given: None)
    (tmp_path / "crashing.py").write_text(CRASHING)

    def run(counters, seeds, executor, **given):
        names = ", ".join(f'"{tmp_path / name}"' if name else '""' for name in counters)
        text = CRASHES.replace("COUNTERS", names).replace("SEEDS", str(seeds))
        (tmp_path / "crashes.yaml").write_text(text)
        suite = bench.load("crashes.yaml")
        return suite, suite.run(executor=executor, workers=1, device="cpu", pack="off", **given)

    return run


@pytest.mark.parametrize("executor", ["inline", "local"])
def test_a_trial_that_crashes_is_tried_once_more(crashes, tmp_path, executor):
    suite, result = crashes(["once.txt", ""], 1, executor)
    assert result.report().complete and (tmp_path / "once.txt").read_text().startswith("xx")
    assert [run.status for run in suite.tracker.runs("crashes")] == ["FINISHED"] * 2
    suite, result = crashes(["always.txt"], 1, executor)
    assert (tmp_path / "always.txt").read_text() == "xx", "twice, and no more"
    assert result.rounds[0].outcomes == {Outcome.CRASHED: 1}


def test_the_same_error_in_several_trials_of_a_cell_ends_that_cell(crashes, tmp_path):
    class Noted(bench.api.Listener):
        def __init__(self):
            self.left = []

        def left_out(self, job, message):
            self.left.append((job.trial.seed, message))

    listener = Noted()
    _, result = crashes(["always.txt", ""], 6, "inline", listener=listener)
    assert result.rounds[0].outcomes == {Outcome.CRASHED: 3, Outcome.FINISHED: 6}
    assert len(listener.left) == 3 and all("it crashed" in message for _, message in listener.left)
    assert len(result.plan.todo()) == 6, "they stay to do"
    _, result = crashes(["always.txt", ""], 6, "inline", keep_going=True)
    assert result.rounds[0].outcomes == {Outcome.CRASHED: 6}


def test_what_goes_home_is_plain():
    told = artifacts.plain({"a": np.float32(0.5), "b": torch.tensor(2.0), "c": None, "d": "3", "e": 1j, "f": torch.ones(2), 7: 1})
    assert told == {"a": 0.5, "b": 2.0, "7": 1.0} and all(type(value) is float for value in told.values())
    matrix = artifacts.confusion_json(("a/b", "c\nd", "\ud800"), {"test": np.eye(3, dtype=int)})
    assert json.loads(matrix.decode())["classes"] == ["a/b", "c\nd", "\ud800"]
