"""Worker processes of this machine: started, ended, and what they have of their coordinator."""

import json
import os
import signal
import subprocess
import sys

import psutil
import pytest
import torch

from bench import ambient, scratch
from bench.config import TrialConfig
from bench.errors import BenchError
from bench.runner.executors import process
from bench.runner.executors.forkserver import FORKS
from bench.runner.executors.local import Local, cores
from bench.runner.messages import Died, TrainTrials, Up


@pytest.fixture(scope="module")
def local():
    with Local(1, device="cpu") as local:
        local.hello()
        yield local


def test_a_worker_fixes_the_workspace_of_cublas_before_any_request(monkeypatch):
    class Pipe:
        send = staticmethod(lambda answer: None)

        def recv(self):
            raise EOFError

    monkeypatch.setattr(process, "_end_with", lambda parent: None)
    assert ambient.SHARED, "it has PyTorch's own functions already, before one of them is replaced"
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    process.main(Pipe(), "cpu", 1)
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8", "what the user sets stays"
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    process.main(Pipe(), "cpu", 1)
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


@pytest.mark.parametrize(
    ("number", "message", "mend"),
    [
        (signal.SIGKILL, "signal 9 (perhaps the system ran out of memory)", "free memory"),
        (signal.SIGABRT, "signal 6 (Aborted): a crash within a library", "see what it wrote"),
        (signal.SIGSEGV, "signal 11 (Segmentation fault): a crash within a library", "see what it wrote"),
        (signal.SIGTERM, "signal 15", ""),
    ],
)
def test_a_worker_that_dies_is_noticed_and_started_again(local, number, message, mend):
    worker = local.workers[0]
    os.kill(worker.process.pid, number)
    event = worker.receive()
    assert isinstance(event, Died) and message in event.message and event.mend.startswith(mend)
    worker.restart()
    assert isinstance(worker.receive(), Up) and worker.ready


def test_a_worker_that_is_killed_before_it_is_up_is_started_again_but_not_for_ever():
    with Local(1, device="cpu") as local:
        local.hello()
        worker = local.workers[0]
        for _ in range(2):
            worker.restart()
            os.kill(worker.process.pid, signal.SIGKILL)
            assert isinstance(worker.receive(), Died)
            assert isinstance(worker.receive(), Up) and worker.ready
        worker.restart()
        with pytest.raises(BenchError, match=r"a worker did not start: .* signal 9"):
            for _ in range(5):
                os.kill(worker.process.pid, signal.SIGKILL)
                assert isinstance(worker.receive(), Died)


def test_closing_ends_the_processes():
    with Local(1, device="cpu") as local:
        local.hello()
        started = local.workers[0].process
    assert not started.is_alive()


def test_never_more_threads_than_cores():
    for workers, threads in ((cores() + 1, 1), (1, cores() + 1), (0, 1), (1, 0)):
        with pytest.raises(BenchError, match="--workers"):
            Local(workers, threads, "cpu")


def test_no_more_workers_than_jobs():
    with Local(None, 1, "cpu", jobs=1) as local:
        assert len(local.workers) == 1


FACTS = """\
import json, os, signal, sys
from pathlib import Path
import numpy as np, torch
from threadpoolctl import threadpool_info

class Net(torch.nn.Sequential):
    def __init__(self, in_shape, classes, facts):
        super().__init__(torch.nn.Flatten(), torch.nn.Linear(in_shape[0] * in_shape[1] * in_shape[2], classes))
        product = np.ones((300, 300)) @ np.ones((300, 300))
        Path(facts).write_text(json.dumps({
            "torch": torch.get_num_threads(),
            "limits": sorted({(pool["user_api"], pool["num_threads"]) for pool in threadpool_info()}),
            "variables": {name: text for name, text in os.environ.items() if name.startswith(("BENCH_", "PYTHON", "OMP_"))},
            "folder": os.getcwd(),
            "path": sys.path,
            "ctrl_c": signal.getsignal(signal.SIGINT) == signal.SIG_IGN,
            "cuda": torch.cuda.is_initialized() or torch.cuda._is_in_bad_fork(),
        }))
"""


@pytest.mark.skipif(cores() < 2, reason="needs two cores")
def test_a_worker_has_what_its_coordinator_has_now_and_threads_of_its_own(tmp_path, monkeypatch, local):
    """The server that workers fork from began for workers of one thread, in another folder and environment."""
    (tmp_path / "own_facts.py").write_text(FACTS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_TEST", "now")
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    config = {"data": {"source": "digits", "subset": {"train": 512, "val": 48, "test": 48}}, "train": {"epochs": 1}}
    config["model"] = {"name": "own_facts:Net", "args": {"facts": str(tmp_path / "facts.json")}}
    with Local(1, 2, "cpu") as other:
        ((ended,),) = other.map([TrainTrials(((TrialConfig.model_validate(config), 0),))])
        threads = psutil.Process(other.workers[0].process.pid).num_threads()
    assert ended.outcome == "finished"
    facts = json.loads((tmp_path / "facts.json").read_text())
    assert facts["torch"] == 2 and threads >= 3, "two that compute, and one that watches"
    assert ["openmp", 2] in facts["limits"], facts
    variables = {name: text for name, text in os.environ.items() if name.startswith(("BENCH_", "PYTHON", "OMP_"))}
    assert facts["variables"].pop("BENCH_SCRATCH") == str(scratch.folder())
    assert facts["variables"] == variables | {"OMP_NUM_THREADS": "2"}
    assert facts["folder"] == str(tmp_path) and facts["path"] == sys.path
    assert facts["ctrl_c"] and not facts["cuda"]


@pytest.mark.skipif(not FORKS, reason="no server to fork from")
def test_the_server_has_no_thread_when_workers_fork(local):
    server = psutil.Process(psutil.Process(local.workers[0].process.pid).ppid())
    assert server.ppid() == os.getpid() and server.num_threads() == 1


def test_a_worker_at_work_does_not_outlive_a_coordinator_that_is_killed(tmp_path):
    (tmp_path / "own_sleep.py").write_text("import time\ndef net(in_shape, classes): time.sleep(1000)\n")
    part = {"data": {"source": "digits"}, "model": {"name": "own_sleep:net"}, "train": {"epochs": 1}}
    config = TrialConfig.model_validate(part)
    script = f"""import os, time
from bench.config import TrialConfig
from bench.runner.executors.local import Local
from bench.runner.messages import TrainTrials
local = Local(1, 1, "cpu")
local.hello()
local.workers[0].send(TrainTrials(((TrialConfig.model_validate_json({config.model_dump_json()!r}), 0),)))
print("up", flush=True)
os.kill(os.getpid(), 9)
"""
    killed = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, text=True, timeout=300)
    assert (killed.returncode, killed.stdout) == (-signal.SIGKILL, "up\n"), "ends when no process holds this output any more"
