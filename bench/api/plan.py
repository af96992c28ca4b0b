"""What a suite asks for, given its runs, and how long that would take. With seeds on demand the verdicts so far decide."""

from collections.abc import Hashable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.api.pilot import sizes_table
from bench.errors import BenchError
from bench.grammar.cells import Trial
from bench.reports.claims.judge import judge
from bench.reports.claims.pilot import PilotSize, sizes
from bench.reports.claims.reach import warnings
from bench.reports.records.arms import Records
from bench.reports.records.collect import Expected, Record, collect
from bench.reports.records.predictions import stored_in
from bench.reports.tables.grammar import Table
from bench.runner import kept_weights
from bench.runner.estimate import estimate
from bench.runner.executors import Executor, open_executor
from bench.runner.packs import Packs, choose, parse, timed_stages
from bench.runner.plan import CellKey, Job, Plan, State
from bench.runner.planner import make_plan
from bench.runner.preflight import preflight
from bench.runner.stored import Stored
from bench.suite.differences import about
from bench.suite.suite import Suite
from bench.trackers import StoredRun, Tracker
from bench.trackers import record as run_record
from bench.trackers.record import DeclaredSeeds


@dataclass(frozen=True)
class Forecast:
    """What is to do, and on what. workers, device (its name) and kind (cpu or cuda): None where nothing was measured. sizes: how
    many seeds the claims need, where a pilot has results."""

    plan: Plan
    packs: Packs
    workers: int | None = None
    device: str | None = None
    kind: str | None = None
    sizes: list[PilotSize] = field(default_factory=list)

    @property
    def suite(self) -> Suite:
        return self.plan.suite

    @property
    def about(self) -> str:
        """What the profile is, what it is not, and how it differs from the suite itself; "" of the suite itself."""
        said = about(self.suite)
        return said.sentence if said else ""

    @property
    def seconds(self) -> float | None:
        """The estimated time of all that is to do: denoising, then the trials, shared out, but never less than the longest.
        What no time is known of is left out, see `unknown`."""
        if self.workers is None:
            return None
        each = [job.seconds or 0.0 for job in self.plan.ahead()]
        return self.plan.denoising / self.workers + max(sum(each) / self.workers, max(each, default=0.0))

    @property
    def unknown(self) -> int:
        """How many trials that are to do could not be measured."""
        plan = self.plan
        ahead = (job for job in plan.ahead() if not job.trial.cell.ensemble and not plan.fault(job.trial.cell))
        return sum(job.seconds is None for job in ahead)

    def as_dict(self) -> dict[str, Any]:
        """Return it as data that JSON can say: a job each fingerprint, with its state."""
        plan, workers = self.plan, self.workers
        jobs: list[Mapping[str, Any]] = [
            {
                "stage": job.trial.cell.stage,
                "cell": job.trial.cell.labels,
                "seed": job.trial.seed,
                "fingerprint": job.trial.fingerprint,
                "state": job.state,
                "reason": job.reason,
                "seconds": job.seconds,
                "pack": self.packs.width(job) if job.state is State.TODO else None,
                "pilot": job.pilot,
                "run_id": job.run.run_id if job.run else None,
            }
            for job in plan.jobs.values()
        ]
        return {
            "suite": plan.suite.name,
            "profile": plan.suite.profile,
            "about": self.about,
            "trials": len(plan.trials),
            "states": dict(plan.counts()),
            "workers": workers,
            "device": self.device,
            "seconds": self.seconds,
            "unknown": self.unknown if workers else None,
            "to_denoise": plan.to_denoise,
            "denoising_seconds": plan.denoising / workers if workers else None,
            "faults": {name: {"outcome": fault.outcome, "error": str(fault.error)} for name, fault in plan.faults().items()},
            "unmeasured": {name: str(error) for name, error in plan.unmeasured.items()},
            "warnings": self.warnings,
            "pilot": [asdict(size) for size in self.sizes],
            "jobs": jobs,
        }

    @property
    def complete(self) -> bool:
        """Whether nothing is missing, see `Plan.complete`."""
        return self.plan.complete

    def render_sizes(self) -> str:
        """Return the table of how many seeds the claims need, as Markdown; "" where no pilot has a result."""
        return sizes_table(self.sizes)

    @property
    def warnings(self) -> list[str]:
        """What the declared tests cannot do with the seeds that are planned."""
        suite = self.suite
        votes = {name for name, stage in suite.spec.stages.items() if stage.ensemble and stage.ensemble.pool == "all"}
        tables = {name: table for name, table in suite.spec.tables.items() if table.stage not in votes}  # of one ensemble a cell
        axes = {name: table_axes(suite, table) for name, table in tables.items()}
        arms = {name: (len(rows), len(columns)) for name, (rows, columns) in axes.items()}
        return warnings(suite.tested_claims, tables, arms, suite.schedules, suite.spec.metrics)


def status(suite: Suite, tracker: Tracker) -> Forecast:
    """Return what is done and what is to do. Nothing is measured."""
    return Forecast(planned(suite, tracker.runs(suite.experiment), tracker), Packs())


def check_pilot(suite: Suite) -> None:
    """Refuse to run the pilot of a suite that has none."""
    if not suite.has_pilot:
        mend = "write `seeds: {pilot: 3, count: 5}`, or leave `--pilot` out"
        raise BenchError("no stage has a pilot", where=suite.document.place(("seeds",)), mend=mend)


