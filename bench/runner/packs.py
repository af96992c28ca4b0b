"""Which trials train together as one program, and how many at once: chosen by measuring it on the device at hand."""

import math
from collections import defaultdict
from dataclasses import dataclass, field

from bench.config import TrialConfig
from bench.errors import BenchError
from bench.grammar.derived import stored
from bench.grammar.metrics import by_name
from bench.grammar.stages import RandomSampler
from bench.runner.executors.base import Executor
from bench.runner.messages import Fault, ProbePacks
from bench.runner.plan import Job, Plan
from bench.runner.preflight import within
from bench.suite.metric_checks import named_metrics
from bench.suite.suite import Suite

FREE = {
    "data": {"noise", "denoise", "label_noise"},
    "model": {"weights"},
    "train": {"schedule", "early_stopping", "restore_best", "divergence", "class_metrics", "class_groups"},
}
"""Settings in which the trials of a pack may differ, by section; beside the numbers of the optimizer and the rate of dropout."""
SWITCHES = ("name", "nesterov")
"""Settings of an optimizer that are no numbers."""
WIDTHS = {"cpu": (4, 8, 16), "cuda": (2, 4, 8, 16, 32, 64)}
"""Numbers of trials to try, by kind of device."""
GAIN = 1.15
"""How many times faster, at least, a trial is in a pack that is used: what a pack costs besides is not measured."""
WORTH = {"cpu": 20.0, "cuda": 5.0}
"""Estimated seconds of trials alone, by kind of device, above which measuring their packs is worth its time."""
ALONE = (1, "")
LONG_STEP = 0.05
"""Seconds. On a CPU a step this long has nothing left that a pack could save."""


def key(config: TrialConfig) -> str:
    """Return what the trials of a pack have in common, as text: architecture, batch size, length, and what is done to a batch."""
    data = config.data.model_dump_json(exclude=FREE["data"])
    model = config.model.model_dump(mode="json", exclude=FREE["model"])
    for settings in (model["args"], model["head"] or {}):
        if "dropout" in settings:
            settings["dropout"] = bool(settings["dropout"])  # without dropout there is no layer
    train = config.train.model_dump(mode="json", exclude=FREE["train"])
    train["optimizer"] = {name: value for name, value in train["optimizer"].items() if name in SWITCHES}
    return f"{data}\n{model}\n{train}"


@dataclass
class Packs:
    """How many trials of each kind train together. asked: of the command line, for all kinds; None where it is measured.

    timed: stages of which the suite shows times: their trials run alone, unless a number is asked for.
    """

    asked: int | None = None
    timed: frozenset[str] = frozenset()
    ways: dict[str, tuple[int, str]] = field(default_factory=dict)
    """How many train together, and by which back-end: what was measured to be fastest, by `key`."""
    gains: dict[str, float] = field(default_factory=dict)
    """How many times faster a trial is in such a pack, by `key`."""
    fits: dict[str, int] = field(default_factory=dict)
    """How many trained together where more were tried, by `key`."""

    def width(self, job: Job) -> int:
        """Return how many trials like this one may train together, itself included."""
        wanted = self._wanted(job)
        return min(wanted, self.fits.get(key(job.trial.cell.config), wanted)) if self.fits else wanted

    def _wanted(self, job: Job) -> int:
        if self.asked is not None:
            return self.asked
        if not self.ways or self.timed & {cell.stage for cell in job.cells}:
            return 1
        return self.ways.get(key(job.trial.cell.config), ALONE)[0]

    def learn(self, job: Job, tried: int, trained: int) -> None:
        """Take in that of so many trials like this one only so many trained together, so that no more are tried again."""
        if trained < tried:
            self.fits[key(job.trial.cell.config)] = max(1, trained)

    def backend(self, job: Job) -> str:
        """Return by which back-end a pack of such trials is computed; "" where that was not measured."""
        return self.ways.get(key(job.trial.cell.config), ALONE)[1]

    def told(self, plan: Plan) -> list[str]:
        """Return lines that say what trains together."""
        if self.asked is not None:
            return [f"  packs: up to {self.asked} trials train together"] if self.asked > 1 else []
        packed: dict[str, list[Job]] = defaultdict(list)
        for job in plan.todo():
            if self.width(job) > 1:
                packed[key(job.trial.cell.config)].append(job)
        return [
            f"  packs: {len(jobs)} trials of {jobs[0].trial.cell.config.model.name} train {self.width(jobs[0])} at a time "
            f"({self.ways[kind][1]}), each {self.gains[kind]:.1f} times as fast as alone"
            for kind, jobs in packed.items()
        ]


