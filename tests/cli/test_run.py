"""Runs from beginning to end, and what is left when they do not get there."""

import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
import sys

import pytest

from bench.runner.executors.local import cores


def finished(runs):
    return {run.tags["fingerprint"]: run for run in runs if run.status == "FINISHED"}


def accuracies(runs):
    return {
        key: {name: value for name, value in run.metrics.items() if "accuracy" in name or "loss" in name}
        for key, run in finished(runs).items()
    }


def test_a_suite_from_plan_to_report(bench):
    plan = bench.anew("plan", "tiny.yaml")
    assert plan.code == 0 and "s: 4 cells x 2 seeds = 8 trials (8 todo)" in plan.out and "estimated time: " in plan.out
    assert bench.anew("status", "tiny.yaml").code == 3

    ran = bench.anew("run", "tiny.yaml")
    assert ran.code == 0, ran.err
    assert (
        "8 finished in" in ran.out and "the tracker took" in ran.out and "Accuracy by noise" in ran.out and "mlflow ui" in ran.out
    )
    assert ran.out.count("val/accuracy 0.") >= 8, "a line for each trial"
    runs = bench.runs()
    assert len(runs) == 8 and {run.status for run in runs} == {"FINISHED"}
    assert {run.tags["cell"] for run in runs} == {f"lr={lr}, noise={noise}" for lr in ("0.05", "0.1") for noise in ("0", "0.04")}

    again = bench.anew("run", "tiny.yaml")
    assert again.code == 0 and "to do: 0 trials" in again.out and len(bench.runs()) == 8
    assert again.tables == ran.tables
    report = bench.anew("report", "tiny.yaml")
    assert report.code == 0 and report.tables.strip() in ran.tables
    status = json.loads(bench.anew("status", "tiny.yaml", "--json").out)
    assert status["states"] == {"done": 8} and len(status["jobs"]) == 8


def test_the_number_of_workers_does_not_matter(bench, new_bench, tmp_path_factory):
    words = ("run", "tiny.yaml", "--pack", "off", "--workers")  # what trains together rounds differently
    assert bench(*words, "1").code == 0
    other = new_bench(tmp_path_factory.mktemp("other"))
    assert other(*words, str(min(2, cores()))).code == 0
    one = accuracies(bench.runs())
    assert accuracies(other.runs()) == one and len(one) == 8


GATED = ("--set", 'train.loss={name: "gated:loss"}', "--pack", "off")  # what trains together rounds differently
SIX_EPOCHS = ("run", "tiny.yaml", "--set", "train.epochs=6", *GATED)


@pytest.fixture(scope="module")
def uninterrupted(new_bench, tmp_path_factory):
    """Accuracies and table of a run that nothing stopped."""
    bench = new_bench(tmp_path_factory.mktemp("whole"))
    answer = bench(*SIX_EPOCHS)
    return accuracies(bench.runs()), _table(answer.out)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped_in_the_middle_and_run_again(bench, uninterrupted, how):
    stopped = bench.stop_after(2, how, *SIX_EPOCHS)
    assert stopped.code == (-9 if how == signal.SIGKILL else 130)
    if how != signal.SIGKILL:
        assert "interrupted; the rest: bench run tiny.yaml" in stopped.err
        assert not [run for run in bench.runs() if run.status == "RUNNING"]
    before = finished(bench.runs())
    assert len(before) == 2

    ended = bench(*SIX_EPOCHS)
    assert ended.code == 0, ended.err
    after = finished(bench.runs())
    assert len(after) == 8 and not [run for run in bench.runs() if run.status == "RUNNING"]
    assert {key: run.run_id for key, run in before.items()}.items() <= {key: run.run_id for key, run in after.items()}.items()
    assert (accuracies(bench.runs()), _table(ended.out)) == uninterrupted, "to the last digit"


def _table(out: str) -> list[str]:
    return [line for line in out.splitlines() if line.startswith("|")]