def forecast(
    suite: Suite,
    tracker: Tracker,
    *,
    probe: bool,
    executor: str | Executor,
    workers: int | None,
    threads: int,
    device: str,
    pack: str,
    pilot: bool,
) -> Forecast:
    """See `LoadedSuite.plan`."""
    if pilot:
        check_pilot(suite)
    runs = tracker.runs(suite.experiment)
    plan = planned(suite, runs, tracker, pilot=pilot)
    packs, sizes = Packs(parse(pack), timed_stages(suite)), pilot_sizes(plan, runs, tracker)
    if not plan.todo() or not probe:
        return Forecast(plan, packs, sizes=sizes)
    with opened(executor, workers, threads, device, len(plan.todo())) as workers_of:
        preflight(plan, workers_of, time_limit=(limit := suite.spec.time_limit))
        kept_weights.choose(plan)
        estimate(plan, workers_of, limit)
        choose(plan, workers_of, packs, limit)
        return Forecast(plan, packs, len(workers_of.workers), workers_of.hello().device, workers_of.kind, sizes)


def opened(
    executor: str | Executor, workers: int | None, threads: int, device: str, jobs: int
) -> AbstractContextManager[Executor]:
    """Return an executor by its name, closed in the end; or one that is open already, and stays so."""
    if isinstance(executor, str):
        return open_executor(executor, workers, threads, device, jobs)
    executor.revive()  # an interrupted run ends its workers
    return nullcontext(executor)


def planned(
    suite: Suite,
    runs: list[StoredRun],
    tracker: Tracker,
    *,
    retry: bool = False,
    stored: Stored | None = None,
    pilot: bool = False,
) -> Plan:
    """Return what a suite asks for, given its runs: with looks, more seeds where a claim is still unresolved; and again what is
    done, where others rest on what it stored and that is lost. stored: looks at what is stored; None looks at its size alone.
    pilot: only the trials of pilots."""
    due: dict[CellKey, int] = {}
    unresolved: list[str] = []
    stored = stored or Stored(tracker)
    while True:
        plan = make_plan(suite, runs, retry=retry, looks=due, lost=stored.lost, pilot=pilot)
        plan.unresolved = unresolved
        if stored.misses(plan):
            continue
        if pilot or not suite.sequential:
            return plan
        predictions = stored_in(tracker)
        trials = Records(records(plan, runs, tracker))
        judgement = judge(suite.tested_claims, suite.schedules, trials, predictions, for_report=False)
        if all(due.get(cell, 0) >= look for cell, look in judgement.due.items()):
            return plan
        due |= judgement.due
        unresolved = [claim.name for claim in judgement.claims if claim.holds is None]


def records(plan: Plan, runs: list[StoredRun], tracker: Tracker | None = None) -> list[Record]:
    """Return every planned trial that counts, with what became of it. tracker: has the epochs of the runs, which some metrics
    need."""
    return _collected(plan, plan.counting, runs, tracker)


def pilot_sizes(plan: Plan, runs: list[StoredRun], tracker: Tracker) -> list[PilotSize]:
    """Return how many seeds each claim needs by the pilot; nothing before a trial of it has finished."""
    if not plan.pilot:
        return []
    return sizes(plan.suite.tested_claims, plan.suite.schedules, _collected(plan, plan.pilot, runs, tracker))


def _collected(plan: Plan, entries: Iterable[tuple[Trial, Job]], runs: list[StoredRun], tracker: Tracker | None) -> list[Record]:
    expected = []
    for trial, job in entries:
        kept = plan.kept_by(trial.cell)
        expected.append(
            Expected(
                stage=trial.cell.stage,
                labels=trial.cell.labels,
                seed=trial.seed,
                # of a search's trial only a run of its own counts, whatever others have the same configuration
                fingerprint="" if job.search else trial.fingerprint,
                unavailable=job.reason if job.state is State.UNAVAILABLE else "",
                start=kept.text_with_ties if kept else "",
                run_id=job.run.run_id if job.run else "",
                vary=plan.suite.varying(trial.cell),
            )
        )
    return collect(expected, runs, plan.suite.spec.metrics, tracker.histories if tracker else None)


def refuse_undeclared(plan: Plan) -> None:
    """Refuse to add seeds to a stage of which trials ran under another declaration: their result may have been seen."""
    todo = {cell.stage for job in plan.todo() for cell in job.cells if not job.pilot}
    for job in plan.jobs.values():
        stage = run_record.stage(job.run) if job.run and not job.pilot else ""
        if job.run and stage in todo:
            before, now = run_record.declared_seeds(job.run), DeclaredSeeds.read(plan.suite.schedule(stage).text)
            if not before.admits(now):
                place = plan.suite.document.place
                raise BenchError(
                    f"stage {stage!r} was begun with the seeds [{before.text}], and is to go on with [{now.text}]: adding seeds "
                    "after a look at the result raises the rate of false positives",
                    where=place(("stages", stage, "seeds")) if plan.suite.spec.stages[stage].seeds else place(("seeds",)),
                    mend="go back to those seeds, or add --exploratory, which the report will say; "
                    "next time declare `seeds: {looks: [5, 8, 12]}`, or size the study by a pilot, `{pilot: 3, count: 5}`",
                )


def table_axes(suite: Suite, table: Table) -> tuple[set[Hashable], set[Hashable]]:
    """Return the labels of a table's rows and of its columns."""
    shown = suite.all_cells[table.stage].where(table.where)
    rows, columns = ({tuple(cell.labels.get(axis) for axis in axes) for cell in shown} for axes in (table.rows, table.columns))
    return set(rows), set(columns)
