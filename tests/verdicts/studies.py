"""Claims on made-up trials, through the suite file and the judge: which verdicts come out, study after study.

A case says what is claimed, what is true, and which verdicts are false then. Its trials are drawn anew for every study; seeds
shift all arms of a study alike, as paired seeds do.
"""

import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, NamedTuple
from unittest import mock

import numpy as np

from bench.reports.claims import judge as judging
from bench.reports.claims import verdicts as deciding
from bench.reports.records.arms import Records
from bench.reports.records.collect import Expected, Record, collect
from bench.runner.plan import key
from bench.runner.planner import make_plan
from bench.suite.load import load_suite
from bench.suite.suite import Suite
from bench.trackers import StoredRun
from bench.trackers.record import Outcome

SUITE = """\
suite: verdicts
title: Made-up trials
data: {{source: digits}}
base: {{model: {{name: simple_cnn}}, train: {{epochs: 1}}}}
seeds: {seeds}
metrics: {{score: {{better: higher}}, other: {{}}, cost: {{}}}}
stages:
  s:
    axes:
      a: {{path: train.batch_size, values: [2, 3, 5]}}
      b: {{x: {{}}, y: {{train: {{optimizer: {{name: adam, lr: 0.1}}}}}}}}
{stages}
claims:
{claims}
"""
WINNER = """\
  winner:
    axes:
      from: {{best: {{start: {{stage: s{fresh}}}}}, another: {{train: {{batch_size: 7}}}}}}
"""
"""A stage that starts from the best arm of the other one."""
CROSSED = """\
  crossed: {vary: {split: 10}, axes: {a: {path: train.batch_size, values: [2, 3]}}}
"""
"""A stage that runs each of its two arms on ten splits."""
ARMS = tuple((a, b) for a in ("2", "3", "5") for b in ("x", "y"))
ANY = ("supported", "refuted", "equivalent", "different but negligible")
CONDITION = "condition"
"""The name of a claim that asks what the first one requires."""
Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
NOISE: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "skewed": lambda rng, shape: rng.exponential(size=shape) - 1,
    "tied": lambda rng, shape: np.round(rng.standard_normal(shape)),
}
"""Deviations of mean 0 and SD about 1."""


@dataclass(frozen=True)
class Claimed:
    """A claim without its sentence, and the verdicts on it that would be false."""

    text: str
    false: tuple[str, ...] = ANY


@dataclass(frozen=True)
class Case:
    """Claims that are judged together, and what is true.

    why: what is true, from which it follows which verdicts are false. means, sds: (a, b) → the mean of that arm, and its SD as a
    multiple of the others', where they are not 0 and 1. group: the table in which it stands. drawn: how its trials come about:
    `values` is a score of each; in `items` some items are easier for an arm for good; in `chosen` an arm starts from the best of
    six; in `lost` the worst seeds of an arm diverge. paired: whether seeds shift all arms alike. condition: a claim that asks
    what the first one requires. withheld: the verdict by which it withholds what it would have said.
    """

    name: str
    why: str
    claims: tuple[Claimed, ...]
    means: Mapping[tuple[str, str], float] = field(default_factory=dict)
    sds: Mapping[tuple[str, str], float] = field(default_factory=dict)
    group: Literal["relations", "looks", "others"] = "relations"
    drawn: Literal["values", "items", "splits", "crossed", "chosen", "lost"] = "values"
    paired: bool = True
    stages: str = ""
    condition: str = ""
    withheld: str = ""

    def count(self, verdicts: Mapping[str, str]) -> Counter[str]:
        """Return what a study adds to the counts: the verdict on the first claim, whether one is false, and whether that is so
        where its condition has been shown to hold."""
        first, *_ = verdicts.values()
        false = any(verdicts[f"c{i}"] in claimed.false for i, claimed in enumerate(self.claims))
        held = verdicts.get(CONDITION) == "supported"
        return Counter({"studies": 1, "false": int(false), "held": int(held), "false, held": int(false and held), first: 1})


@dataclass(frozen=True)
class Looked:
    """The trials as they are at one look. slots: the runs whose metrics are drawn, each with its arm and its seed."""

    records: list[Record]
    trials: Records
    slots: list[tuple[int, int, StoredRun]]


