"""What hangs, dies or crashes while a suite is planned: it is named, has its outcome, and the rest goes on."""

import json

import pytest

from bench.runner import fingerprints, preflight
from bench.trackers import record

PARTS = """\
import os
import time
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, in_shape, classes, built="", called="", trained=""):
        super().__init__()
        self.called, self.trained = called, trained
        self.layer = nn.Linear(in_shape[0] * in_shape[1] * in_shape[2], classes)
        fault(built)

    def forward(self, images):
        fault(self.called)
        scores = self.layer(images.flatten(1))
        if self.training and self.trained == "two outputs":
            return scores, scores
        if self.training and len(images) >= 32:
            fault(self.trained)
        return scores


def fault(kind):
    if kind == "sleep":
        time.sleep(1e6)
    if kind == "exit":
        os._exit(7)
    if kind == "memory":
        torch.empty(10**15, device="cpu")


def images(kind):
    import numpy as np
    if kind == "memory":
        np.empty(10**15)
    fault(kind)


def hung(images, options):
    fault(options.kind)
    return images
"""
SUITE = """\
suite: bad
title: Bad parts
data: {source: digits, subset: {train: 96, val: 48, test: 48}}
base:
  model: {name: simple_cnn, args: {filters: [4, 4, 4], hidden: 8}}
  train: {epochs: 1, batch_size: 32, optimizer: {name: sgd, lr: 0.01}}
seeds: 2
stages:
  main:
    axes:
      kind:
        first: {}
        odd: PATCH
        last: {train: {epochs: 2}}
tables:
  t: {stage: main, rows: kind, values: val/accuracy}
"""


@pytest.fixture
def bad(bench):
    """Returns the command line with a suite in which one cell of three is laid over by a patch."""

    def bad(patch):
        bench.write(PARTS, "parts.py")
        bench.write(SUITE.replace("PATCH", patch), "bad.yaml")
        return bench

    return bad


def model(**args):
    return f"{{model: {{name: 'parts:Net', args: {json.dumps(args)}}}}}".replace('"', "'")


def outcomes(bench):
    """label of a cell → the outcomes of its runs."""
    found = {}
    for run in bench.runs("bad"):
        found.setdefault(record.labels(run)["kind"], []).append(str(record.outcome(run)))
    return found


@pytest.mark.parametrize(
    ("args", "outcome", "told"),
    [
        ({"built": "sleep"}, "timeout", "no answer within 12 s"),
        ({"called": "exit"}, "crashed", "exit code 7"),
        ({"built": "memory"}, "oom", "allocate memory"),
    ],
)
def test_a_cell_whose_check_comes_to_no_end_is_named_and_the_rest_runs(bad, monkeypatch, args, outcome, told):
    monkeypatch.setattr(preflight, "LIMIT", 12.0)
    bench = bad(model(**args))
    plan = bench("plan", "bad.yaml", "--workers", "1")
    assert plan.code == 0 and f"{outcome} before training: main[kind=odd]\n    bad.yaml:13: " in plan.out, plan.out + plan.err
    assert told in plan.out and "to do: 6 trials" in plan.out and "estimated time" in plan.out
    valid = bench("validate", "bad.yaml")
    assert valid.code == 1 and f"error: bad.yaml:13: main[kind=odd]: {outcome}: " in valid.err and told in valid.err
    run = bench("run", "bad.yaml", "--workers", "1")
    assert run.code == 3, run.err
    assert outcomes(bench) == {"first": ["finished"] * 2, "odd": [outcome] * 2, "last": ["finished"] * 2}
    assert f"{outcome}: before training: " in run.out


@pytest.mark.parametrize(
    ("trained", "outcome", "told"),
    [("two outputs", "crashed", "TypeError: "), ("memory", "oom", "allocate memory"), ("exit", "crashed", "exit code 7")],
)
def test_where_a_probe_fails_only_the_estimate_is_lost(bad, trained, outcome, told):
    bench = bad(model(trained=trained))
    plan = bench("plan", "bad.yaml", "--workers", "1")
    assert plan.code == 0 and "no estimate: main[kind=odd]\n    bad.yaml:13: " in plan.out and told in plan.out, plan.err
    assert "and 2 trials of which the time is unknown" in plan.out
    assert json.loads(bench("plan", "bad.yaml", "--workers", "1", "--json").out)["unknown"] == 2
    run = bench("run", "bad.yaml", "--workers", "1")
    assert run.code == 3, run.err
    assert outcomes(bench) == {"first": ["finished"] * 2, "odd": [outcome] * 2, "last": ["finished"] * 2}


def test_a_denoiser_that_ends_its_process_ends_its_own_cell(bad):
    bench = bad("{data: {denoise: {name: 'parts:hung', args: {kind: exit}}}}")
    run = bench("run", "bad.yaml", "--workers", "1")
    assert run.code == 3 and "no estimate: main[kind=odd]\n    bad.yaml:13: " in run.out, run.err
    assert outcomes(bench) == {"first": ["finished"] * 2, "odd": ["crashed"] * 2, "last": ["finished"] * 2}


@pytest.mark.parametrize(
    ("kind", "told"), [("exit", "exit code 7"), ("sleep", "no answer within 12 s"), ("memory", "Unable to allocate")]
)
def test_a_data_source_that_comes_to_no_end_is_named(bad, monkeypatch, kind, told):
    """Without its images no trial of it has a fingerprint, so the suite waits for its mend."""
    monkeypatch.setattr(fingerprints, "SILENT", 12.0)
    bench = bad("{data: {source: 'parts:images', args: {kind: KIND}, subset: null}}".replace("KIND", kind))
    for verb in ("plan", "validate", "run"):
        answer = bench(verb, "bad.yaml")
        assert answer.code == 1 and "bad.yaml:13: " in answer.err and told in answer.err, answer.err


def test_a_mistake_in_the_suite_still_refuses_it(bad):
    bench = bad("{model: {name: 'parts:Nett'}}")
    for verb in ("plan", "validate", "run"):
        answer = bench(verb, "bad.yaml")
        assert answer.code == 1 and "bad.yaml:13: " in answer.err and "did you mean 'Net'?" in answer.err
