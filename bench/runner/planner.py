"""Makes a plan, stage after stage: what a stage starts from is known when the stages above it have ended."""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from math import fsum, isclose, isfinite
from typing import Any

from bench.config import Trained
from bench.errors import BenchError
from bench.grammar.cells import TRIAL, Cell, Cells, Section, Trial, collector_paused, trials, unknown
from bench.grammar.metrics import by_name
from bench.grammar.stages import Range, Search, Start
from bench.runner.fingerprints import ensemble_fingerprint, identity
from bench.runner.plan import CellKey, Job, Kept, Plan, ReasonKind, SearchKey, State, key, search_of
from bench.suite.dependencies import candidates, sources, trained_by
from bench.suite.suite import Suite
from bench.trackers import StoredRun, record
from bench.trackers.record import Outcome

Labels = tuple[tuple[str, str], ...]
"""A cell's labels, in the order of its axes."""
Identity = Callable[[Section[Any]], str]
"""A section → the content hash of what it reads."""
SEED = "seed"
"""The parameter of a search that draws a trial's seed."""
SAME = 1e-9
"""Means that differ by less, relative to the larger, are equal: floating-point sums cannot tell more."""


def make_plan(
    suite: Suite,
    runs: list[StoredRun],
    *,
    retry: bool = False,
    looks: Mapping[CellKey, int] | None = None,
    lost: Collection[str] = (),
    pilot: bool = False,
    identity: Identity = identity,
) -> Plan:
    """Return the plan of a suite, given the runs of its experiment.

    retry: failed outcomes that would otherwise stand are to do again. looks: (stage, labels) of a cell → the look that its
    seeds have come to, from 0; other cells are at their first. lost: ids of runs whose artifacts are needed, and damaged:
    their trials are to do again. pilot: the trials of pilots alone are part of the plan. identity: the content hash of what a
    section reads.
    """
    return Planner(suite, runs, retry, looks or {}, lost, pilot, identity).plan()