class Studies:
    """A case with so many seeds, or looks at so many, judged on one study after the other."""

    def __init__(self, folder: Path, case: Case, looks: Sequence[int], noise: str = "normal"):
        self.case, self.looks, self.noise = case, tuple(looks), NOISE[noise]
        seeds = f"{{looks: {list(looks)}}}" if len(looks) > 1 else str(looks[0])
        claims = {f"c{i}": claimed.text for i, claimed in enumerate(case.claims)}
        claims |= {CONDITION: case.condition} if case.condition else {}
        lines = "\n".join(f"  {name}: {{says: it is so, {text}}}" for name, text in claims.items())
        path = folder / "verdicts.yaml"
        path.write_text(SUITE.format(seeds=seeds, stages=case.stages, claims=lines))
        self.suite = load_suite(path)
        self.metrics = {name for claim in self.suite.spec.claims.values() for name in claim.relation.metrics(claim).values()}
        self.content: dict[str, bytes] = {}
        self.means = np.array([[case.means.get(arm, 0.0)] for arm in ARMS])
        self.sds = np.array([[case.sds.get(arm, 1.0)] for arm in ARMS])
        self.by_look = self.prepared()

    def prepared(self) -> list[Looked]:
        """Return the trials at each look, without their metrics."""
        tested = [contrast for _, contrasts in self.suite.tested_claims.values() for contrast in contrasts]
        used = {_place(cell.labels) for contrast in tested for arm in contrast.needed for cell in arm.cells}
        cells = self.suite.cells["s"]
        looks = [_records(self.suite, dict.fromkeys(map(key, cells), look)) for look in range(len(self.looks))]
        return [_looked(records, used) for records in looks]

    def drawn(self, rng: np.random.Generator, arms: int = len(ARMS), seeds: int = 0) -> np.ndarray:
        """Return the deviations of a study, arms × seeds."""
        most = seeds or self.looks[-1]
        shared = self.noise(rng, (most,)) if self.case.paired else 0.0
        return self.noise(rng, (arms, most)) + shared

    def looked_at(self, rng: np.random.Generator) -> Iterator[Records]:
        """Draw a study, and yield its trials at each look."""
        values = self.means + self.sds * self.drawn(rng)
        named = {"score": values, "other": rng.standard_normal(values.shape), "cost": np.exp(values / 10)}
        drawn = {name: array.tolist() for name, array in named.items() if name in self.metrics}
        for look in self.by_look:
            for arm, seed, run in look.slots:
                for name, of_metric in drawn.items():
                    run.metrics[name] = of_metric[arm][seed]
            yield look.trials

    def verdicts(self, rng: np.random.Generator) -> dict[str, str]:
        """Draw a study and return claim → its verdict, after as many looks as it takes."""
        predictions = self.content.get if self.case.drawn == "items" else None
        for trials in self.looked_at(rng):
            judged = judging.judge(self.suite.tested_claims, self.suite.schedules, trials, predictions)
            if not judged.due:
                break
        return {claim.name: claim.verdict for claim in judged.claims}

    def count(self, studies: int, rng: np.random.Generator) -> Counter[str]:
        """Return how many studies there were, with how many false verdicts; and how often each verdict came out."""
        counts: Counter[str] = Counter()
        with verdicts_alone():
            for _ in range(studies):
                counts.update(self.case.count(self.verdicts(rng)))
        return counts


class OnItems(Studies):
    """Every trial gets some items right: some are easier for one arm for good, some seeds better throughout."""

    def looked_at(self, rng: np.random.Generator, items: int = 60) -> Iterator[Records]:
        likes = rng.standard_normal((len(ARMS), items))
        (look,) = self.by_look
        for arm, _, run in look.slots:
            right = likes[arm] + rng.standard_normal(items) > 0
            run.metrics["val/accuracy"] = float(right.mean())
            said, zeros = np.eye(2)[(~right).astype(int)], np.zeros(items, dtype=int)
            buffer = io.BytesIO()
            np.savez(buffer, **{"val/probabilities": said, "val/targets": zeros, "val/indices": np.arange(items)})
            self.content[run.run_id] = buffer.getvalue()
        yield look.trials


class OnSplits(Studies):
    """Each seed holds out other items of the same few; some are easier for one arm for good."""

    def looked_at(self, rng: np.random.Generator, items: int = 60, held: int = 12) -> Iterator[Records]:
        likes, seeds = rng.standard_normal((len(ARMS), items)), self.looks[-1]
        splits = [rng.permutation(items)[:held] for _ in range(seeds)]
        for look in self.by_look:
            for arm, seed, run in look.slots:
                right = likes[arm, splits[seed]] + rng.standard_normal(held) > 0
                run.metrics["val/accuracy"] = float(right.mean())
                run.tags["redrawn.val"] = f"{held}/{items - held}"
            yield look.trials


class OnCrossedSplits(Studies):
    """Each seed runs on each of ten splits, which hold out other items of the same few; some are easier for one arm for good."""

    def prepared(self) -> list[Looked]:
        records = [record for record in _records(self.suite, {}) if record.stage == "crossed"]
        return [Looked(records, Records(records), [])]

    def looked_at(self, rng: np.random.Generator, items: int = 60, held: int = 12) -> Iterator[Records]:
        likes = {arm: rng.standard_normal(items) for arm in ("2", "3")}
        splits = [rng.permutation(items)[:held] for _ in range(10)]
        (look,) = self.by_look
        for record in look.records:
            right = likes[record.labels["a"]][splits[int(record.labels["split"])]] + rng.standard_normal(held) > 0
            record.run.metrics["val/accuracy"] = float(right.mean())
            record.run.tags["resplit.val"] = f"{held}/{items - held}"
        yield look.trials


