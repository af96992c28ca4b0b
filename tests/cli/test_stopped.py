"""Processes that are stopped for a while, as by Ctrl-Z, and go on."""

import os
import signal
import time

import pytest

WORDS = ("run", "tiny.yaml", "--only", "s[lr=0.1,noise=0]", "--set", "seeds=1", "--pack", "off", "--workers", "1")
GATED = ("--set", 'train.loss={name: "gated:loss"}')
STOP, LIMIT = 14.0, 12.0
"""Seconds. A trial takes a fraction of one, and then it waits at the gate for as long as the stop."""


@pytest.mark.parametrize("who", ["all", pytest.param("worker", marks=pytest.mark.nightly)])
def test_what_is_stopped_neither_trains_nor_runs_into_its_limit(bench, who):
    limit = ("--time-limit", str(LIMIT)) if who == "all" else ()  # whoever enforces a limit cannot see that a worker is stopped
    bench.gate.shut()
    process = bench.start(*WORDS, *GATED, *limit)
    worker = bench.gate.wait(process)
    stop, whom = (os.killpg, process.pid) if who == "all" else (os.kill, worker)
    began = time.monotonic()
    stop(whom, signal.SIGSTOP)
    time.sleep(STOP)
    bench.gate.open()
    stop(whom, signal.SIGCONT)
    stopped = time.monotonic() - began
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, out + err
    (run,) = bench.runs()
    assert run.tags["outcome"] == "finished"
    assert 0 < run.metrics["wall_clock"] < stopped
    assert run.metrics["images_per_second"] * run.metrics["wall_clock"] == pytest.approx(2 * 96)
