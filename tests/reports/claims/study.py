"""A suite with claims, and runs made up for its trials: from the file to the verdict, without training."""

import io

import numpy as np

from bench.reports.claims.judge import judge
from bench.reports.records.arms import Records
from bench.reports.records.collect import Expected, collect
from bench.runner.planner import make_plan
from bench.suite.load import load_suite
from bench.trackers import StoredRun

SUITE = """\
suite: tiny
title: A tiny suite
data: {{source: digits}}
base: {{model: {{name: simple_cnn}}, train: {{epochs: 1, class_metrics: [accuracy, size]}}}}
seeds: {seeds}
{head}
stages:
  s:
    axes:
      model: {models}
      noise: {{path: data.noise.variance, values: [{noise}]}}
{stages}
claims:
{claims}
"""
SMALL = "metric: val/accuracy, stage: s, of: {model: small, noise: 0}, "
THAN = SMALL + "%s: {model: large}"
ALONG = "metric: val/accuracy, stage: s, of: {model: small}, %s: noise"
WITHIN = "metric: val/accuracy, stage: s, %s: wall_clock, across: noise, within: model"
"""Claims without their relation."""
FOUR = "0, 0.01, 0.02, 0.04"
THREE = "{a: {}, b: {train: {batch_size: 8}}, c: {train: {batch_size: 16}}}"
MODELS = "{small: {}, large: {train: {batch_size: 8}}}"
WIGGLE = (0.004, -0.003, 0.002, -0.005, 0.001, 0.003, -0.004, 0.0, 0.002, -0.001, 0.005, -0.002)
OTHER = (-0.002, 0.001, 0.004, 0.000, -0.003, 0.001, -0.001, 0.003, -0.004, 0.002, 0.0, -0.001)
"""By seed. Over five of them, the differences have a mean of -0.0002 and a standard deviation of 0.0050: the 95 % interval is
0.0062 to either side."""


class Study:
    """value: (labels, seed) → metrics. outcome: (labels, seed) → how the trial ended. head, stages: more of the suite's text.
    curve: (labels, seed) → its validation accuracy by epoch, [(epoch, value), …]."""

    def __init__(
        self,
        folder,
        claims,
        value,
        seeds=5,
        outcome=lambda labels, seed: "finished",
        tags=None,
        noise="0, 0.01, 0.04",
        models=MODELS,
        head="",
        stages="",
        curve=lambda labels, seed: [],
    ):
        lines = "\n".join(f"  {name}: {{says: it is so, {text}}}" for name, text in claims.items())
        path = folder / "tiny.yaml"
        path.write_text(SUITE.format(seeds=seeds, models=models, noise=noise, head=head, stages=stages, claims=lines))
        self.suite, self.value, self.outcome, self.tags = load_suite(path), value, outcome, tags or {}
        self.curve = curve
        self.claims = {name: (self.suite.spec.claims[name], found) for name, found in self.suite.claims.items()}
        self.schedules = {stage: self.suite.schedule(stage) for stage in self.suite.spec.stages}

    def records(self, looks=None, without=frozenset()):
        """Return all planned trials, with runs for all but those of the seeds `without`."""
        plan = make_plan(self.suite, [], looks=looks)
        runs = [self._run(trial) for trial in plan.trials if trial.seed not in without]
        derived = self.suite.spec.metrics
        varying = self.suite.varying
        expected = [Expected(t.cell.stage, t.cell.labels, t.seed, t.fingerprint, vary=varying(t.cell)) for t in plan.trials]
        curves = {t.fingerprint[:8]: {"val/accuracy": self.curve(t.cell.labels, t.seed)} for t in plan.trials}
        return collect(expected, runs, derived, lambda run_ids, metrics: {run_id: curves[run_id] for run_id in run_ids})

    def _run(self, trial):
        outcome = self.outcome(trial.cell.labels, trial.seed)
        tags = {"fingerprint": trial.fingerprint, "outcome": outcome, "device": "CPU", "workers": "2", "threads": "1"} | self.tags
        metrics = self.value(trial.cell.labels, trial.seed) if outcome == "finished" else {}
        return StoredRun(trial.fingerprint[:8], "FINISHED" if outcome == "finished" else "FAILED", tags, metrics)

    def judge(self, looks=None, predictions=None, **options):
        return judge(self.claims, self.schedules, Records(self.records(looks, **options)), predictions)

    def one(self, **options):
        """Return the only claim's result."""
        (claim,) = self.judge(**options).claims
        return claim


def accuracy(small=0.9, large=0.9, slope=0.0):
    """Return accuracies that wiggle from seed to seed, not alike for the two models."""

    def value(labels, seed):
        base, wiggle = (small, WIGGLE) if labels["model"] == "small" else (large, OTHER)
        return {"val/accuracy": base + wiggle[seed % 12] + slope * float(labels["noise"]), "wall_clock": 10 * base + seed % 3}

    return value


def along(axis, means):
    """Return accuracies by the level of an axis. They wiggle from seed to seed, not alike for two levels. means: label → mean."""
    levels = list(means)

    def value(labels, seed):
        wiggle = WIGGLE[(seed + 3 * levels.index(labels[axis])) % 12]
        return {"val/accuracy": means[labels[axis]] + wiggle}

    return value


def by_seed(axis, values, metric="val/accuracy"):
    """Return a metric as it is listed. values: label of an axis → values by seed."""

    def value(labels, seed):
        return {metric: values[labels[axis]][seed]}

    return value


def with_time(sign, wiggle=0.0):
    """Return accuracies and times over four levels of noise, on a line or (sign 0) not; the large model is quicker."""

    def value(labels, seed):
        noise = float(labels["noise"])
        shift = 3.0 if labels["model"] == "large" else 0.0
        return {"val/accuracy": 0.8 + sign * noise + wiggle * WIGGLE[int(100 * noise)], "wall_clock": 10 + 100 * noise - shift}

    return value


def verdict_of(claim):
    return claim.verdict, claim.holds


def predictions_of(study, classes):
    """Return what gives a run's stored predictions on validation images, all of which are of class 0.

    classes: (labels, seed) → the class, 0 or 1, that is predicted for each image.
    """
    by_run = {record.run.run_id: record for record in study.records() if record.run}

    def predictions(run_id):
        record = by_run[run_id]
        said = np.eye(2)[classes(record.labels, record.seed)]
        buffer = io.BytesIO()
        targets, indices = np.zeros(len(said), dtype=int), np.arange(len(said))
        np.savez(buffer, **{"val/probabilities": said, "val/targets": targets, "val/indices": indices})
        return buffer.getvalue()

    return predictions
