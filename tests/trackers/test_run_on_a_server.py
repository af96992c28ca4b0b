"""A suite from run to report, recorded on an MLflow server with PostgreSQL behind it."""

import os
import subprocess
import sys

from bench.trackers import open_tracker

SUITE = """\
suite: on_a_server
title: Recorded elsewhere
data: {source: digits, subset: {train: 64, val: 32, test: 32}}
base: {model: {name: simple_cnn}, train: {epochs: 2, batch_size: 32, optimizer: {name: sgd, lr: 0.05}}}
seeds: 2
stages: {s: {axes: {a: {x: {}}, b: {y: {}, z: {train: {epochs: 1}}}}}}
tables: {t: {stage: s, rows: a, columns: b, values: val/accuracy}}
"""


def test_run_and_report(server_uri, tmp_path, root):
    (tmp_path / "suite.yaml").write_text(SUITE)
    environment = {**os.environ, "MLFLOW_TRACKING_URI": server_uri, "PYTHONPATH": str(root)}
    environment.setdefault("BENCH_DATA", str(tmp_path / "data"))

    def bench(*words: str) -> str:
        command = [sys.executable, "-m", "bench.cli.main", *words]
        answer = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout

    ran = bench("run", "suite.yaml")
    assert "4 finished in" in ran and f"the runs by cell:   {server_uri}/#/experiments/" in ran
    tracker = open_tracker(server_uri)
    runs = tracker.runs("on_a_server")
    assert {run.status for run in runs} == {"FINISHED"} and len(runs) == 4
    assert all(tracker.artifact(run.run_id, "predictions.npz") for run in runs)
    assert not (tmp_path / "mlflow.db").exists() and not (tmp_path / "mlruns").exists()
    assert bench("report", "suite.yaml").split("<!-- runs")[0].strip() in ran
