"""The suites that are run under faults: each a handful of trials of about a second."""

from dataclasses import dataclass
from pathlib import Path

HEAD = """\
suite: {name}
title: Under faults
data: {{source: digits, subset: {{train: 160, val: 60, test: 60}}}}
base: {{model: {{name: simple_cnn}}, train: {{epochs: 3, batch_size: 32, optimizer: {{name: sgd, lr: 0.05, momentum: 0.9}}}}}}
seeds: 2
"""

GRID = """\
stages:
  main:
    axes:
      lr: {path: train.optimizer.lr, values: [0.02, 0.05, 0.1]}
tables:
  t: {stage: main, rows: lr, values: [val/accuracy, test/accuracy, test/loss]}
claims:
  c: {says: slower is better, metric: val/accuracy, stage: main, of: {lr: 0.02}, higher_than: {lr: 0.1}}
"""

STAGES = """\
stages:
  tuning:
    sweep:
      lr: {path: train.optimizer.lr, values: [0.02, 0.1]}
      batch: {path: train.batch_size, values: [32, 64]}
  winners:
    axes: {from: {tuned: {start: {stage: tuning}}}}
    patch: {train: {epochs: 4}}
  fine:
    patch: {start: {stage: tuning}, model: {weights: {stage: winners, cell: {from: tuned}}, frozen: true}}
    axes: {lr: {path: train.optimizer.lr, values: [0.01, 0.1]}}
tables:
  w: {stage: winners, rows: from, values: [val/accuracy, test/accuracy, test/loss]}
  f: {stage: fine, rows: lr, values: [val/accuracy, test/accuracy, test/loss]}
"""

SEARCH = """\
stages:
  hunt:
    search:
      trials: 4
      sampler: {name: SAMPLER}
      space:
        lr: {path: train.optimizer.lr, low: 1e-3, high: 1e-1, log: true}
        momentum: {path: train.optimizer.momentum, values: [0.0, 0.9]}
  winners:
    axes: {from: {hunted: {start: {stage: hunt}}}}
    patch: {train: {epochs: 4}}
tables:
  w: {stage: winners, rows: from, values: [val/accuracy, test/accuracy, test/loss]}
"""

VOTES = """\
stages:
  main:
    axes:
      lr: {path: train.optimizer.lr, values: [0.05, 0.1]}
  votes:
    ensemble: {stages: [main], share: 0.5, pool: seed}
    axes: {vote: {path: ensemble.vote, values: [soft, hard]}}
tables:
  m: {stage: main, rows: lr, values: [val/accuracy, test/accuracy]}
  v: {stage: votes, rows: vote, values: [val/accuracy, test/accuracy]}
"""

CUSTOM = """\
stages:
  main:
    patch: {model: {name: "parts:Linear"}, data: {augment: [{name: "parts:darken"}]}, train: {loss: {name: "parts:slow"}}}
    axes:
      lr: {path: train.optimizer.lr, values: [0.02, 0.05]}
tables:
  t: {stage: main, rows: lr, values: [val/accuracy, test/accuracy, test/loss]}
"""

PARTS = '''\
"""Components of the suite's own. The loss takes its time, and notes each epoch that it sees in the file MARKS names."""

import os
import time

import torch
from helper import flat
from torch import nn
from torch.nn import functional

seen = (0, 0)


class Linear(nn.Module):
    def __init__(self, in_shape, classes):
        super().__init__()
        self.layer = nn.Linear(in_shape[0] * in_shape[1] * in_shape[2], classes)

    def forward(self, images):
        return self.layer(flat(images))


def darken(images, options, generator):
    factors = 0.5 + torch.rand(len(images), 1, 1, 1, generator=generator, device=generator.device) / 2
    return (images * factors.to(images.device)).to(images.dtype)


def slow(scores, targets, options, context):
    global seen
    time.sleep(0.05)
    if context.epoch >= 1 and (now := (os.getpid(), int(context.epoch))) != seen:
        seen = now
        if name := os.environ.get("MARKS"):
            with open(name, "a") as marks:
                marks.write(f"{now}\\n")
    return functional.cross_entropy(scores, targets)
'''

CHILDREN = '''\
"""A loss that has a process of its own, as loaders of data have, and ends it when Python ends."""

import atexit
import subprocess

from torch.nn import functional

child = None


def loss(scores, targets, options, context):
    global child
    if context.epoch >= 1 and child is None:
        child = subprocess.Popen(["sleep", "1000"])
        atexit.register(child.kill)
    return functional.cross_entropy(scores, targets)
'''

PARENTS = """\
stages:
  main:
    patch: {train: {loss: {name: "children:loss"}}}
    axes:
      lr: {path: train.optimizer.lr, values: [0.02, 0.05]}
tables:
  t: {stage: main, rows: lr, values: [val/accuracy, test/accuracy, test/loss]}
"""


FAULTY = '''\
"""A network that, while the file exists that FAULT names, comes to no good end. The file's ending says to which, and where."""

import os
import time

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, in_shape, classes):
        super().__init__()
        self.layer = nn.Linear(in_shape[0] * in_shape[1] * in_shape[2], classes)
        fault("built")

    def forward(self, images):
        fault("called")
        return self.layer(images.flatten(1))


def fault(where):
    for kind in ("sleep", "exit", "memory"):
        if os.path.exists(f"{os.environ.get('FAULT', '')}.{where}.{kind}"):
            if kind == "sleep":
                time.sleep(1e6)
            if kind == "exit":
                os._exit(7)
            torch.empty(10**15, device="cpu")
'''

PLANNED = """\
stages:
  main:
    axes:
      kind: {first: {}, odd: {model: {name: "faulty:Net"}}, last: {train: {epochs: 2}}}
tables:
  t: {stage: main, rows: kind, values: [val/accuracy, test/accuracy, test/loss]}
"""


@dataclass(frozen=True)
class SuiteText:
    """A suite, its name left open. files: beside it. marks: whether its trials note their epochs. most: workers with which its
    results do not depend on timing."""

    text: str
    files: tuple[tuple[str, str], ...] = ()
    marks: bool = False
    most: int = 2

    def write(self, folder: Path, name: str) -> Path:
        """Write the suite and what belongs to it."""
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in self.files:
            (folder / file).write_text(text)
        path = folder / "suite.yaml"
        path.write_text(HEAD.format(name=name) + self.text)
        return path


PARTS_OF_CUSTOM = (("parts.py", PARTS), ("helper.py", "def flat(images):\n    return images.flatten(1)\n"))
SUITES = {
    "grid": SuiteText(GRID),
    "stages": SuiteText(STAGES),
    "search": SuiteText(SEARCH.replace("SAMPLER", "random")),
    "tpe": SuiteText(SEARCH.replace("SAMPLER", "tpe, startup: 2"), most=1),
    "votes": SuiteText(VOTES),
    "custom": SuiteText(CUSTOM, PARTS_OF_CUSTOM, marks=True),
    "slow": SuiteText(CUSTOM.replace("train: {", "train: {epochs: 12, "), PARTS_OF_CUSTOM, marks=True),
    "planned": SuiteText(PLANNED, (("faulty.py", FAULTY),)),
    "children": SuiteText(PARENTS, (("children.py", CHILDREN),)),
}
ORDINARY = ("grid", "stages", "search", "tpe", "votes", "custom")
"""The suites that a scenario takes where it names none."""
