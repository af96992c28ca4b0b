"""Ensembles: the votes of stored trials, from their predictions. Nothing is trained."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from bench.errors import BenchError
from bench.runner import artifacts, recording
from bench.runner.executors.base import Executor
from bench.runner.plan import Job, Plan
from bench.runner.stored import SPLITS, Stored
from bench.runner.voters import chosen, tied
from bench.runner.writer import Writer
from bench.trackers.contents import Damaged, Predictions
from bench.trackers.record import Artifact, Outcome, TrialEnd


@dataclass(frozen=True)
class Votes:
    """What the members say of one split. probabilities: float16 [members, N, C]; targets and indices int [N]."""

    probabilities: np.ndarray
    targets: np.ndarray
    indices: np.ndarray


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
    """Takes the votes of a plan. stored: reads the predictions."""

    def __init__(self, plan: Plan, writer: Writer, executor: Executor, stored: Stored):
        self.plan, self.writer, self.executor, self.stored = plan, writer, executor, stored

    def run(self) -> Iterator[tuple[Job, dict[str, float]]]:
        """Take every vote that is due, and record it; yield each with its metrics.

        Raises BenchError, with file and line, where a member has no predictions, or saw other images than the others.
        """
        for job in self.plan.todo():
            if job.members:
                yield job, self._vote(job)

    def _vote(self, job: Job) -> dict[str, float]:
        from bench.training.metrics import class_groups, confusion_matrix, metric_names, of_confusion  # its package loads torch

        spec = job.trial.cell.voting.config
        members = chosen(spec, job.members)
        metrics: dict[str, float] = {"members": len(members)}
        predictions: dict[str, dict[str, np.ndarray]] = {}
        both = {split: self._votes(job, members, split) for split in SPLITS}
        classes, train = self._classes(job, members[0]), job.trial.cell.train.config
        names, groups = metric_names(classes), class_groups(train.class_groups, classes)
        for split, votes in both.items():
            score = scores(votes.probabilities, spec.vote)
            predicted = score.argmax(1)
            metrics[f"{split}/accuracy"] = float((predicted == votes.targets).mean())
            if spec.vote == "soft":
                target_scores = np.take_along_axis(score, votes.targets[:, None].astype(np.int64), 1)
                metrics[f"{split}/loss"] = float(-np.log(np.maximum(target_scores, np.finfo(np.float16).tiny)).mean())
            confusion = confusion_matrix(predicted, votes.targets, score.shape[1])
            metrics |= of_confusion(split, confusion, names, train.class_metrics, groups)
            shares = score / score.sum(1, keepdims=True)
            predictions[split] = {
                "probabilities": shares.astype(np.float16),
                "targets": votes.targets,
                "indices": votes.indices,
            }
        turnout = f"{len(members)} of {len(job.members)}"
        start = recording.trial_start(self.plan, job, self.executor, 1, members=turnout)
        name = f"{job.trial.cell.name} [{job.trial.cell.stage}]"
        attempt = self.writer.begin(name, start, recording.ensemble_params(job))
        stored: dict[str, bytes] = {
            Artifact.MEMBERS: recording.members_yaml(job, members, tied(spec, job.members, members)),
            Artifact.PREDICTIONS: artifacts.predictions_npz(predictions),
        }
        self.writer.finish(attempt, TrialEnd(Outcome.FINISHED), metrics, [], stored)
        return metrics

    def _votes(self, job: Job, members: Sequence[Job], split: str) -> Votes:
        ballots = [self._predictions(job, member)[split] for member in members]
        first = ballots[0]
        for member, ballot in zip(members, ballots, strict=True):
            same = np.array_equal(ballot.indices, first.indices) and np.array_equal(ballot.targets, first.targets)
            if not same or ballot.probabilities.shape != first.probabilities.shape:
                raise BenchError(
                    f"{member.name} saw other {split} images or labels than {members[0].name}, so their votes cannot be counted "
                    "together",
                    where=_place(job),
                    mend="let all stages of an ensemble share `data.split`, `subset`, `classes` and `label_noise`",
                )
        return Votes(np.stack([ballot.probabilities for ballot in ballots]), first.targets, first.indices)

    def _predictions(self, job: Job, member: Job) -> dict[str, Predictions]:
        with _can_vote(job, member):
            return self.stored.votes(member.result)

    def _classes(self, job: Job, member: Job) -> tuple[str, ...]:
        """Return the names of the classes."""
        with _can_vote(job, member):
            return self.stored.classes(member.result)


@contextmanager
def _can_vote(job: Job, member: Job) -> Iterator[None]:
    """Say whose predictions are damaged; whoever plans by what is stored has the member trained again before it votes."""
    try:
        yield
    except Damaged as error:
        message = f"{member.name} cannot vote: what run {member.result.run_id} has stored {error}"
        raise BenchError(message, where=_place(job), mend="delete that run, so that it is made again") from error


def _place(job: Job) -> str:
    """Return the line of the suite that says which stages vote."""
    return job.trial.cell.voting.place(("stages",))
