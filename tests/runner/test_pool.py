"""Worker processes: started, asked, ended."""

import os
import signal
import time

import pytest
import torch

from bench.config import Data
from bench.errors import BenchError
from bench.runner.pool import Died, Done, Pool, cores, greet
from bench.runner.worker import main as serve


@pytest.fixture(scope="module")
def pool():
    with Pool(1, device="cpu") as pool:
        pool.hello()
        yield pool


def test_workers_say_what_they_are(pool):
    hello = pool.hello()
    assert hello.device.startswith("CPU ") and {"python", "torch", "torchvision", "timm"} == set(hello.versions)


def test_a_worker_fixes_the_workspace_of_cublas_before_any_request(monkeypatch):
    class Pipe:
        send = staticmethod(lambda answer: None)

        def recv(self):
            raise EOFError

    monkeypatch.setattr("bench.runner.worker._end_with", lambda parent: None)
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    serve(Pipe(), "cpu", 1)
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8", "what the user sets stays"
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    serve(Pipe(), "cpu", 1)
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


def test_answers_come_in_order(pool):
    digests = pool.map("prepare", [(Data(source="digits"), False)] * 3)
    assert len(digests) == 3 and len(set(digests)) == 1 and digests[0][1] == 10


def test_images_that_two_sections_share(pool):
    all_digits, few = Data(source="digits"), Data(source="digits", classes=5)
    assert pool.map("shared_images", [(all_digits, all_digits)]) == [0]
    assert pool.map("shared_images", [(all_digits, few)])[0] > 0


def test_an_error_of_a_request_comes_home(pool):
    with pytest.raises(BenchError, match="unknown data source 'digit'"):
        pool.map("prepare", [(Data(source="digit"), False)])
    assert pool.map("prepare", [(Data(source="digits"), False)]), "and the worker goes on"


@pytest.mark.parametrize(
    ("number", "message", "mend"),
    [
        (signal.SIGKILL, "signal 9 (perhaps the system ran out of memory)", "free memory"),
        (signal.SIGABRT, "signal 6 (Aborted): a crash within a library", "see what it wrote"),
        (signal.SIGTERM, "signal 15", ""),
    ],
)
def test_a_worker_that_dies_is_noticed_and_started_again(pool, number, message, mend):
    worker = pool.workers[0]
    os.kill(worker.process.pid, number)
    event = worker.receive()
    assert isinstance(event, Died) and message in event.message and event.mend.startswith(mend)
    worker.restart()
    event = worker.receive()
    assert isinstance(event, Done)
    greet(worker, event)
    assert worker.ready


def test_closing_ends_the_processes():
    with Pool(1, device="cpu") as pool:
        process = pool.workers[0].process
    deadline = time.monotonic() + 10
    while process.is_alive() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not process.is_alive()


def test_never_more_threads_than_cores():
    for workers, threads in ((cores() + 1, 1), (1, cores() + 1), (0, 1), (1, 0)):
        with pytest.raises(BenchError, match="--workers"):
            Pool(workers, threads, "cpu")


def test_no_more_workers_than_jobs():
    with Pool(None, 1, "cpu", jobs=1) as pool:
        assert len(pool.workers) == 1
