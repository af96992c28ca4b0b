"""Claims of every relation on made-up trials, through the suite file and the judge: how often a verdict is false.

A case says what is claimed, what is true, and which verdicts are false then. Its trials are drawn anew for every study; seeds
shift all arms of a study alike, as paired seeds do.
"""

import io
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.reports.claims.judge import judge
from bench.reports.records.arms import Records
from bench.reports.records.collect import Expected, Record, collect
from bench.runner.plan import CellKey
from bench.runner.planner import make_plan
from bench.suite.load import load_suite
from bench.suite.suite import Suite
from bench.trackers import StoredRun

SUITE = """\
suite: verdicts
title: Made-up trials
data: {{source: digits}}
base: {{model: {{name: simple_cnn}}, train: {{epochs: 1}}}}
seeds: {seeds}
metrics: {{score: {{better: higher}}, other: {{}}}}
stages:
  s:
    axes:
      a: {{path: train.batch_size, values: [2, 3, 5]}}
      b: {{x: {{}}, y: {{train: {{optimizer: {{name: adam, lr: 0.1}}}}}}}}
claims:
  c: {{says: it is so, stage: s, {claim}}}
"""
ARMS = tuple((a, b) for a in ("2", "3", "5") for b in ("x", "y"))
ANY = ("supported", "refuted", "equivalent", "different but negligible")
Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
NOISE: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "skewed": lambda rng, shape: rng.exponential(size=shape) - 1,
    "tied": lambda rng, shape: np.round(rng.standard_normal(shape)),
}
"""Deviations of mean 0 and SD about 1."""


@dataclass(frozen=True)
class Case:
    """A claim, and what is true. means: (a, b) → the mean of that arm, in SDs; 0 where it is not named. false: the verdicts that
    would be false. crossed: whether it is of items, some of which are easier for an arm for good. looks: whether more seeds come
    look by look."""

    name: str
    claim: str
    means: Mapping[tuple[str, str], float] = field(default_factory=dict)
    false: tuple[str, ...] = ANY
    crossed: bool = False
    looks: bool = False


PAIR = "metric: score, of: {a: 2, b: x}"
CASES = [
    Case("higher_than, equal arms", f"{PAIR}, higher_than: {{a: 3}}"),
    Case("lower_than, equal arms", f"{PAIR}, lower_than: {{a: 3}}"),
    Case("higher_than, at the margin", f"{PAIR}, higher_than: {{a: 3}}, margin: 1", {("2", "x"): 1.0}, ANY[1:]),
    Case("higher_than, below by the margin", f"{PAIR}, higher_than: {{a: 3}}, margin: 1", {("2", "x"): -1.0}, (ANY[0], *ANY[2:])),
    Case("higher_than, a number", f"{PAIR}, higher_than: 0"),
    Case("higher_than, sign-flip", f"{PAIR}, higher_than: {{a: 3}}, test: sign-flip"),
    Case("higher_than, welch", f"{PAIR}, higher_than: {{a: 3}}, test: welch"),
    Case("differs_from, equal arms", f"{PAIR}, differs_from: {{a: 3}}"),
    Case("at_least, below by the margin", f"{PAIR}, at_least: {{a: 3}}, margin: 1", {("2", "x"): -1.0}),
    Case("at_most, above by the margin", f"{PAIR}, at_most: {{a: 3}}, margin: 1", {("2", "x"): 1.0}),
    Case("same_as, at the margin", f"{PAIR}, same_as: {{a: 3}}, margin: 1", {("2", "x"): 1.0}),
    Case("same_along, one pair at the margin", "metric: score, of: {b: x}, same_along: a, margin: 1", {("5", "x"): 1.0}),
    Case("minus, equal differences", f"{PAIR[:-1]}, minus: {{b: y}}}}, higher_than: {{a: 3}}"),
    Case("higher_along, flat", "metric: score, of: {b: x}, higher_along: a"),
    Case("lower_along, flat, each", "metric: score, lower_along: a, each: b"),
    Case("differs_along, flat", "metric: score, of: {b: x}, differs_along: a"),
    Case("higher_each_step, flat", "metric: score, of: {b: x}, higher_each_step: a"),
    Case(
        "lower_each_step, a step up by the margin",
        "metric: score, of: {b: x}, lower_each_step: a, margin: 1",
        {("2", "x"): 3.0, ("3", "x"): 4.0},
    ),
    Case("highest_of, three equal", "metric: score, of: {a: 2, b: x}, highest_of: a"),
    Case("lowest_of, six equal", "metric: score, of: {a: 2, b: x}, lowest_of: [a, b]"),
    Case("higher_with, unrelated, within", "metric: score, higher_with: other, across: a, within: b"),
    Case("spread, equal", "spread: score, of: {a: 2, b: x}, higher_than: {a: 3}"),
    Case("crossed, equal arms", "metric: val/accuracy, of: {a: 2, b: x}, higher_than: {a: 3}, test: crossed", crossed=True),
    Case("looks, equal arms", f"{PAIR}, higher_than: {{a: 3}}", looks=True),
]


