"""Ensembles: the votes of stored trials, from their predictions. Nothing is trained."""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bench.errors import BenchError
from bench.runner import record
from bench.runner.plan import Job, Plan
from bench.runner.pool import Pool
from bench.suite.stages import Ensemble
from bench.trackers import Tracker

SPLITS = ("val", "test")


@dataclass(frozen=True)
class Votes:
    """What the members say of one split. probabilities: float16 [members, N, C]; targets and indices int [N]."""

    probabilities: np.ndarray
    targets: np.ndarray
    indices: np.ndarray


def chosen(spec: Ensemble, members: Sequence[Job]) -> list[Job]:
    """Return the share of the members that is best on validation, at least one; ties by fingerprint."""
    lower = spec.rank.endswith("loss")
    ranked = sorted(members, key=lambda job: (job.run.metrics[spec.rank] * (1 if lower else -1), job.trial.fingerprint))
    return ranked[: max(1, round(spec.share * len(ranked)))]


def scores(probabilities: np.ndarray, vote: str) -> np.ndarray:
    """Return float64 [N, C], largest where the vote goes, for probabilities [members, N, C].

    soft: the mean probability. hard: the share of the members that chose the class, plus what decides a tie: half the mean
    probability, so that it never outweighs one vote.
    """
    mean = probabilities.mean(0, dtype=np.float64)
    if vote == "soft":
        return mean
    ballots = np.zeros_like(mean)
    for member in probabilities:
        ballots[np.arange(len(ballots)), member.argmax(1)] += 1
    return (ballots + mean / 2) / len(probabilities)


class Ensembles:
    """Takes the votes of a plan. Predictions are read once."""

    def __init__(self, plan: Plan, tracker: Tracker, pool: Pool):
        self.plan, self.tracker, self.pool = plan, tracker, pool
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

        spec = job.trial.cell.ensemble.config
        members = chosen(spec, job.members)
        metrics: dict[str, float] = {"members": len(members)}
        arrays: dict[str, np.ndarray] = {}
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
            arrays |= {
                f"{split}/probabilities": shares.astype(np.float16),
                f"{split}/targets": votes.targets,
                f"{split}/indices": votes.indices,
            }
        tags = record.tags(self.plan, job, self.pool, 1) | {"members": f"{len(members)} of {len(job.members)}"}
        run_id = self.tracker.start(f"{job.trial.cell.name} [{job.trial.cell.stage}]", tags, record.ensemble_params(job))
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        self.tracker.finish(
            run_id,
            status="FINISHED",
            tags={"outcome": "finished"},
            metrics=metrics,
            history=[],
            artifacts={"members.yaml": record.members_yaml(job, members), "predictions.npz": buffer.getvalue()},
        )
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
                    where=job.trial.cell.ensemble.place(("stages",)),
                    mend="let all stages of an ensemble share `data.split`, `subset`, `classes` and `label_noise`",
                )
        probabilities = np.stack([one[f"{split}/probabilities"] for one in found])
        return Votes(probabilities, first[f"{split}/targets"], first[f"{split}/indices"])

    def _predictions(self, job: Job, member: Job) -> dict[str, np.ndarray]:
        run_id = member.run.run_id
        if run_id not in self.read:
            with np.load(io.BytesIO(self._artifact(job, member, "predictions.npz"))) as stored:
                self.read[run_id] = {name: stored[name] for name in stored.files}
        return self.read[run_id]

    def _classes(self, job: Job, member: Job) -> tuple[str, ...]:
        """Return the names of the classes."""
        return tuple(json.loads(self._artifact(job, member, "confusion.json"))["classes"])

    def _artifact(self, job: Job, member: Job, name: str) -> bytes:
        content = self.tracker.artifact(member.run.run_id, name)
        if content is None:
            raise BenchError(
                f"{member.name} has no stored predictions, so it cannot vote ({name} of run {member.run.run_id} is gone)",
                where=job.trial.cell.ensemble.place(("stages",)),
                mend="delete that run, so that it is made again, or leave its stage out",
            )
        return content
