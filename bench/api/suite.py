"""A suite that is loaded, and the store that holds its runs: what all else starts from."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.api import cleaning
from bench.api import plan as planning
from bench.api import report as reporting
from bench.api import run as running
from bench.api.bundle import export as bundles
from bench.api.cleaning import Leftover
from bench.api.plan import Forecast
from bench.api.report import Report
from bench.api.run import Listener, RunResult
from bench.api.store import store
from bench.runner.executors import Executor
from bench.suite.load import load_suite
from bench.suite.suite import Suite
from bench.trackers import Tracker


def load(
    path: str | Path,
    profile: str | None = None,
    set: Sequence[str] = (),  # the word of the command line
    *,
    only: Sequence[str] = (),
    tracker: Tracker | str | None = None,
) -> "LoadedSuite":
    """Load a suite file, with a profile of it laid over.

    set: overrides, `PATH=VALUE`. only: these cells alone, `STAGE` or `STAGE[AXIS=LABEL,…]`. tracker: the store of its runs, or an
    MLflow tracking URI; None takes MLFLOW_TRACKING_URI, and else mlflow.db in the working folder.
    Raises BenchError for anything wrong with the file, with file and line.
    """
    suite = load_suite(path, profile=profile, overrides=list(set), only=list(only))
    return LoadedSuite(suite, tracker)


class LoadedSuite:
    """A suite as it will run, and the store of its runs. Nothing is read from the store before it is needed."""

    def __init__(self, suite: Suite, tracker: Tracker | str | None = None):
        self.suite = suite
        self._tracker = tracker

    def __repr__(self) -> str:
        return f"LoadedSuite({self.suite.document.file!r}, profile={self.suite.profile!r})"

    @cached_property
    def tracker(self) -> Tracker:
        """The store of its runs. Raises BenchError for a tracking URI that cannot be one."""
        return store(self._tracker)

    def status(self) -> Forecast:
        """Return what is done and what is to do, from what the store holds; nothing is checked or measured."""
        return planning.status(self.suite, self.tracker)

    def plan(
        self,
        *,
        probe: bool = True,
        executor: str | Executor = "local",
        workers: int | None = None,
        threads: int = 1,
        device: str = "auto",
        pack: str = "auto",
        pilot: bool = False,
    ) -> Forecast:
        """Return what `run` would do, and how long it would take.

        probe: check models and data, and measure speed; else answer at once. The others: see `run`.
        Raises BenchError, with file and line, for what would fail.
        """
        return planning.forecast(
            self.suite,
            self.tracker,
            probe=probe,
            executor=executor,
            workers=workers,
            threads=threads,
            device=device,
            pack=pack,
            pilot=pilot,
        )

    def run(
        self,
        *,
        executor: str | Executor = "local",
        workers: int | None = None,
        threads: int = 1,
        device: str = "auto",
        pack: str = "auto",
        time_limit: float | None = None,
        retry: bool = False,
        exploratory: bool = False,
        wait: bool = False,
        take_over: bool = False,
        upgrade_store: bool = False,
        keep_going: bool = False,
        pilot: bool = False,
        listener: Listener | None = None,
    ) -> RunResult:
        """Run what the store lacks, round after round, and record it.

        executor: local (processes of this machine), inline (this process), or one that is open already, which stays open.
        workers: None for one per GPU, else one per core. threads: of each worker. device: auto, cpu or cuda. pack: how many like
        trials may train as one program: a number, `off`, or `auto`, which measures. time_limit: seconds after which a trial is
        ended; None for the suite's. retry: run trials again that diverged, ran out of memory or timed out. exploratory: add seeds
        that were not declared. wait: until another run of this suite has ended, rather than being refused. take_over: go on in
        its place, which ends it. upgrade_store: bring a store of another MLflow version to the form of this one, after a copy of
        a file. keep_going: run all trials of a cell, also where several have crashed with one error. pilot: only the trials of
        pilots, which set sizes. listener: sees the run go by.
        Raises BenchError for what cannot be run. Ctrl-C ends the trials under way and keeps what is finished.
        """
        return running.run(
            self.suite,
            self.tracker,
            executor=executor,
            workers=workers,
            threads=threads,
            device=device,
            pack=pack,
            time_limit=time_limit,
            retry=retry,
            exploratory=exploratory,
            wait=wait,
            take_over=take_over,
            upgrade_store=upgrade_store,
            keep_going=keep_going,
            pilot=pilot,
            listener=listener,
        )

    def report(self, *, figures: bool = False, mlflow_url: str | None = None) -> Report:
        """Return the report on what the store holds. figures: with its figures, which take time to draw. mlflow_url: of
        the MLflow server whose pages show the runs. Raises BenchError where that is no address."""
        return reporting.report(self.suite, self.tracker, figures=figures, mlflow_url=mlflow_url)

    def leftovers(self) -> list[Leftover]:
        """Return the runs that no report of this suite and profile needs any more: superseded ones, failed attempts that were
        repeated, and those of no trial of the suite as it is. Nothing is deleted."""
        return cleaning.leftovers(self.suite, self.tracker)

    def clean(self, listed: Iterable[Leftover]) -> list[Leftover]:
        """Delete runs that `leftovers` has listed and that no report needs now; return them. Raises BenchError where a run of
        the suite is at work."""
        return cleaning.clean(self.suite, self.tracker, listed)

    def export(self, path: str | Path, *, full: bool = False, anonymous: bool = False, anyway: bool = False) -> bundles.Exported:
        """Write the runs of the suite's experiment, its files and its report into a bundle, a zip file with checksums.

        full: also probabilities, weights and superseded runs. anonymous: without user, host, paths and commits; where the suite,
        its components or other texts still tell some, BenchError with the places. anyway: list these, and write it all the same.
        Raises BenchError where there is no run, or the file cannot be written: then nothing is.
        """
        return bundles.export(self.suite, self.tracker, path, full=full, anonymous=anonymous, anyway=anyway)

    def runs_url(self) -> str | None:
        """Return the address of the page that shows the runs, None before there are any."""
        return self.tracker.experiment_url(self.suite.experiment)

    def sections(self, name: str) -> list[Any]:
        """Return the distinct `data`, `model` or `train` sections of all cells, those that searches may draw included."""
        cells = [
            cell
            for stage, stage_cells in self.suite.cells.items()
            for cell in (*stage_cells, *self.suite.all_cells[stage].samples)
        ]
        return list({getattr(cell, name).key: getattr(cell, name) for cell in cells}.values())
