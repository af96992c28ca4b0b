"""Makes a plan, stage after stage: what a stage starts from is known when the stages above it have ended."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite

from bench.config import Trained
from bench.errors import BenchError
from bench.runner.plan import ENDED, Job, Kept, Plan, ensemble_fingerprint, identity
from bench.suite import Cell, Suite, Trial, trials
from bench.suite.cells import TRIAL, Cells, collector_paused, unknown
from bench.suite.links import candidates, sources, trained_by
from bench.suite.stages import Range, Search, Start
from bench.trackers import StoredRun

AGAIN = ("crashed", "interrupted", "pruned")
"""Outcomes that say nothing about the trial itself (a search's trial that was pruned, nothing about it without that search);
the others (diverged, oom, timeout) stand until `--retry`."""
SEED = "seed"
"""The parameter of a search that draws a trial's seed."""


class Planner:
    """Makes one plan. Stages that `--only` leaves out are looked up too, where others need them, but are not part of it."""

    def __init__(self, suite: Suite, runs: list[StoredRun], retry: bool, looks: Mapping[tuple[str, tuple], int]):
        self.suite, self.retry, self.looks = suite, retry, looks
        self.runs: dict[str, list[StoredRun]] = defaultdict(list)
        self.sampled: dict[tuple, list[StoredRun]] = defaultdict(list)
        for run in runs:
            self.runs[run.tags.get("fingerprint", "")].append(run)
            if "search" in run.tags:
                axes = {tag.removeprefix("axis."): label for tag, label in run.tags.items() if tag.startswith("axis.")}
                self.sampled[(run.tags.get("stage", ""), *sorted(axes.items()))].append(run)
        self.made = Plan(suite)
        self.others: dict[str, Job] = {}
        """Jobs of stages that are not part of the plan."""
        self.of_cell: dict[tuple[str, tuple], list[Job]] = defaultdict(list)
        self.cells: dict[str, Cells] = {}
        self.barren: dict[tuple, str] = {}
        """Stages, and the labels for which the best was sought, that ended without a cell that can be kept; and why."""
        self.refused: dict[str, str] = {}
        """Stages that do not go together with the cell that was the best of another; and why."""
        self.absent: dict[str, str] = {}
        """Why weights cannot be had here, by the key of the model that needs them; "" where they can."""
        self.sources = {stage: set().union(*map(sources, cells)) for stage, cells in suite.all_cells.items()}
        self.rested_on = set().union(*self.sources.values())
        """Stages that others rest on."""
        self.keepers = {
            (source.stage, tuple(source.labels.items()))
            for stage, cells in suite.all_cells.items()
            for cell in (cells if self.sources[stage] else ())
            if (source := trained_by(suite.document, cell, suite.all_cells))
        }

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
        chosen = {tuple(cell.labels.items()) for cell in self.suite.cells.get(stage, ())} if self.suite.only else None
        if not spec.search and not spec.ensemble:
            by_look = defaultdict(list)
            for cell in cells:
                by_look[self.looks.get((stage, tuple(cell.labels.items())), 0) if self.looks else 0].append(cell)
            for look, some in sorted(by_look.items()):
                for trial in trials(some, self.suite.schedule(stage).looks[look], identity, self._origin):
                    self._job(trial, chosen is None or tuple(trial.cell.labels.items()) in chosen)
            return
        for cell in cells:
            is_part = chosen is None or tuple(cell.labels.items()) in chosen
            for seed in self.suite.seeds(stage):
                if spec.search:
                    self._slot(cell, seed, is_part)
                else:
                    self._votes(cell, seed, is_part)

    def _job(self, trial: Trial, is_part: bool) -> Job:
        """Return the job of a trial, made where there is none yet."""
        jobs = self.made.jobs if is_part else self.others
        job = jobs.get(trial.fingerprint)
        if job is None:
            job = jobs[trial.fingerprint] = Job(trial, [trial.cell])
            self._look_up(job, trial.cell, self.runs.get(trial.fingerprint, ()))
        else:
            job.cells.append(trial.cell)
        self._enter(trial, job, is_part)
        if (trial.cell.stage, tuple(trial.cell.labels.items())) in self.keepers:
            job.keeps = True
            if job.state == "done" and "kept" not in job.run.tags:
                job.state, job.run, job.reason = "todo", None, "its weights were not kept"
                self._ready(job, trial.cell, [trial.seed])
        return job

    def _enter(self, trial: Trial, job: Job, is_part: bool) -> None:
        """Let the plan know a trial and its job, and the stages that rest on it."""
        if is_part:
            self.made.entries.append((trial, job))
        if trial.cell.stage in self.rested_on:
            self.of_cell[trial.cell.stage, tuple(trial.cell.labels.items())].append(job)

    def _look_up(self, job: Job, cell: Cell, runs: Iterable[StoredRun], again: tuple[str, ...] = AGAIN) -> None:
        """Give a job its state, from the runs that may stand for it."""
        if job.trial.known:
            self._found(job, runs, again)
        elif cell.waits:
            sought = (cell.waits, *((axis, cell.labels[axis]) for axis in cell.start.each if axis in cell.labels))
            reason = self.refused.get(cell.stage) or self.barren.get(sought)
            job.state, job.reason = ("unavailable", reason) if reason else ("waiting", f"for stage {cell.waits}")
        if job.state == "todo" and not cell.ensemble:
            self._ready(job, cell, [job.trial.seed])

    def _ready(self, job: Job, cell: Cell, seeds: Sequence[int]) -> None:
        """Let a job wait for the weights that it starts from, or be unavailable without. seeds: those that it may have."""
        if reason := self._no_weights(cell):
            job.state, job.reason = "unavailable", reason
            return
        try:
            origins = [origin for seed in seeds if (origin := self._source(cell, seed))]
        except BenchError as error:  # the best of a stage, from which either began, is of another architecture
            job.state, job.reason = "unavailable", str(error)
            return
        for origin in origins:
            if origin.state in ("failed", "unavailable"):
                told = f"the trial that trains its weights, {origin.name}, is {origin.state}"
                job.state, job.reason = "unavailable", told
            elif origin.state != "done" and job.state == "todo":
                job.state, job.reason = "waiting", f"for the weights of {origin.name}"
        job.origin = origins[0] if origins else None

    def _no_weights(self, cell: Cell) -> str:
        """Say why a cell's weights cannot be had on this machine; "" where they can, or where it needs none."""
        model = cell.model.config
        if not (model.pretrained or isinstance(model.weights, str)):
            return ""  # asking any other model would load torch for nothing
        if cell.model.key not in self.absent:
            from bench import models

            self.absent[cell.model.key] = models.unavailable(model) or ""
        return self.absent[cell.model.key]

    def _found(self, job: Job, runs: Iterable[StoredRun], again: tuple[str, ...]) -> None:
        """Give a job the state that its runs leave it in."""
        for run in runs:
            outcome = run.tags.get("outcome", "")
            if run.status == "FINISHED":
                if job.state != "done" or "kept" in run.tags:
                    job.state, job.run, job.reason = "done", run, ""
            elif job.state == "done":
                continue
            elif run.status == "RUNNING":
                job.state, job.run, job.reason = "running", run, f"by {run.tags.get('coordinator', 'an unknown process')}"
            elif outcome and outcome not in again and not (self.retry and outcome != "pruned") and job.state != "running":
                job.state, job.run, job.reason = "pruned" if outcome == "pruned" else "failed", run, outcome

    # ------------------------------------------------------------ weights of another stage

    def _source(self, cell: Cell, seed: int) -> Job | None:
        """Return the job that trains the weights from which a cell's trial starts."""
        if type(cell.model.config.weights) is not Trained:
            return None
        source = trained_by(self.suite.document, cell, self.cells | {cell.stage: Cells([cell])})
        fixed = cell.model.config.weights.seed
        wanted = seed if fixed is None else fixed
        return next(job for job in self.of_cell[source.stage, tuple(source.labels.items())] if job.trial.seed == wanted)

    def _origin(self, cell: Cell, seed: int) -> str:
        try:
            source = self._source(cell, seed)
        except BenchError:
            return "?"  # told where its job is made ready
        return source.trial.fingerprint if source else ""

    # ------------------------------------------------------------ the best of another stage

    def _best(self, stage: str, start: Start, on: Mapping[str, str]) -> Cell | None:
        """Return the best cell of a stage, None where that is not known (yet)."""
        found = candidates(self.cells[start.stage], start, on)
        jobs = {id(cell): self.of_cell[cell.stage, tuple(cell.labels.items())] for cell in found}
        if any(job.state not in ENDED for of_one in jobs.values() for job in of_one):
            return None
        ranked = []
        for cell in found:
            values = [job.run.metrics.get(start.metric) if job.state == "done" else None for job in jobs[id(cell)]]
            if values and all(value is not None and isfinite(value) for value in values):
                ranked.append((sum(values) / len(values), cell))
        if not ranked:
            told = ", ".join(f"{axis}={label}" for axis, label in on.items())
            where = f"stage {start.stage}" + (f" ({told})" if told else "")
            self.barren[start.stage, *on.items()] = (
                f"{where} has nothing to keep: no cell of which every trial finished with {start.metric}"
            )
            return None
        value, cell = (min if start.metric.endswith("loss") else max)(ranked, key=lambda pair: pair[0])
        job = jobs[id(cell)][0]
        best = job.trial.cell if job.search else cell  # a search's cell is what was drawn
        kept = Kept(stage, dict(on), start, best, value, job.parameters or {})
        if kept not in self.made.kept and stage in self.suite.cells:
            self.made.kept.append(kept)
        return best

    # ------------------------------------------------------------ searches

    def _slot(self, cell: Cell, seed: int, is_part: bool) -> None:
        """Add one trial of a search: as it was drawn, where it was, else open."""
        stage = cell.stage
        search = self.suite.spec.stages[stage].search
        which = (stage, *((axis, label) for axis, label in cell.labels.items() if axis != TRIAL))
        past = [run for run in self.sampled[(stage, *sorted(cell.labels.items()))] if run.tags["search"] == rules(search)]
        parameters, trial = None, unknown(cell, seed)
        for run in sorted(past, key=lambda run: (run.status != "FINISHED", -run.start)) if not cell.waits else ():
            told = parameters_of(run)
            try:
                again = self._drawn(cell.labels, stage, told)
            except (KeyError, ValueError, BenchError):
                continue  # the space was another one
            if again.fingerprint == run.tags.get("fingerprint"):
                parameters, trial = told, again
                break
        # every trial of a search is a job of its own, with runs of its own: it may be pruned where another of its configuration
        # is not
        job = Job(trial, [cell], search=which, parameters=parameters)
        (self.made.jobs if is_part else self.others)[unknown(cell, seed).fingerprint] = job
        self._enter(trial, job, is_part)
        if parameters is None and not cell.waits:
            spec = self.suite.spec.stages[stage]
            self._ready(job, cell, spec.seeds or self.suite.spec.seeds)
            if reason := next(filter(None, map(self._no_weights, self.cells[stage].samples)), ""):
                job.state, job.reason = "unavailable", reason
            return
        same = [run for run in past if run.tags.get("fingerprint") == trial.fingerprint]
        self._look_up(job, trial.cell, same, again=("crashed", "interrupted"))  # pruned is an outcome here
        if job.state in ("done", "pruned", "failed"):
            self.made.past[which].append(job.run)

    def _newly_drawn(self, cell: Cell, parameters: Mapping[str, str]) -> tuple[Trial, Job | None]:
        """Return the trial that a search's cell becomes with what was drawn, and the one that trains its weights."""
        trial = self._drawn(cell.labels, cell.stage, parameters)
        return trial, self._source(trial.cell, trial.seed)

    def _drawn(self, labels: Mapping[str, str], stage: str, parameters: Mapping[str, str]) -> Trial:
        """Return the trial of a search with these parameters, as the tags of its run tell them."""
        spec = self.suite.spec.stages[stage]
        values = {name: _value(parameter, parameters[name]) for name, parameter in spec.search.space.items()}
        cell = self.suite.sampled(stage, dict(labels), values, lambda start, on: self._best(stage, start, on))
        seeds = spec.seeds or self.suite.spec.seeds
        seed = int(parameters[SEED]) if len(seeds) > 1 else seeds[0]
        if seed not in seeds:
            raise ValueError(seed)
        return trials([cell], [seed], identity, self._origin)[0]

    # ------------------------------------------------------------ ensembles

    def _votes(self, cell: Cell, seed: int, is_part: bool) -> None:
        """Add one ensemble."""
        spec = cell.ensemble.config
        found: dict[str, Job] = {}
        for stage in spec.stages:
            for one in self.cells[stage]:
                for job in self.of_cell[stage, tuple(one.labels.items())]:
                    if spec.pool == "all" or job.trial.seed == seed:
                        found.setdefault(job.trial.fingerprint, job)
        members = [job for job in found.values() if job.state == "done"]
        if open_jobs := [job for job in found.values() if job.state not in ENDED]:
            job = self._job(unknown(cell, seed), is_part)
            job.state, job.reason = "waiting", f"for {len(open_jobs)} trials that are to vote"
            return
        job = self._job(Trial(cell, seed, ensemble_fingerprint(cell, seed, members)), is_part)
        job.members = members
        if not members:
            job.state, job.reason = "unavailable", f"no trial of {', '.join(spec.stages)} has finished, so none can vote"


def _value(parameter: Range | dict, text: str) -> float | str:
    """Return a parameter's value from its text. Raises ValueError or KeyError for one that the space does not hold."""
    if not isinstance(parameter, Range):
        parameter[text]
        return text
    value = int(text) if parameter.whole else float(text)
    if not parameter.low <= value <= parameter.high:
        raise ValueError(f"{text} is outside the interval")
    return value


def parameters_of(run: StoredRun) -> dict[str, str]:
    """Return what a search drew for a trial, as the tags of its run tell it."""
    return {tag.removeprefix("search."): text for tag, text in run.tags.items() if tag.startswith("search.")}


def rules(search: Search) -> str:
    """Return how a search draws and prunes, as text: runs made under other rules are not its trials."""
    told = search.model_dump(mode="json", include={"sampler", "pruner", "metric", "seed"})
    return json.dumps(told, sort_keys=True)
