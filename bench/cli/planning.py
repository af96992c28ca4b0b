"""The plan of a suite with seeds on demand: which look is due depends on the verdicts so far."""

from functools import partial

from bench.errors import BenchError
from bench.reports.arms import Trials
from bench.reports.claims import judge
from bench.reports.collect import Expected, Record, collect
from bench.reports.report import differs
from bench.runner.plan import Plan, make_plan
from bench.suite import Suite
from bench.trackers import StoredRun, Tracker


def planned(suite: Suite, runs: list[StoredRun], tracker: Tracker, *, retry: bool = False) -> Plan:
    """Return what a suite asks for, given its runs: with looks, more seeds where a claim is still unresolved."""
    due: dict[tuple[str, tuple], int] = {}
    unresolved: list[str] = []
    while True:
        plan = make_plan(suite, runs, retry=retry, looks=due)
        plan.unresolved = unresolved
        if not suite.sequential:
            return plan
        predictions = partial(tracker.artifact, name="predictions.npz")
        found = judge(claims(suite), schedules(suite), Trials(records(plan, runs)), predictions)
        if all(due.get(cell, 0) >= look for cell, look in found.due.items()):
            return plan
        due |= found.due
        unresolved = [claim.name for claim in found.claims if claim.holds is None]


def records(plan: Plan, runs: list[StoredRun]) -> list[Record]:
    """Return every planned trial with what became of it."""
    expected = []
    for trial, job in plan.entries:
        reason = job.reason if job.state == "unavailable" else ""
        kept = plan.kept_by(trial.cell)
        told = {"unavailable": reason, "start": kept.text if kept else "", "run_id": job.run.run_id if job.run else ""}
        # of a search's trial only a run of its own counts, whatever others have the same configuration
        fingerprint = "" if job.search else trial.fingerprint
        expected.append(Expected(trial.cell.stage, trial.cell.labels, trial.seed, fingerprint, **told))
    return collect(expected, runs, plan.suite.spec.metrics)


def claims(suite: Suite) -> dict:
    return {name: (suite.spec.claims[name], contrasts) for name, contrasts in suite.claims.items()}


def schedules(suite: Suite) -> dict:
    return {stage: suite.schedule(stage) for stage in suite.spec.stages}


def refuse_undeclared(plan: Plan) -> None:
    """Refuse to add seeds to a stage of which trials ran under another declaration: their result may have been seen."""
    todo = {cell.stage for job in plan.todo() for cell in job.cells}
    for job in plan.jobs.values():
        stage = job.run.tags.get("stage", "") if job.run else ""
        if stage in todo:
            before, now = job.run.tags.get("seeds", ""), plan.suite.schedule(stage).text
            if differs(before, now):
                raise BenchError(
                    f"stage {stage!r} was begun with the seeds [{before}], and is to go on with [{now}]: adding seeds after "
                    "a look at the result raises the rate of false positives",
                    where=plan.suite.document.place(("stages", stage, "seeds"))
                    if plan.suite.spec.stages[stage].seeds
                    else plan.suite.document.place(("seeds",)),
                    mend="go back to those seeds, or add --exploratory, which the report will say; "
                    "next time declare `seeds: {looks: [5, 8, 12]}`",
                )
