"""The lease of an experiment in MLflow: params of a run, which are written once, and its tags.

These runs lie in an experiment of their own, so that a suite's holds its trials alone. Two coordinators that are the first at
once may both make one, so whoever wants the lease takes the next number of every such run, in one order: of two, one of them made
its run before the other looked, and the other has to take that too.
"""

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.trackers.lease import Book, Entry

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from mlflow import MlflowClient
    from mlflow.entities import Run

EXPERIMENT = "bench leases"
OF, HOLDER, BEAT = "lease.of", "holder.", "beat"
MOST = 5000
"""Runs asked for at once; there is one for each suite, and hardly ever two."""


class MlflowBook(Book):
    """The book of one experiment. guard: turns errors of the store into BenchErrors."""

    def __init__(
        self, client: Callable[[], "MlflowClient"], guard: Callable[[str], "AbstractContextManager[None]"], experiment: str
    ):
        self._client, self._guard, self._experiment = client, guard, experiment
        self._home = ""
        """The id of the experiment in which the lease is, once that is known."""
        self._found: list[Run] = []
        """The runs with the entries, as they were read last."""
        self._key = hashlib.sha256(experiment.encode()).hexdigest()[:16]

    def read(self) -> Entry:
        with self._guard("read"):
            entries = [_entry(run) for run in self._runs()]
            return max(entries, key=lambda entry: entry.number, default=Entry())

    def write(self, number: int, holder: str) -> bool:
        from mlflow.exceptions import MlflowException

        with self._guard("written"):
            if not (runs := self._runs()):
                self._create()
                runs = self._runs()
            for run in runs:
                try:
                    self._client().log_param(run.info.run_id, f"{HOLDER}{number}", holder)
                except MlflowException:
                    if (stored := self._holder(run, number)) is None:
                        raise  # it was not refused for being written
                    if stored != holder:
                        return False
            return bool(runs)

    def beat(self, number: int, beat: str) -> None:
        with self._guard("written"):
            for run in self._found or self._runs():
                self._client().set_tag(run.info.run_id, BEAT, f"{number} {beat}")

    def _holder(self, run: "Run", number: int) -> str | None:
        """Return who wrote an entry; None where nobody has."""
        holder: str | None = self._client().get_run(run.info.run_id).data.params.get(f"{HOLDER}{number}")
        return holder

    def _runs(self) -> list["Run"]:
        """Return the runs with this experiment's entries, in an order that is the same for all; [] before there are any."""
        if not self._home:
            known = self._client().get_experiment_by_name(EXPERIMENT)
            if known is None:
                return []
            if known.lifecycle_stage != "active":
                raise deleted(EXPERIMENT, known.experiment_id)
            self._home = known.experiment_id
        wanted = f"tags.`{OF}` = '{self._key}'"
        runs = self._client().search_runs([self._home], filter_string=wanted, max_results=MOST)
        self._found = sorted(runs, key=lambda run: run.info.run_id)
        return self._found

    def _create(self) -> None:
        from mlflow.exceptions import MlflowException

        client = self._client()
        try:
            home = client.create_experiment(EXPERIMENT)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            there = client.get_experiment_by_name(EXPERIMENT)
            if there is None:
                raise
            home = there.experiment_id
        run = client.create_run(home, run_name=self._experiment[:250], tags={OF: self._key})
        client.set_terminated(run.info.run_id)


def deleted(experiment: str, number: str) -> BenchError:
    """Return the error for an experiment that the user has deleted in MLflow."""
    return BenchError(
        f"experiment {experiment!r} was deleted in MLflow, which keeps its name and its runs",
        mend=f"to go on with it: mlflow experiments restore --experiment-id {number}; "
        f"to begin anew, remove it for good: mlflow gc --experiment-ids {number}",
    )


def _entry(run: "Run") -> Entry:
    numbers = (name.removeprefix(HOLDER) for name in run.data.params if name.startswith(HOLDER))
    number = max((int(text) for text in numbers if text.isdecimal()), default=0)
    owner, _, beat = run.data.tags.get(BEAT, "").partition(" ")
    beat = beat if owner == str(number) else ""  # else of the holder before
    return Entry(number, run.data.params.get(f"{HOLDER}{number}", ""), beat, beat == "released")