class Studies:
    """A case with so many seeds, judged on one study after the other."""

    def __init__(self, folder: Path, case: Case, seeds: int, noise: str = "normal"):
        self.case, self.seeds, self.noise = case, seeds, NOISE[noise]
        path = folder / f"verdicts-{seeds}.yaml"
        asked = f"{{looks: [{seeds}, {seeds + 3}, {seeds + 6}]}}" if case.looks else str(seeds)
        path.write_text(SUITE.format(seeds=asked, claim=case.claim))
        self.suite, records = made_up(path)
        self.by_look = [records]
        if case.looks:
            cells = [("s", (("a", label), ("b", "x"))) for label in ("2", "3")]
            self.by_look = [_records(self.suite, dict.fromkeys(cells, look)) for look in range(3)]
        self.content: dict[str, bytes] = {}

    def verdict(self, rng: np.random.Generator) -> str:
        """Draw a study and return the claim's verdict, after as many looks as it takes."""
        most = self.seeds + (6 if self.case.looks else 0)
        shared = 0.0 if "welch" in self.case.claim else self.noise(rng, (most,))
        values = self.noise(rng, (len(ARMS), most)) + shared
        others = rng.standard_normal((len(ARMS), most))
        if self.case.crossed:
            self._draw_items(rng)
        for records in self.by_look:
            for record in records:
                arm = ARMS.index((record.labels["a"], record.labels["b"]))
                mean = self.case.means.get(ARMS[arm], 0.0)
                record.run.metrics.update(score=mean + values[arm, record.seed], other=others[arm, record.seed])
                if self.case.crossed:
                    record.run.metrics["val/accuracy"] = 0.5
            judged = judge(self.suite.tested_claims, self.suite.schedules, Records(records), self.content.get)
            if not judged.due:
                break
        return judged.claims[0].verdict

    def _draw_items(self, rng: np.random.Generator, items: int = 60) -> None:
        """Draw which of the items each trial gets right: some are easier for one arm for good, some seeds better throughout."""
        likes = rng.standard_normal((len(ARMS), items))
        for record in self.by_look[0]:
            arm = ARMS.index((record.labels["a"], record.labels["b"]))
            right = likes[arm] + rng.standard_normal(items) > 0
            said = np.eye(2)[(~right).astype(int)]
            buffer = io.BytesIO()
            zeros = np.zeros(items, dtype=int)
            np.savez(buffer, **{"val/probabilities": said, "val/targets": zeros, "val/indices": np.arange(items)})
            self.content[record.run.run_id] = buffer.getvalue()

    def count(self, studies: int, seed: int) -> Counter[str]:
        """Return how often each verdict came out."""
        rng = np.random.default_rng([seed, self.seeds, len(self.case.name)])
        return Counter(self.verdict(rng) for _ in range(studies))


def made_up(path: Path) -> tuple[Suite, list[Record]]:
    """Return a suite, and a finished trial without metrics for each that it plans."""
    suite = load_suite(path)
    return suite, _records(suite, {})


def _records(suite: Suite, looks: Mapping[CellKey, int]) -> list[Record]:
    trials = [(f"{trial.cell.name}, {trial.seed}", trial) for trial in make_plan(suite, [], looks=looks).trials]
    tags = {"outcome": "finished", "device": "CPU", "workers": "1", "threads": "1"}
    runs = [StoredRun(name, "FINISHED", {"fingerprint": name, **tags}, {}) for name, _ in trials]
    expected = [Expected(trial.cell.stage, trial.cell.labels, trial.seed, name) for name, trial in trials]
    return collect(expected, runs, suite.spec.metrics)