def test_the_coordinator_does_without_torch(bench):
    """To load it would hold up the next trial, and the end."""
    code = (
        "import sys\nfrom bench.cli.main import main\n"
        "main(['run', 'tiny.yaml', '--only', 's[lr=0.1]'])\nprint('torch' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=bench.folder, env=bench.environment, capture_output=True, text=True)
    assert len(bench.runs()) == 4 and answer.stdout.endswith("False\n"), answer.stderr


def test_two_coordinators_do_not_run_one_suite(bench):
    words = ("run", "tiny.yaml", *GATED)
    bench.gate.shut()
    first = bench.start(*words)
    bench.gate.wait(first)
    second = bench(*words)
    assert second.code == 1 and f"another `bench run` of this suite is at work (process {first.pid} on " in second.err
    assert f"--take-over to go on in its place (to end it: kill {first.pid})" in second.err
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=300)
    assert first.returncode == 130


def test_two_that_begin_together_do_every_trial_once(bench):
    """The second one waits before it plans, and then finds nothing to do."""
    both = [bench.start("run", "tiny.yaml", "--workers", "1", "--wait") for _ in range(2)]
    answers = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    assert sorted("to do: 0 trials" in out for out, _ in answers) == [False, True]
    assert len(bench.runs()) == 8 and not list(bench.folder.glob("*.holder"))


def test_what_a_killed_coordinator_of_another_host_left_running_is_run_again(bench):
    """A container has a host name of its own: nothing is concluded from that, but from the lock that its end has let go."""
    bench.gate.shut()
    first = bench.start("run", "tiny.yaml", *GATED)
    bench.gate.wait(first)
    first.kill()
    first.communicate(timeout=300)
    with sqlite3.connect(bench.folder / "mlflow.db") as database:
        database.execute("UPDATE tags SET value = 'elsewhere:1:2.00' WHERE key = 'coordinator'")
    bench.gate.open()
    assert any(run.status == "RUNNING" for run in bench.runs())
    answer = bench("run", "tiny.yaml", *GATED)
    assert answer.code == 0, answer.err
    assert len(finished(bench.runs())) == 8 and not any(run.status == "RUNNING" for run in bench.runs())


def test_a_worker_that_dies_takes_only_its_trial_with_it(bench):
    words = ("run", "tiny.yaml", *GATED)
    bench.gate.shut()
    process = bench.start(*words)
    os.kill(bench.gate.wait(process), signal.SIGKILL)
    bench.gate.open()
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert len(finished(bench.runs())) == 8 and "crashed" not in out, "it was tried once more"


def test_diverged_trials_are_an_outcome(bench):
    words = ("run", "tiny.yaml", "--set", "stages.s.axes.lr.values=[0.05, 1e9]")
    answer = bench(*words)
    assert answer.code == 3
    diverged = [run for run in bench.runs() if run.tags["outcome"] == "diverged"]
    assert len(diverged) == 4 and {run.status for run in diverged} == {"FAILED"}
    assert "diverged" in answer.out and "4 finished" in answer.out
    again = bench(*words)
    assert again.code == 3 and "to do: 0 trials" in again.out and len(bench.runs()) == 8
    assert "to do: 4 trials" in bench(*words, "--retry").out


def test_a_time_limit_ends_the_trial(bench):
    bench.gate.shut()  # so that no trial finishes
    answer = bench("run", "tiny.yaml", *GATED, "--only", "s[lr=0.1,noise=0]", "--time-limit", "2")
    assert answer.code == 3
    runs = bench.runs()
    assert [run.tags["outcome"] for run in runs] == ["timeout"] * 2 and {run.status for run in runs} == {"FAILED"}
    assert "not finished after 2 s" in answer.out


def test_long_runs_ask_first(bench):
    answer = bench("run", "tiny.yaml", "--set", "train.epochs=10000000", "--device", "cpu")
    assert answer.code == 1 and "add --yes" in answer.err and "this would take about" in answer.err
    assert not bench.runs()


