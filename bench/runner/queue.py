"""What runs next: the Optuna studies of a suite, rebuilt from the tracker whenever a run begins."""

from collections.abc import Callable, Sequence

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from bench.runner.packs import Packs, key
from bench.runner.plan import Job, Plan, SearchKey, State, search_of
from bench.runner.search import History, OptunaSearch
from bench.trackers.record import Outcome

OBJECTIVE = "val/accuracy"
Kind = tuple[str, bool, bool]
Histories = Callable[[Sequence[str], Sequence[str]], History]
"""Gives the epochs of runs, as a tracker does."""


class Queue:
    """Ask and tell over the jobs of a plan that train. Grids are enqueued, longest first; what is done is told beforehand. Each
    search is a study of its own, and its trials come last, in their order."""

    def __init__(self, plan: Plan, histories: Histories, packs: Packs):
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.plan, self.packs = plan, packs
        suite = plan.suite
        self.grid = optuna.create_study(study_name=suite.experiment, direction="maximize")
        self.space = {
            stage: {f"{stage}.{axis}": CategoricalDistribution(labels) for axis, labels in cells.levels.items()}
            for stage, cells in suite.cells.items()
        }
        jobs = [job for job in plan.jobs.values() if job.search is None and job.trial.known]
        self.grid.add_trials(
            [self._told(job) for job in jobs if job.state in (State.DONE, State.FAILED) and not job.trial.cell.ensemble]
        )
        # longest first, so that no long trial is left alone at the end; those of a pack together; equals keep the suite's order
        waiting = [job for job in jobs if job.state is State.TODO and not job.members]
        kinds: dict[Kind, int] = {}
        order = {id(job): kinds.setdefault(self._kind(job), len(kinds)) if packs.width(job) > 1 else -1 for job in waiting}
        waiting.sort(key=lambda job: (-(job.seconds or 0), order[id(job)]))
        for job in waiting:
            self.grid.enqueue_trial(self._params(job), user_attrs={"fingerprint": job.trial.fingerprint})
        self.grid_jobs = {job.trial.fingerprint: job for job in waiting}
        """In the order in which they come."""
        self.slots = [job for job in plan.todo() if job.search is not None]
        self.slots.sort(key=lambda job: job.parameters is None)  # what was interrupted first: it has been drawn
        keys = dict.fromkeys(job.search for job in self.slots if job.search)
        self.searches = {key: self._search(key, histories) for key in keys}
        self.trials: dict[int, optuna.Trial] = {}
        """id of a job → its trial."""
        self.waiting = len(waiting) + len(self.slots)

    def ask(self) -> list[Job]:
        """Return what is to train next as one program: a job, or several of one kind; nothing when nothing waits."""
        if not self.waiting:
            return []
        first = self._next()
        pack = [first]
        while (
            len(pack) < self.packs.width(first)
            and (second := self._waiting_first(first))
            and self._kind(second) == self._kind(first)
        ):
            pack.append(self._next())
        return pack

    def _next(self) -> Job:
        """Return the next job. A search's trial is drawn now."""
        self.waiting -= 1
        if self.grid_jobs:
            trial = self.grid.ask()
            job = self.grid_jobs.pop(trial.user_attrs["fingerprint"])
            for name in self._params(job):
                trial.suggest_categorical(name, self.space[job.trial.cell.stage][name].choices)
            self.trials[id(job)] = trial
        else:
            job = self.slots.pop(0)
            if id(job) not in self.trials:
                self._draw(job)
        return job

    def _waiting_first(self, before: Job) -> Job | None:
        """Return the job that comes next, where that can be known: a sampler that learns from results draws as late as it can.

        before: the job that was handed out last; of what is drawn ahead, those like it come next."""
        if self.grid_jobs:
            return next(iter(self.grid_jobs.values()))
        drawn = [job for job in self.slots if id(job) in self.trials]
        open_slots = [job for job in self.slots if id(job) not in self.trials]
        for job in open_slots:
            if self._search_of(job).is_random:
                self._draw(job)
                drawn.append(job)
        kinds = {self._kind(before): 0}
        drawn.sort(key=lambda job: kinds.setdefault(self._kind(job), len(kinds)))
        self.slots = drawn + [job for job in open_slots if id(job) not in self.trials]
        return drawn[0] if drawn else None

    def _draw(self, job: Job) -> None:
        search = self._search_of(job)
        if job.parameters is None:
            trial = search.draw(int(job.trial.cell.labels["trial"]))
            job.parameters = search.text(trial)
            assert self.plan.drawn, "the planner has set it"
            job.trial, job.origin = self.plan.drawn(job.trial.cell, job.parameters)
        else:
            trial = search.again(job.parameters)
        self.trials[id(job)] = trial

    def _kind(self, job: Job) -> Kind:
        """Return what the jobs of a pack have in common."""
        return key(job.trial.cell.config), job.keeps, self.prunes(job)

    def goes_on(self, job: Job, epoch: int, metrics: dict[str, float]) -> bool:
        """Take in a job's metrics after an epoch, and tell whether it should go on; after the last one it has finished anyway."""
        if not job.search:
            return True
        search = self._search_of(job)
        value = metrics.get(search.spec.metric)
        goes_on = value is None or search.goes_on(self.trials[id(job)], epoch, value)
        return goes_on or epoch == job.trial.cell.config.train.epochs

    def prunes(self, job: Job) -> bool:
        """Whether a job may be ended early."""
        return job.search is not None and self._search_of(job).spec.pruner is not None

    def tell(self, job: Job, outcome: Outcome, metrics: dict[str, float]) -> None:
        """Tell how a job ended, if that was not told before."""
        if (trial := self.trials.pop(id(job), None)) is None:
            return
        if job.search is not None:
            self._search_of(job).tell(trial, outcome, metrics)
        elif outcome is Outcome.FINISHED and OBJECTIVE in metrics:
            self.grid.tell(trial, metrics[OBJECTIVE])
        else:
            self.grid.tell(trial, state=TrialState.FAIL)

    def _search_of(self, job: Job) -> OptunaSearch:
        assert job.search, f"{job.name} is no trial of a search"
        return self.searches[job.search]

    def _search(self, which: SearchKey, histories: Histories) -> OptunaSearch:
        spec, seeds = search_of(self.plan.suite, which.stage), self.plan.suite.search_seeds(which.stage)
        name = f"{which.stage} {', '.join(f'{axis}={label}' for axis, label in which.labels)}".strip()
        search = OptunaSearch(spec, seeds, name)
        past = self.plan.past[which]
        search.remember(past, histories([run.run_id for run in past], [spec.metric]) if past else {})
        return search

    def _params(self, job: Job) -> dict[str, str]:
        cell = job.trial.cell
        return {f"{cell.stage}.{axis}": label for axis, label in cell.labels.items()}

    def _told(self, job: Job) -> FrozenTrial:
        space = self.space[job.trial.cell.stage]
        params = self._params(job)
        objective = job.result.metrics.get(OBJECTIVE) if job.state is State.DONE else None
        return create_trial(
            state=TrialState.FAIL if objective is None else TrialState.COMPLETE,
            value=objective,
            params=params,
            distributions={name: space[name] for name in params},
            user_attrs={"fingerprint": job.trial.fingerprint},
        )
