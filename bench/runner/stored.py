"""What trials take over from runs that are done: weights to start from, predictions that vote. Looked at before anything rests on
it, so that a trial whose artifacts are lost or damaged is trained again, rather than to be an error when it is needed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.errors import BenchError
from bench.runner.plan import Plan, State
from bench.runner.voters import chosen
from bench.trackers import StoredRun, Tracker, contents, record
from bench.trackers.contents import Damaged, Predictions
from bench.trackers.record import Artifact

SPLITS = ("val", "test")


@dataclass
class Stored:
    """The artifacts of done runs that others rest on, each read once.

    folder: where weights are put as files of their own. Without one, artifacts are not read, but for their size: enough to plan.
    lost: the runs, by id, that have turned out not to hold what is needed of them; a plan takes them for not done.
    """

    tracker: Tracker
    folder: Path | None = None
    lost: set[str] = field(default_factory=set)
    _files: dict[str, Path] = field(default_factory=dict)
    _votes: dict[str, dict[str, Predictions]] = field(default_factory=dict)
    _classes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _seen: set[tuple[str, Artifact]] = field(default_factory=set)

    def misses(self, plan: Plan) -> bool:
        """Look at all that a plan rests on. Whether something more is lost, so that the plan is to be made anew."""
        newly_lost = {run.run_id for run, name in _needed(plan) if not self._has(run, name)} - self.lost
        self.lost |= newly_lost
        return bool(newly_lost)

    def weights(self, run: StoredRun) -> Path:
        """Return a file with the weights that a run has kept. Raises Damaged where they are lost."""
        assert self.folder, "whoever trains has a folder"
        if run.run_id not in self._files:
            content = self._artifact(run, Artifact.WEIGHTS)
            contents.check_weights(content, record.kept_weights(run))
            path = self.folder / f"{run.run_id}.safetensors"
            path.write_bytes(content)
            self._files[run.run_id] = path
        return self._files[run.run_id]

    def votes(self, run: StoredRun) -> dict[str, Predictions]:
        """Return a run's predictions by split. Raises Damaged where they are lost."""
        if run.run_id not in self._votes:
            content = self._artifact(run, Artifact.PREDICTIONS)
            self._votes[run.run_id] = {split: contents.predictions(content, split) for split in SPLITS}
        return self._votes[run.run_id]

    def classes(self, run: StoredRun) -> tuple[str, ...]:
        """Return the names of a run's classes. Raises Damaged where they are lost."""
        if run.run_id not in self._classes:
            self._classes[run.run_id] = contents.confusion(self._artifact(run, Artifact.CONFUSION))["classes"]
        return self._classes[run.run_id]

    def _has(self, run: StoredRun, name: Artifact) -> bool:
        if (run.run_id, name) in self._seen:
            return True
        if self.folder is None:
            size = self.tracker.artifact_size(run.run_id, name)
            kept = record.kept_weights(run) if name is Artifact.WEIGHTS else None
            whole = size is not None and (kept is None or size == kept.size)
            whole = whole or (
                size is None and bool(self.tracker.unreachable(run.run_id))
            )  # not lost: who trains says where it is
        else:
            read = {Artifact.WEIGHTS: self.weights, Artifact.PREDICTIONS: self.votes, Artifact.CONFUSION: self.classes}[name]
            try:
                read(run)
                whole = True
            except Damaged:
                whole = False
        if whole:
            self._seen.add((run.run_id, name))
        return whole

    def _artifact(self, run: StoredRun, name: Artifact) -> bytes:
        content = self.tracker.artifact(run.run_id, name)
        if content is None and (why := self.tracker.unreachable(run.run_id)):
            mend = "put that folder back (it may be on a disk that is not mounted); where it is lost, an empty one in its place"
            raise BenchError(f"{name} of run {run.run_id} {why}", where=self.tracker.uri, mend=f"{mend} has its trials run again")
        if content is None:
            raise Damaged(f"is gone ({name})")
        return content


def _needed(plan: Plan) -> Iterator[tuple[StoredRun, Artifact]]:
    """Yield the runs on which what is to do rests, and the artifacts that it needs of them."""
    for job in plan.ahead():
        yield from ((origin.run, Artifact.WEIGHTS) for origin in job.origins if origin.run and origin.state is State.DONE)
        if job.members:
            voters = chosen(job.trial.cell.voting.config, job.members)
            yield voters[0].result, Artifact.CONFUSION
            yield from ((voter.result, Artifact.PREDICTIONS) for voter in voters)