def timed_stages(suite: Suite) -> frozenset[str]:
    """Return the stages of which a table, claim or figure of the suite shows times."""
    named = named_metrics(suite.document, suite.spec, suite.all_cells, suite.claims)
    timed = (cells for _, metric, cells in named if any(by_name(name).is_ratio for name in stored(metric, suite.spec.metrics)))
    return frozenset(cell.stage for cells in timed for cell in cells)


def choose(plan: Plan, executor: Executor, packs: Packs, time_limit: float | None = None) -> None:
    """Measure what is not known yet, of what is to do; and let the estimates of the plan know. Jobs must have theirs.

    time_limit: of a trial, see `bench.runner.preflight.within`; what takes longer, or fails, trains alone.
    """
    if packs.asked is not None:
        return
    jobs = [job for job in plan.ahead() if not job.trial.cell.ensemble and not packs.timed & {cell.stage for cell in job.cells}]
    jobs = [job for job in jobs if not plan.fault(job.trial.cell)]
    kinds = _kinds(plan, jobs)
    unknown = {kind: like for kind, like in kinds.items() if kind not in packs.ways and like.is_worth_measuring(executor.kind)}
    requests = [ProbePacks(like.config, _widths(like.count, executor)) for like in unknown.values()]
    limit = within(time_limit)
    for kind, seconds in zip(unknown, executor.attempt(requests, limit=limit), strict=True):
        if isinstance(seconds, Fault):  # they train alone
            packs.ways[kind], packs.gains[kind] = ALONE, 1.0
            continue
        best = min(seconds, key=lambda way: seconds[way])
        gain = seconds[ALONE] / seconds[best]
        packs.ways[kind], packs.gains[kind] = (best, gain) if gain >= GAIN else (ALONE, 1.0)
    for job in jobs:
        if job.trial.known and job.seconds is not None:
            job.seconds /= packs.gains.get(key(job.trial.cell.config), 1.0)


@dataclass
class _Like:
    """Trials that may train together. seconds: of all of them, alone. step: of a training step."""

    config: TrialConfig
    step: float
    count: float = 0.0
    seconds: float = 0.0

    def is_worth_measuring(self, kind: str) -> bool:
        """kind: of device."""
        if self.count < 2 or self.seconds < WORTH[kind]:
            return False
        return kind == "cuda" or self.step < LONG_STEP


def _kinds(plan: Plan, jobs: list[Job]) -> dict[str, _Like]:
    """Return the kinds of what is to train. A random search is taken to draw each of the kinds that it may draw equally often."""
    kinds: dict[str, _Like] = {}
    for job in jobs:
        stage = job.trial.cell.stage
        spec = plan.suite.spec.stages[stage]
        if job.trial.known:
            configs = [job.trial.cell.config]
        elif spec.search and isinstance(spec.search.sampler, RandomSampler):
            configs = [cell.config for cell in plan.suite.all_cells[stage].samples]
        else:
            continue
        by_kind = {key(config): config for config in configs}
        for kind, config in by_kind.items():
            like = kinds.setdefault(kind, _Like(config, job.step or 0.0))
            like.count += 1 / len(by_kind)
            like.seconds += (job.seconds or 0.0) / len(by_kind)
    return kinds


def parse(text: str) -> int | None:
    """Return what `--pack` says: None for auto. Raises BenchError for what is no number."""
    if text in ("auto", "off"):
        return None if text == "auto" else 1
    if not text.isdecimal() or not int(text):
        raise BenchError(f"{text!r} is not a number of trials", where="--pack", mend="give a number from 1, `auto` or `off`")
    return int(text)


def _widths(jobs: float, executor: Executor) -> tuple[int, ...]:
    """Return the widths to try, as long as every worker has something to do."""
    share = min(math.ceil(jobs / len(executor.workers)), WIDTHS[executor.kind][-1])
    return (*(width for width in WIDTHS[executor.kind] if width < share), *[share] * (share > 1))
