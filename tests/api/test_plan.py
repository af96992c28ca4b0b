"""What a run would do, and how far a suite is."""

import json

import pytest

import bench
from bench import BenchError
from bench.cli.main import main
from bench.trackers import open_tracker

TESTED = """\
stages: {s: {axes: {lr: {path: train.optimizer.lr, values: [0.01, 0.1]}}}}
claims:
  faster:
    {says: it is, stage: s, metric: val/accuracy, of: {lr: 0.1}, higher_than: {lr: 0.01}, test: sign-flip}
"""


def test_a_plan_without_measuring(write):
    forecast = bench.load(write(TESTED)).plan(probe=False)
    assert len(forecast.plan.todo()) == len(forecast.plan.trials) == 4 and not forecast.complete
    assert (forecast.seconds, forecast.workers, forecast.device, forecast.kind) == (None,) * 4
    (unreachable,) = forecast.warnings
    assert "'faster' can never be significant" in unreachable and "n=2 seeds" in unreachable
    (few,) = bench.load(write(TESTED.replace(", test: sign-flip", ""))).plan(probe=False).warnings
    assert "'faster' gets no verdict with 2 seeds; plan at least 3" in few
    assert bench.load(write()).plan(probe=False).warnings == []


def test_a_plan_that_measures(write, inline):
    suite = bench.load(write())
    forecast = suite.plan(**inline)
    assert forecast.workers == 1 and forecast.kind == "cpu" and forecast.device.startswith("CPU ")
    each = [job.seconds for job in forecast.plan.todo()]
    assert len(each) == 4 and min(each) > 0 and forecast.seconds == pytest.approx(sum(each))
    longer = bench.load(suite.suite.document.file, "long").plan(**inline)
    assert longer.seconds > forecast.seconds
    assert suite.tracker.runs("tiny") == [], "nothing is recorded"


def test_what_would_fail_is_told_before(write, inline):
    path = write()
    suite = bench.load(path, set=["model.name=simple_cn"])
    assert len(suite.plan(probe=False).plan.todo()) == 4, "an answer at once, without a look at the models"
    with pytest.raises(BenchError, match="unknown model 'simple_cn'"):
        suite.plan(**inline)
    with pytest.raises(BenchError, match="--pack"):
        bench.load(path).plan(probe=False, pack="many")


def test_as_data_it_is_what_the_command_line_prints(write, capsys):
    path = write(TESTED)
    told = bench.load(path).plan(probe=False).as_dict()
    assert main(["plan", str(path), "--no-probe", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(told))
    assert told["states"] == {"todo": 4} and told["warnings"] and told["seconds"] is None
    assert [(job["cell"], job["seed"], job["state"]) for job in told["jobs"]][:2] == [
        ({"lr": "0.01"}, 0, "todo"),
        ({"lr": "0.01"}, 1, "todo"),
    ]


def test_status_follows_the_runs(write, inline, capsys):
    path = write()
    suite = bench.load(path)
    assert not suite.status().complete and suite.status().as_dict()["states"] == {"todo": 4}
    bench.load(path, only=["s[lr=0.1]"]).run(**inline)
    assert suite.status().as_dict()["states"] == {"todo": 2, "done": 2} and not suite.status().complete
    assert bench.load(path, only=["s[lr=0.1]"]).status().complete
    suite.run(**inline)
    status = suite.status()
    assert status.complete and status.plan.todo() == []
    assert {job["run_id"] for job in status.as_dict()["jobs"]} == {run.run_id for run in suite.tracker.runs("tiny")}
    assert suite.plan(**inline).seconds is None, "there is nothing to measure"
    assert main(["status", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(status.as_dict()))
    assert bench.load(path, tracker=open_tracker("sqlite:///other.db")).status().as_dict()["states"] == {"todo": 4}
