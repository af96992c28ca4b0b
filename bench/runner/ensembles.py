"""Ensembles: the votes of stored trials, from their predictions. Nothing is trained."""

import io
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bench.errors import BenchError
from bench.runner import artifacts, recording
from bench.runner.executors.base import Executor
from bench.runner.plan import Job, Plan
from bench.runner.planner import SAME
from bench.runner.writer import Writer
from bench.suite.stages import Ensemble
from bench.trackers import Tracker
from bench.trackers.record import Artifact, Outcome, TrialEnd

SPLITS = ("val", "test")


@dataclass(frozen=True)
class Votes:
    """What the members say of one split. probabilities: float16 [members, N, C]; targets and indices int [N]."""

    probabilities: np.ndarray
    targets: np.ndarray
    indices: np.ndarray


def chosen(spec: Ensemble, members: Sequence[Job]) -> list[Job]:
    """Return the share of the members that is best on validation, at least one, the best first; of equal ones, those declared
    first. members: in the order in which the suite declares them."""
    lower = spec.rank.endswith("loss")
    ranked = sorted(members, key=lambda job: job.result.metrics[spec.rank] * (1 if lower else -1))
    return ranked[: max(1, round(spec.share * len(ranked)))]


def tied(spec: Ensemble, members: Sequence[Job], voters: Sequence[Job]) -> list[Job]:
    """Return the members that are as good as the last of the voters, and have no vote since they are declared after it."""
    voting = {job.trial.fingerprint for job in voters}
    worst = voters[-1].result.metrics[spec.rank]
    others = (job for job in members if job.trial.fingerprint not in voting)
    return [job for job in others if math.isclose(job.result.metrics[spec.rank], worst, rel_tol=SAME)]


def scores(probabilities: np.ndarray, vote: str) -> np.ndarray:
    """Return float64 [N, C], largest where the vote goes, for probabilities [members, N, C].

    soft: the mean probability. hard: the share of the members that chose the class, plus what decides a tie: half the mean
    probability, so that it never outweighs one vote.
    """
    mean: np.ndarray = probabilities.mean(0, dtype=np.float64)
    if vote == "soft":
        return mean
    ballots = np.zeros_like(mean)
    for member in probabilities:
        ballots[np.arange(len(ballots)), member.argmax(1)] += 1
    shares: np.ndarray = (ballots + mean / 2) / len(probabilities)
    return shares


class Ensembles:
    """Takes the votes of a plan. Predictions are read once."""

    def __init__(self, plan: Plan, tracker: Tracker, writer: Writer, executor: Executor):
        self.plan, self.tracker, self.writer, self.executor = plan, tracker, writer, executor
        self.read: dict[str, dict[str, np.ndarray]] = {}

    def run(self) -> Iterator[tuple[Job, dict[str, float]]]:
        """Take every vote that is due, and record it; yield each with its metrics.

        Raises BenchError, with file and line, where a member has no predictions, or saw other images than the others.
        """
        for job in self.plan.todo():
            if job.members:
                yield job, self._vote(job)

    def _vote(self, job: Job) -> dict[str, float]:
        from bench.training.metrics import confusion_matrix, metric_names, of_confusion  # its package loads torch

        spec = job.trial.cell.voting.config
        members = chosen(spec, job.members)
        metrics: dict[str, float] = {"members": len(members)}
        predictions: dict[str, dict[str, np.ndarray]] = {}
        both = {split: self._votes(job, members, split) for split in SPLITS}
        names = metric_names(self._classes(job, members[0]))
        for split, votes in both.items():
            score = scores(votes.probabilities, spec.vote)
            predicted = score.argmax(1)
            metrics[f"{split}/accuracy"] = float((predicted == votes.targets).mean())
            if spec.vote == "soft":
                own = np.take_along_axis(score, votes.targets[:, None].astype(np.int64), 1)
                metrics[f"{split}/loss"] = float(-np.log(np.maximum(own, np.finfo(np.float16).tiny)).mean())
            confusion = confusion_matrix(predicted, votes.targets, score.shape[1])
            metrics |= of_confusion(split, confusion, names, job.trial.cell.train.config.class_metrics)
            shares = score / score.sum(1, keepdims=True)
            predictions[split] = {
                "probabilities": shares.astype(np.float16),
                "targets": votes.targets,
                "indices": votes.indices,
            }
        told = f"{len(members)} of {len(job.members)}"
        start = recording.trial_start(self.plan, job, self.executor, 1, members=told)
        name = f"{job.trial.cell.name} [{job.trial.cell.stage}]"
        attempt = self.writer.begin(name, start, recording.ensemble_params(job))
        stored: dict[str, bytes] = {
            Artifact.MEMBERS: recording.members_yaml(job, members, tied(spec, job.members, members)),
            Artifact.PREDICTIONS: artifacts.predictions_npz(predictions),
        }
        self.writer.finish(attempt, TrialEnd(Outcome.FINISHED), metrics, [], stored)
        return metrics

    def _votes(self, job: Job, members: Sequence[Job], split: str) -> Votes:
        found = [self._predictions(job, member) for member in members]
        first = found[0]
        for member, one in zip(members, found, strict=True):
            same = (np.array_equal(one[f"{split}/{part}"], first[f"{split}/{part}"]) for part in ("indices", "targets"))
            if not all(same) or one[f"{split}/probabilities"].shape != first[f"{split}/probabilities"].shape:
                raise BenchError(
                    f"{member.name} saw other {split} images or labels than {members[0].name}, so their votes cannot be counted "
                    "together",
                    where=_place(job),
                    mend="let all stages of an ensemble share `data.split`, `subset`, `classes` and `label_noise`",
                )
        probabilities = np.stack([one[f"{split}/probabilities"] for one in found])
        return Votes(probabilities, first[f"{split}/targets"], first[f"{split}/indices"])

    def _predictions(self, job: Job, member: Job) -> dict[str, np.ndarray]:
        run_id = member.result.run_id
        if run_id not in self.read:
            with np.load(io.BytesIO(self._artifact(job, member, Artifact.PREDICTIONS))) as stored:
                self.read[run_id] = {name: stored[name] for name in stored.files}
        return self.read[run_id]

    def _classes(self, job: Job, member: Job) -> tuple[str, ...]:
        """Return the names of the classes."""
        return tuple(json.loads(self._artifact(job, member, Artifact.CONFUSION))["classes"])

    def _artifact(self, job: Job, member: Job, name: str) -> bytes:
        content = self.tracker.artifact(member.result.run_id, name)
        if content is None:
            raise BenchError(
                f"{member.name} has no stored predictions, so it cannot vote ({name} of run {member.result.run_id} is gone)",
                where=_place(job),
                mend="delete that run, so that it is made again, or leave its stage out",
            )
        return content


def _place(job: Job) -> str:
    """Return the line of the suite that says which stages vote."""
    return job.trial.cell.voting.place(("stages",))
