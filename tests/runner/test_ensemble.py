"""Votes, against hand-made ones."""

import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.grammar.stages import Ensemble
from bench.runner.ensembles import Ensembles, scores
from bench.runner.planner import make_plan
from bench.runner.spool import Spool
from bench.runner.stored import Stored
from bench.runner.voters import chosen
from bench.runner.writer import Writer
from bench.trackers import StoredRun


def test_soft_and_hard_votes_differ():
    """Two members lean to class 0, one is sure of class 1."""
    probabilities = np.array([[[0.6, 0.4]], [[0.55, 0.45]], [[0.05, 0.95]]])
    assert scores(probabilities, "hard").argmax(1) == [0] and scores(probabilities, "soft").argmax(1) == [1]
    assert scores(probabilities, "soft") == pytest.approx(np.array([[0.4, 0.6]]))


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 6), st.integers(1, 5), st.integers(2, 4), st.integers(0, 2**32 - 1))
def test_hard_votes_against_counting(members, images, classes, seed):
    raw = np.random.default_rng(seed).random((members, images, classes))
    probabilities = raw / raw.sum(2, keepdims=True)
    voted = scores(probabilities, "hard").argmax(1)
    for image in range(images):
        ballots = [int(probabilities[member, image].argmax()) for member in range(members)]
        most = max(ballots.count(label) for label in range(classes))
        tied = [label for label in range(classes) if ballots.count(label) == most]
        assert voted[image] == max(tied, key=lambda label: probabilities[:, image, label].mean())


class _Store:
    """A tracker that holds made-up predictions and remembers what was finished."""

    uri = "sqlite:///nowhere"

    def __init__(self, suite, accuracies, odd=None, without=None, mislabelled=None):
        self.suite, self.finished = suite, {}
        random = np.random.default_rng(0)
        self.targets = random.integers(0, 10, 40)
        self.runs, self.artifacts = [], {}
        for number, (job, accuracy) in enumerate(zip(make_plan(suite, []).todo(), accuracies, strict=True)):
            tags = {"fingerprint": job.trial.fingerprint, "outcome": "finished"}
            self.runs.append(StoredRun(f"r{number}", "FINISHED", tags, {"val/accuracy": accuracy}))
            right = random.random(40) < accuracy
            said = np.where(right, self.targets, (self.targets + 1 + number) % 10)
            indices = np.arange(40) + (1 if number == odd else 0)
            arrays = {}
            for split in ("val", "test"):
                arrays |= {
                    f"{split}/probabilities": (0.1 + 0.8 * np.eye(10)[said]).astype(np.float16) / np.float16(1.8),
                    f"{split}/targets": ((self.targets + (number == mislabelled)) % 10).astype(np.int32),
                    f"{split}/indices": indices,
                }
            buffer = io.BytesIO()
            np.savez_compressed(buffer, **arrays)
            if number != without:
                self.artifacts[f"r{number}", "predictions.npz"] = buffer.getvalue()
                self.artifacts[f"r{number}", "confusion.json"] = json.dumps({"classes": [f"c{i}" for i in range(10)]}).encode()

    def artifact(self, run_id, name):
        return self.artifacts.get((run_id, name))

    def unreachable(self, run_id):
        return ""

    def start(self, name, tags, params, began=None):
        self.tags, self.params = tags, params
        return name

    def finish(self, run_id, **what):
        self.finished[run_id] = what

    def run(self, pool):
        with Writer(self, Spool(self.uri, self.suite.experiment)) as writer:
            votes = list(Ensembles(make_plan(self.suite, self.runs), writer, pool, Stored(self)).run())
            assert writer.drained(60)
        return votes


class _Executor:
    threads = 1

    def hello(self):
        from bench.runner.messages import Hello

        return Hello("CPU", 0, {"torch": "2"})


BODY = """\
stages:
  s: {axes: {lr: {path: train.optimizer.lr, values: [0.1, 0.2]}}}
  v: {ensemble: {stages: s, share: SHARE, vote: VOTE}}
"""


@pytest.mark.parametrize("vote", ["soft", "hard"])
def test_a_vote_is_recorded(make, vote):
    store = _Store(make(BODY.replace("SHARE", "0.5").replace("VOTE", vote)), [0.9, 0.2, 0.8, 0.3])
    ((job, metrics),) = store.run(_Executor())
    assert [run.run.run_id for run in chosen(job.trial.cell.ensemble.config, job.members)] == ["r0", "r2"]
    assert store.tags["members"] == "2 of 4" and metrics["members"] == 2 and store.tags["stage"] == "v"
    finished = store.finished[" [v]"]
    with np.load(io.BytesIO(finished["artifacts"]["predictions.npz"])) as stored:
        said = stored["test/probabilities"].argmax(1)
        assert (
            metrics["test/accuracy"] == (said == store.targets).mean()
            and stored["test/targets"].tolist() == store.targets.tolist()
        )
    assert ("test/loss" in metrics) == (vote == "soft") and metrics["val/accuracy"] == metrics["test/accuracy"]
    shares = [metrics[f"test/class_accuracy/c{i}"] for i in range(10)]
    assert np.average(shares, weights=np.bincount(store.targets, minlength=10)) == pytest.approx(metrics["test/accuracy"])
    assert b"run: r0" in finished["artifacts"]["members.yaml"] and finished["status"] == "FINISHED"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"without": 1}, "cannot vote: what run r1 has stored is gone (predictions.npz)"),
        ({"without": 0}, "cannot vote: what run r0 has stored is gone (predictions.npz)"),
        ({"odd": 2}, "saw other val images or labels than"),
        ({"mislabelled": 2}, "saw other val images or labels than"),
    ],
)
def test_members_that_cannot_vote(make, options, message):
    store = _Store(make(BODY.replace("SHARE", "1").replace("VOTE", "soft")), [0.9, 0.2, 0.8, 0.3], **options)
    with pytest.raises(BenchError) as caught:
        store.run(_Executor())
    assert message in str(caught.value) and "tiny.yaml:8: " in str(caught.value)
    assert not store.finished


def test_at_least_one_votes(make):
    spec = Ensemble(stages=["s"], share=0.01, rank="val/loss")
    store = _Store(make(BODY.replace("SHARE", "0.01").replace("VOTE", "soft")), [0.9, 0.2, 0.8, 0.3])
    job = make_plan(store.suite, store.runs).todo()[0]
    assert len(chosen(job.trial.cell.ensemble.config, job.members)) == 1
    for one, loss in zip(job.members, (0.5, 0.1, 0.3, 0.4), strict=True):
        one.run.metrics["val/loss"] = loss
    assert chosen(spec, job.members)[0].run.run_id == "r1", "a loss is best where it is lowest"
