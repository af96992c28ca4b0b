"""What the rest of the product asks of a tracker, and the runs that it gives back. No MLflow here."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol

from bench.trackers.lease import Hold

Status = Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]


@dataclass(frozen=True)
class StoredRun:
    """One recorded run. `metrics` holds the last value of each metric; times are Unix seconds, `end` None of a run that runs."""

    run_id: str
    status: Status
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    start: float = 0.0
    end: float | None = None


@dataclass(frozen=True)
class RunDetails:
    """What a report does not need of a run, and a copy does: its name, and its params as text."""

    name: str = ""
    params: dict[str, str] = field(default_factory=dict)


class Tracker(Protocol):
    """A store of experiments and their runs. One coordinator writes to it; anyone may read at the same time.

    Every method raises BenchError, and nothing else, when the store cannot be reached, read or written. What the store cannot
    hold is no error: a value that is too long is cut at its end, and what it does not take in a name is changed.
    """

    uri: str

    @property
    def needs_ui(self) -> str:
        """The command that shows the runs in a browser, for a store that has no pages of its own; "" for one that has."""

    def ui_command(self, host: str, port: int) -> list[str] | None:
        """Return the arguments of Python's `-m` that serve the runs on pages; None where `needs_ui` is ""."""

    def runs(self, experiment: str) -> list[StoredRun]:
        """Return all runs of an experiment, oldest first; [] where there is no such experiment. Creates nothing."""

    def histories(self, run_ids: Sequence[str], metrics: Sequence[str]) -> dict[str, dict[str, list[tuple[int, float]]]]:
        """Return the epochs of many runs at once: run id → metric → [(epoch, value), …] by epoch.

        What was measured once, at the end of a run, is no epoch, even where it bears an epoch metric's name. A metric without
        any epoch, and a run without any such metric or unknown to the store, is left out.
        """

    def details(self, run_ids: Sequence[str]) -> dict[str, RunDetails]:
        """Return the name and the params of many runs at once, by run id; a run that is unknown to the store is left out."""

    def experiment_url(self, experiment: str) -> str | None:
        """Return the address of the experiment's page (where `needs_ui` names a command: once that runs, at its own port), or
        None where there is no such experiment."""

    def run_url(self, experiment: str) -> Callable[[str], str] | None:
        """Return what turns the id of a run of this experiment into the address of its page (on the same server as
        `experiment_url`; the experiment is looked up once, a run never), or None where there is no such experiment."""

    def hold(self, experiment: str, *, wait: bool = False, take_over: bool = False) -> AbstractContextManager[Hold]:
        """Be the only coordinator of an experiment as long as the block lasts: runs that say RUNNING are leftovers then. The
        block gets the hold, whose number is known when the experiment is open, and which says when another has taken it over.

        wait: until whoever holds it ends, rather than being refused. take_over: go on in the place of whoever holds it. Raises
        BenchError where another coordinator holds it.
        """

    def upgrade(self) -> str:
        """Bring a store that an older version wrote to the form that this one writes, after a copy where it is a file. Return
        what was done, "" for nothing."""

    def open(self, experiment: str, tags: dict[str, str]) -> None:
        """Make the store and the experiment ready for writing, or fail within seconds. `start` begins runs of the experiment that
        was opened last. An experiment that was deleted is not brought back, but a BenchError.

        tags: of the experiment; they replace those of the same names that it has. The tag `about` describes it.
        """

    def note(self, name: str, text: str) -> None:
        """Keep a text of any length with the experiment that was opened last, under a name of its own: no other writer uses it,
        and it is written once."""

    def notes(self, experiment: str) -> dict[str, str]:
        """Return what was noted of an experiment, by name; {} where there is no such experiment. Creates nothing."""

    def start(self, name: str, tags: dict[str, str], params: dict[str, str], began: float | None = None) -> str:
        """Begin a run (status RUNNING) and return its id. `params` are stored with the first batch of metrics.

        began: Unix seconds; None for now.
        """

    def log(self, run_id: str, history: list[dict[str, float]]) -> None:
        """Store epochs of a run that this tracker began, in one batch. An epoch that is stored already stays as it is.

        history: one dict an epoch: "epoch" (from 1, the step), "seconds" (since the start) and metrics by name. A value
        that is not finite is left out.
        """

    def finish(
        self,
        run_id: str,
        *,
        status: Status,
        tags: dict[str, str],
        metrics: dict[str, float],
        history: list[dict[str, float]],
        artifacts: dict[str, bytes],
        ended: float | None = None,
    ) -> None:
        """Store the epochs not yet logged, the final metrics, tags and artifacts (by file name); then end the run.

        status: how it ended, not RUNNING. It comes last, so that a run that says FINISHED is complete. metrics: of the whole run;
        each is the last value of its name. One that is not finite is left out. tags: added to those of `start`. ended: Unix
        seconds; None for now.
        """

    def artifact(self, run_id: str, name: str) -> bytes | None:
        """Return the content of an artifact, or None where there is no such run, or it has none of this name."""

    def artifact_size(self, run_id: str, name: str) -> int | None:
        """Return the size of an artifact in bytes, without reading it, or None as `artifact` does."""

    def unreachable(self, run_id: str) -> str:
        """Return why no artifact of a run can be read from here, though it may have stored some (the folder of its experiment's
        artifacts is not there), as the end of a sentence that begins with the artifact; "" where they can be, or where there is
        no such run."""

    def close_stale(self, runs: list[StoredRun], tags: dict[str, str]) -> None:
        """Mark as KILLED those of `runs` that are RUNNING there, and add `tags` to them."""

    def tag(self, runs: list[StoredRun], tags: dict[str, str]) -> None:
        """Add tags to runs, which stay as they are otherwise."""

    def artifacts_size(self, run_id: str) -> int | None:
        """Return the bytes that a run's artifacts take, without reading them; None where that is not known."""

    def delete(self, runs: list[StoredRun]) -> None:
        """Delete runs: `runs` does not give them any more. What the store keeps of them until somebody empties its bin is its
        own business, see `bin_command`."""

    @property
    def bin_command(self) -> str:
        """The command that removes deleted runs for good, and frees their disk space; "" where `delete` does that."""