class Chosen(Studies):
    """An arm starts from the best of six equal ones, as the planner finds it, and meets another equal one."""

    def prepared(self) -> list[Looked]:
        """Return the trials for each of the arms that may be the best."""
        return [self._where_best(best) for best in range(len(ARMS))]

    def _where_best(self, best: int) -> Looked:
        runs: dict[str, StoredRun] = {}
        slots = []
        for stage in ("s", "winner"):
            for trial in make_plan(self.suite, list(runs.values())).trials:
                if trial.cell.stage != stage:
                    continue
                run = runs.setdefault(trial.fingerprint, _run(trial.fingerprint))
                labels = trial.cell.labels
                arm = _place(labels) if stage == "s" else best if labels["from"] == "best" else len(ARMS)
                run.metrics["val/accuracy"] = float(arm == best)
                slots.append((arm, trial.seed, run))
        plan = make_plan(self.suite, list(runs.values()))
        expected = [Expected(trial.cell.stage, trial.cell.labels, trial.seed, trial.fingerprint) for trial in plan.trials]
        records = collect(expected, runs.values(), self.suite.spec.metrics)
        return Looked(records, Records(records), slots)

    def looked_at(self, rng: np.random.Generator) -> Iterator[Records]:
        (seeds,) = self.looks
        values = self.drawn(rng, len(ARMS) + 1, 2 * seeds)
        best = int(values[: len(ARMS), :seeds].mean(axis=1).argmax())
        for arm, seed, run in self.by_look[best].slots:
            run.metrics["val/accuracy"] = float(0.5 + values[arm, seed] / 20)
        yield self.by_look[best].trials


class Lost(Studies):
    """The first arm diverges where it would have been worse than an SD below its mean."""

    def looked_at(self, rng: np.random.Generator) -> Iterator[Records]:
        (seeds,) = self.looks
        shared, own = self.noise(rng, (seeds,)), self.noise(rng, (len(ARMS), seeds))
        (look,) = self.by_look
        lost = set()
        for arm, seed, run in look.slots:
            value = float(own[arm, seed] + shared[seed]) / 20
            run.metrics.update({"val/accuracy": 0.5 + value, "val/loss": 0.5 - value})
            if arm == 0 and own[arm, seed] < -1:
                lost.add(run.run_id)
        yield Records(
            [replace(one, outcome=Outcome.DIVERGED) if one.run and one.run.run_id in lost else one for one in look.records]
        )


DRAWN: dict[str, type[Studies]] = {
    "values": Studies,
    "items": OnItems,
    "splits": OnSplits,
    "crossed": OnCrossedSplits,
    "chosen": Chosen,
    "lost": Lost,
}


def studies(folder: Path, case: Case, looks: Sequence[int], noise: str = "normal") -> Studies:
    """Return the studies of a case. looks: the seeds of an arm, or those at each look."""
    return DRAWN[case.drawn](folder, case, looks, noise)


class Verdict(NamedTuple):
    """A claim's result without what is told beside the verdict."""

    name: str
    verdict: str


@contextmanager
def verdicts_alone() -> Iterator[None]:
    """Leave out what is told beside verdicts, such as how many seeds would settle a claim: it takes most of the time."""
    with (
        mock.patch.object(judging, "_result", lambda member, *_: Verdict(member.name, member.decision.verdict)),
        mock.patch.object(deciding, "unsettled", lambda *_: ""),
    ):
        yield


def made_up(path: Path) -> tuple[Suite, list[Record]]:
    """Return a suite, and a finished trial without metrics for each that it plans."""
    suite = load_suite(path)
    return suite, _records(suite, {})


def _records(suite: Suite, looks: Mapping) -> list[Record]:
    trials = [(f"{trial.cell.name}, {trial.seed}", trial) for trial in make_plan(suite, [], looks=looks).trials]
    expected = [Expected(trial.cell.stage, trial.cell.labels, trial.seed, name) for name, trial in trials]
    return collect(expected, [_run(name) for name, _ in trials], suite.spec.metrics)


def _run(name: str) -> StoredRun:
    tags = {"outcome": "finished", "device": "CPU", "workers": "1", "threads": "1", "classes": "10"}
    return StoredRun(name, "FINISHED", {"fingerprint": name, **tags}, {})


def _looked(records: list[Record], used: set[int]) -> Looked:
    found = ((_place(record.labels), record.seed, record.run) for record in records)
    return Looked(records, Records(records), [(arm, seed, run) for arm, seed, run in found if run and arm in used])


def _place(labels: Mapping[str, str]) -> int:
    """Return which arm has these labels."""
    return ARMS.index((labels["a"], labels["b"]))