class Planner:
    """Makes one plan. What `--only` or `--pilot` leaves out is looked up too, where the rest needs it, but is not part of it."""

    def __init__(
        self,
        suite: Suite,
        runs: list[StoredRun],
        retry: bool,
        looks: Mapping[CellKey, int],
        lost: Collection[str] = (),
        pilot: bool = False,
        identity: Identity = identity,
    ):
        self.identity = identity
        self.suite, self.retry, self.looks, self.lost, self.pilot = suite, retry, looks, lost, pilot
        self.runs: dict[str, list[StoredRun]] = defaultdict(list)
        self.sampled: dict[tuple[str, Labels], list[StoredRun]] = defaultdict(list)
        for run in runs:
            self.runs[record.fingerprint(run)].append(run)
            if record.rules(run) is not None:
                self.sampled[record.stage(run), tuple(sorted(record.labels(run).items()))].append(run)
        self.made = Plan(suite, pilot_only=pilot)
        self.others: dict[str, Job] = {}
        """Jobs that are not part of the plan."""
        self.of_cell: dict[CellKey, list[Job]] = defaultdict(list)
        self.cells: dict[str, Cells] = {}
        self.barren: dict[tuple[str, Labels], str] = {}
        """Stages, and the labels for which the best was sought, that ended without a cell that can be kept; and why."""
        self.refused: dict[str, str] = {}
        """Stages that do not go together with the cell that was the best of another; and why."""
        self.absent: dict[str, tuple[ReasonKind, str] | None] = {}
        """Why weights cannot be had here, by the key of the model that needs them; None where they can."""
        self.sources = {stage: set().union(*map(sources, cells)) for stage, cells in suite.all_cells.items()}
        self.rested_on = set().union(*self.sources.values())
        """Stages that others rest on."""
        self.keepers = {
            key(source)
            for stage, cells in suite.all_cells.items()
            for cell in (cells if self.sources[stage] else ())
            if (source := trained_by(suite.document, cell, suite.all_cells))
        }
        self.made.keepers = frozenset(self.keepers)

    def plan(self) -> Plan:
        needed = self._needed()
        with collector_paused():
            for stage, cells in self.suite.all_cells.items():
                if stage not in needed:
                    continue
                if any(cell.start for cell in cells):
                    cells = self._started(stage, cells)
                self.cells[stage] = cells
                self._add(stage, cells)
        self.made.drawn = self._newly_drawn
        return self.made

    def _started(self, stage: str, cells: Cells) -> Cells:
        """Return the cells of a stage, laid over the best of others. Which that is, results decide, so that what does not go
        together with it shows only now: then these cells cannot be run, and all else goes on."""
        try:
            return self.suite.expand(stage, lambda start, on: self._best(stage, start, on))
        except BenchError as error:
            self.refused[stage] = str(error)
            return Cells(cell._replace(waits=cell.start.stage) if cell.start else cell for cell in cells)

    def _needed(self) -> set[str]:
        """Return the stages of the plan, and those that they depend on."""
        needed = set(self.suite.cells)
        for stage in reversed(self.suite.all_cells):  # a stage rests on those above it alone
            needed |= self.sources[stage] if stage in needed else set()
        return needed

    def _add(self, stage: str, cells: Cells) -> None:
        """Add the trials of a stage."""
        spec = self.suite.spec.stages[stage]
        chosen = {key(cell) for cell in self.suite.cells.get(stage, ())} if self.suite.only else None
        if not spec.search and not spec.ensemble:
            schedule = self.suite.schedule(stage)
            for trial in trials(cells, schedule.pilot, self.identity, self._origin) if schedule.pilot else ():
                self._job(trial, chosen is None or key(trial.cell) in chosen, pilot=True)
            by_look = defaultdict(list)
            for cell in cells:
                by_look[self.looks.get(key(cell), 0) if self.looks else 0].append(cell)
            for look, group in sorted(by_look.items()):
                for trial in trials(group, schedule.looks[look], self.identity, self._origin):
                    self._job(trial, not self.pilot and (chosen is None or key(trial.cell) in chosen))
            return
        for cell in cells:
            is_part = not self.pilot and (chosen is None or key(cell) in chosen)
            for seed in self.suite.seeds(stage):
                if spec.search:
                    self._slot(cell, seed, is_part)
                else:
                    self._votes(cell, seed, is_part)

    def _job(self, trial: Trial, is_part: bool, pilot: bool = False) -> Job:
        """Return the job of a trial, made where there is none yet."""
        jobs = self.made.jobs if is_part else self.others
        job = jobs.get(trial.fingerprint)
        if job is None:
            job = jobs[trial.fingerprint] = Job(trial, [trial.cell], pilot=pilot)
            self._look_up(job, trial.cell, self.runs.get(trial.fingerprint, ()))
        else:
            job.cells.append(trial.cell)
        self._enter(trial, job, is_part)
        if key(trial.cell) in self.keepers:
            job.must_keep = job.keeps = True
            if job.state is State.DONE and not record.keeps_weights(job.result):
                job.run = None
                job.mark(State.TODO, ReasonKind.NOT_KEPT, "its weights were not kept")
                self._ready(job, trial.cell, [trial.seed])
        return job

    def _enter(self, trial: Trial, job: Job, is_part: bool) -> None:
        """Let the plan know a trial and its job, and the stages that rest on it."""
        if is_part:
            self.made.entries.append((trial, job))
        if trial.cell.stage in self.rested_on:
            self.of_cell[key(trial.cell)].append(job)

    def _look_up(self, job: Job, cell: Cell, runs: Iterable[StoredRun]) -> None:
        """Give a job its state, from the runs that may stand for it."""
        if job.trial.known:
            self._found(job, runs)
        elif cell.waits:
            each = cell.start.each if cell.start else ()
            sought = cell.waits, tuple((axis, cell.labels[axis]) for axis in each if axis in cell.labels)
            if reason := self.refused.get(cell.stage) or self.barren.get(sought):
                job.mark(State.UNAVAILABLE, ReasonKind.BEST, reason)
            else:
                job.mark(State.WAITING, ReasonKind.BEST, f"for stage {cell.waits}")
        if job.state is State.TODO and not cell.ensemble:
            self._ready(job, cell, [job.trial.seed])

    def _ready(self, job: Job, cell: Cell, seeds: Sequence[int]) -> None:
        """Let a job wait for the weights that it starts from, or be unavailable without. seeds: those that it may have."""
        if absent := self._no_weights(cell):
            job.mark(State.UNAVAILABLE, *absent)
            return
        try:
            origins = [origin for seed in seeds if (origin := self._source(cell, seed))]
        except BenchError as error:  # the best of a stage, from which either began, is of another architecture
            job.mark(State.UNAVAILABLE, ReasonKind.ORIGIN, str(error))
            return
        for origin in origins:
            if origin.state in (State.FAILED, State.UNAVAILABLE):
                reason = f"the trial that trains its weights, {origin.name}, is {origin.state}"
                job.mark(State.UNAVAILABLE, ReasonKind.ORIGIN, reason)
            elif origin.state is not State.DONE and job.state is State.TODO:
                job.mark(State.WAITING, ReasonKind.ORIGIN, f"for the weights of {origin.name}")
        job.origins, job.origin = origins, origins[0] if origins else None

    def _no_weights(self, cell: Cell) -> tuple[ReasonKind, str] | None:
        """Say why a cell's weights cannot be had on this machine; None where they can, or where it needs none."""
        model = cell.model.config
        if not (model.pretrained or isinstance(model.weights, str)):
            return None  # asking any other model would load torch for nothing
        if cell.model.key not in self.absent:
            from bench import models

            reason = models.unavailable(model)
            kind = ReasonKind.HUB_WEIGHTS if models.is_published(model) else ReasonKind.WEIGHTS
            self.absent[cell.model.key] = (kind, reason) if reason else None
        return self.absent[cell.model.key]

    def _found(self, job: Job, runs: Iterable[StoredRun]) -> None:
        """Give a job the state that its runs leave it in."""
        runs = list(runs)
        whole = (run for run in runs if run.run_id not in self.lost)
        if finished := [run for run in whole if record.outcome(run) is Outcome.FINISHED]:
            job.run = min(finished, key=record.rank)
            job.mark(State.DONE)
            return
        for run in runs:
            outcome = record.outcome(run)
            if run.run_id in self.lost:
                job.mark(State.TODO, ReasonKind.LOST, "what it stored is lost or damaged, and another trial needs it")
            elif outcome is Outcome.RUNNING:
                job.run = run
                job.mark(State.RUNNING, ReasonKind.ELSEWHERE, f"by {record.coordinator(run) or 'an unknown process'}")
            elif job.state is not State.RUNNING and self._stands(outcome, job):
                job.run = run
                state = State.PRUNED if outcome is Outcome.PRUNED else State.FAILED
                job.mark(state, ReasonKind.OUTCOME, str(outcome))

    def _stands(self, outcome: Outcome, job: Job) -> bool:
        """Whether an outcome without a result is not to be tried again. That a search pruned a trial says nothing without it."""
        if outcome is Outcome.PRUNED:
            return job.search is not None
        return not outcome.is_run_again and not self.retry

    # ------------------------------------------------------------ weights of another stage

    def _source(self, cell: Cell, seed: int) -> Job | None:
        """Return the job that trains the weights from which a cell's trial starts."""
        weights = cell.model.config.weights
        source = trained_by(self.suite.document, cell, self.cells | {cell.stage: Cells([cell])})
        if source is None or not isinstance(weights, Trained):
            return None
        fixed = weights.seed
        wanted = seed if fixed is None else fixed
        return next(job for job in self.of_cell[key(source)] if job.trial.seed == wanted)

    def _origin(self, cell: Cell, seed: int) -> str:
        try:
            source = self._source(cell, seed)
        except BenchError:
            return "?"  # told where its job is made ready
        return source.trial.fingerprint if source else ""

    # ------------------------------------------------------------ the best of another stage

    def _best(self, stage: str, start: Start, on: Mapping[str, str]) -> Cell | None:
        """Return the best cell of a stage, None where that is not known (yet)."""
        contenders = candidates(self.cells[start.stage], start, on)
        first = self.suite.seeds(start.stage)  # what was chosen at the first look stays chosen
        all_jobs = {id(cell): self.of_cell[key(cell)] for cell in contenders}
        jobs = {cell: [job for job in of_one if job.search or job.trial.seed in first] for cell, of_one in all_jobs.items()}
        if not all(job.state.is_settled for of_one in jobs.values() for job in of_one):
            return None
        ranked: list[tuple[float, Cell]] = []
        for cell in contenders:
            scores = [job.result.metrics.get(start.metric) if job.state is State.DONE else None for job in jobs[id(cell)]]
            values = [value for value in scores if value is not None and isfinite(value)]
            if values and len(values) == len(scores):
                ranked.append((fsum(values) / len(values), cell))
        if not ranked:
            labels = ", ".join(f"{axis}={label}" for axis, label in on.items())
            where = f"stage {start.stage}" + (f" ({labels})" if labels else "")
            self.barren[start.stage, tuple(on.items())] = (
                f"{where} has nothing to keep: no cell of which every trial finished with {start.metric}"
            )
            return None
        extreme = (min if by_name(start.metric).better == "lower" else max)(value for value, _ in ranked)
        (value, cell), *ties = (pair for pair in ranked if isclose(pair[0], extreme, rel_tol=SAME))  # as they are declared
        job = jobs[id(cell)][0]
        best = job.trial.cell if job.search else cell  # a search's cell is what was drawn
        tied = tuple(other.name for _, other in ties)
        kept = Kept(stage, dict(on), start, best, value, job.parameters or {}, tied)
        if kept not in self.made.kept and stage in self.suite.cells:
            self.made.kept.append(kept)
        return best

    # ------------------------------------------------------------ searches

    def _slot(self, cell: Cell, seed: int, is_part: bool) -> None:
        """Add one trial of a search: as it was drawn, where it was, else open."""
        stage = cell.stage
        search = search_of(self.suite, stage)
        which = SearchKey(stage, tuple((axis, label) for axis, label in cell.labels.items() if axis != TRIAL))
        past = [run for run in self.sampled[stage, tuple(sorted(cell.labels.items()))] if record.rules(run) == rules(search)]
        parameters, trial = None, unknown(cell, seed)
        for run in sorted(past, key=record.rank) if not cell.waits else ():
            drawn = record.parameters(run)
            try:
                again = self._drawn(cell.labels, stage, drawn)
            except (KeyError, ValueError, BenchError):
                continue  # the space was another one
            if again.fingerprint == record.fingerprint(run):
                parameters, trial = drawn, again
                break
        # every trial of a search is a job of its own, with runs of its own: it may be pruned where another of its configuration
        # is not
        job = Job(trial, [cell], search=which, parameters=parameters)
        (self.made.jobs if is_part else self.others)[unknown(cell, seed).fingerprint] = job
        self._enter(trial, job, is_part)
        if parameters is None and not cell.waits:
            self._ready(job, cell, self.suite.search_seeds(stage))
            if absent := next(filter(None, map(self._no_weights, self.cells[stage].samples)), None):
                job.mark(State.UNAVAILABLE, *absent)
            return
        same = [run for run in past if record.fingerprint(run) == trial.fingerprint]
        self._look_up(job, trial.cell, same)
        if job.state in (State.DONE, State.PRUNED, State.FAILED):
            self.made.past[which].append(job.result)

    def _newly_drawn(self, cell: Cell, parameters: Mapping[str, str]) -> tuple[Trial, Job | None]:
        """Return the trial that a search's cell becomes with what was drawn, and the one that trains its weights."""
        trial = self._drawn(cell.labels, cell.stage, parameters)
        return trial, self._source(trial.cell, trial.seed)

    def _drawn(self, labels: Mapping[str, str], stage: str, parameters: Mapping[str, str]) -> Trial:
        """Return the trial of a search with these parameters, as the tags of its run tell them."""
        space = search_of(self.suite, stage).space
        values = {name: _value(parameter, parameters[name]) for name, parameter in space.items()}
        cell = self.suite.sampled(stage, dict(labels), values, lambda start, on: self._best(stage, start, on))
        seeds = self.suite.search_seeds(stage)
        seed = int(parameters[SEED]) if len(seeds) > 1 else seeds[0]
        if seed not in seeds:
            raise ValueError(seed)
        return trials([cell], [seed], self.identity, self._origin)[0]

    # ------------------------------------------------------------ ensembles

    def _votes(self, cell: Cell, seed: int, is_part: bool) -> None:
        """Add one ensemble."""
        spec = cell.voting.config
        voters: dict[str, Job] = {}
        for stage in spec.stages:
            for member_cell in self.cells[stage]:
                for job in self.of_cell[key(member_cell)]:
                    if not job.pilot and (spec.pool == "all" or job.trial.seed == seed):
                        voters.setdefault(job.trial.fingerprint, job)
        members = [job for job in voters.values() if job.state is State.DONE]
        if open_jobs := [job for job in voters.values() if not job.state.is_settled]:
            job = self._job(unknown(cell, seed), is_part)
            job.mark(State.WAITING, ReasonKind.MEMBERS, f"for {len(open_jobs)} trials that are to vote")
            return
        fingerprint = ensemble_fingerprint(cell, seed, (member.trial.fingerprint for member in members))
        job = self._job(Trial(cell, seed, fingerprint), is_part)
        job.members = members
        if not members:
            reason = f"no trial of {', '.join(spec.stages)} has finished, so none can vote"
            job.mark(State.UNAVAILABLE, ReasonKind.MEMBERS, reason)


def _value(parameter: Range | Mapping[str, Any], text: str) -> float | str:
    """Return a parameter's value from its text. Raises ValueError or KeyError for one that the space does not hold."""
    if not isinstance(parameter, Range):
        parameter[text]
        return text
    value = int(text) if parameter.whole else float(text)
    if not parameter.low <= value <= parameter.high:
        raise ValueError(f"{text} is outside the interval")
    return value


def rules(search: Search) -> str:
    """Return how a search draws and prunes, as text: runs made under other rules are not its trials."""
    settings = search.model_dump(mode="json", include={"sampler", "pruner", "metric", "seed"})
    return json.dumps(settings, sort_keys=True)
