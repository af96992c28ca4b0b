"""The Optuna study of a suite: it says what to run next, and is rebuilt from the tracker whenever a run begins."""

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from bench.runner.plan import Job, Plan

OBJECTIVE = "val/accuracy"


class Study:
    """Ask and tell over the jobs of a plan. Grids are enqueued, longest first; what is done is told beforehand."""

    def __init__(self, plan: Plan):
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.plan = plan
        self.study = optuna.create_study(study_name=plan.suite.experiment, direction="maximize")
        self.space = {
            stage: {f"{stage}.{axis}": CategoricalDistribution(labels) for axis, labels in cells.levels.items()}
            for stage, cells in plan.suite.cells.items()
        }
        self.study.add_trials([self._told(job) for job in plan.jobs.values() if job.state in ("done", "failed")])
        # longest first, so that no long trial is left alone at the end; equals keep the order of the suite
        for job in sorted(plan.todo(), key=lambda job: -(job.seconds or 0)):
            self.study.enqueue_trial(self._params(job), user_attrs={"fingerprint": job.trial.fingerprint})
        self.waiting = len(plan.todo())

    def ask(self) -> tuple[int, Job] | None:
        """Return the number of a trial and its job, or None when nothing waits."""
        if not self.waiting:
            return None
        self.waiting -= 1
        trial = self.study.ask()
        job = self.plan.jobs[trial.user_attrs["fingerprint"]]
        for name in self._params(job):
            trial.suggest_categorical(name, self.space[job.trial.cell.stage][name].choices)
        return trial.number, job

    def tell(self, number: int, objective: float | None) -> None:
        """Tell how a trial ended. objective: validation accuracy; None where it failed."""
        if objective is None:
            self.study.tell(number, state=TrialState.FAIL)
        else:
            self.study.tell(number, objective)

    def _params(self, job: Job) -> dict[str, str]:
        cell = job.trial.cell
        return {f"{cell.stage}.{axis}": label for axis, label in cell.labels.items()}

    def _told(self, job: Job) -> FrozenTrial:
        space = self.space[job.trial.cell.stage]
        params = self._params(job)
        objective = job.run.metrics.get(OBJECTIVE) if job.state == "done" else None
        return create_trial(
            state=TrialState.FAIL if objective is None else TrialState.COMPLETE,
            value=objective,
            params=params,
            distributions={name: space[name] for name in params},
            user_attrs={"fingerprint": job.trial.fingerprint},
        )