def test_a_terminal_sees_a_live_display(bench):
    bench.gate.shut()  # until the display has been seen: it is drawn a few times a second
    terminal, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.cli.main", "run", "tiny.yaml", "--only", "s[lr=0.1]", *GATED],
        cwd=bench.folder, env={**bench.environment, "TERM": "xterm-256color"}, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    seen, text = b"", ""
    try:
        while chunk := os.read(terminal, 65536):
            seen += chunk
            text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode(errors="ignore"))
            if "s: lr=0.1, noise=0, seed=0: epoch" in text and bench.gate.folder.exists():
                bench.gate.open()
    except OSError:  # Linux says so when the other side is closed
        pass
    assert process.wait(300) == 0, text
    assert "s: lr=0.1, noise=0, seed=0: epoch" in text and "4/4 done, 0 failed, 0 running" in text
    assert "val/accuracy 0." in text and "4 finished in" in text


def test_only_runs_what_is_chosen(bench):
    answer = bench("run", "tiny.yaml", "--only", "s[lr=0.1,noise=0]")
    assert answer.code == 0 and "s: 1 cells x 2 seeds = 2 trials" in answer.out
    assert {run.tags["cell"] for run in bench.runs()} == {"lr=0.1, noise=0"}
    assert bench("status", "tiny.yaml").code == 3
    plan = json.loads(bench("plan", "tiny.yaml", "--no-probe", "--json").out)
    assert plan["states"] == {"done": 2, "todo": 6} and plan["seconds"] is None


def test_the_plan_tells_how_long_denoising_takes(bench):
    bench.write(
        "suite: tiny\ntitle: Denoising\ndata: {source: digits, subset: {train: 48, val: 24, test: 24}, noise: {variance: 0.04}}\n"
        "base: {model: {name: simple_cnn}, train: {epochs: 1}}\nseeds: 2\nstages:\n  s:\n    axes:\n      denoise:\n"
        "        none: {}\n        tv: {data: {denoise: {name: tv}}}\n"
        "        dip: {data: {denoise: {name: dip, iterations: 2}}}\n"
    )
    plan = bench("plan", "tiny.yaml")
    assert "of which denoising 384 images before: at most " in plan.out, "2 denoisers x 2 seeds x 96 images"
    assert bench("run", "tiny.yaml", "--only", "s[denoise=tv]").code == 0
    told = json.loads(bench("plan", "tiny.yaml", "--json").out)
    assert told["to_denoise"] == 192 and 0 < told["denoising_seconds"] < told["seconds"], "what has run needs none"


def test_reports_in_every_format(bench):
    assert bench("run", "tiny.yaml").code == 0
    formats = [f"--format={form}" for form in ("markdown", "latex", "html", "json")]
    answer = bench("report", "tiny.yaml", *formats, "-o", "out")
    assert answer.code == 0
    names = {path.name for path in (bench.folder / "out").iterdir()}
    assert names == {f"tiny.default.{ending}" for ending in ("md", "tex", "html", "json")}
    told = json.loads((bench.folder / "out" / "tiny.default.json").read_text())
    (block,) = told["tables"]["t"]["blocks"]
    runs = {run.run_id: run for run in bench.runs()}
    for cell in block["cells"]:
        assert cell["n"] == 2
        assert {seed: runs[run].metrics["val/accuracy"] for seed, run in cell["run_ids"].items()} == cell["values"]
    blocked = bench("report", "tiny.yaml", "-o", "tiny.yaml/out")
    assert blocked.code == 1 and "cannot be written" in blocked.err


def test_a_table_marks_what_is_missing(bench):
    assert bench("run", "tiny.yaml", "--only", "s[lr=0.1]").code == 0
    report = bench("report", "tiny.yaml")
    assert report.code == 3 and "missing" in report.out and "Incomplete" in report.out
    unplanned = bench("report", "tiny.yaml", "--set", "train.batch_size=16")
    assert unplanned.code == 3 and "0.7" not in "".join(_table(unplanned.out)), "runs of another configuration do not count"
