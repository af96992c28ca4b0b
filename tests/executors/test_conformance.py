"""What every executor must do, through the protocol: processes, this very process, and the toy of `toy.py`."""

import os
import signal
import sys
import threading
import time

import pytest

import bench
from bench.config import Data, Model
from bench.errors import BenchError
from bench.runner.executors import open_executor
from bench.runner.messages import CountShared, Done, Epoch, Failed, Inspect, Prepare, ProbeTraining, Progress, TrainTrials, Up
from bench.runner.requests import ANSWERS
from bench.trackers.record import Artifact, Outcome

PATIENCE = 120.0
MODEL = """\
import os
import time
from torch import nn


class Net(nn.Module):
    def __init__(self, in_shape, classes, kind):
        super().__init__()
        self.kind, self.layer = kind, nn.Linear(in_shape[0] * in_shape[1] * in_shape[2], classes)
        if kind == "sleep":
            time.sleep(1e6)
        if kind == "exit":
            os._exit(7)
        if kind == "kill the server":
            os.kill(os.getppid(), 9)
        if kind == "oom":
            raise MemoryError("no more")

    def forward(self, images):
        scores = self.layer(images.flatten(1))
        return (scores, scores) if self.kind == "crash" and self.training else scores
"""


@pytest.fixture
def faulty(tmp_path, config):
    """Returns a request (a check, or another kind) for a custom model with a fault of some kind."""
    (tmp_path / "faulty.py").write_text(MODEL)

    def faulty(kind, request=Inspect):
        model = Model(name="faulty:Net", args={"kind": kind})
        return request(config().model_copy(update={"model": model, "folder": str(tmp_path)}))

    return faulty


def until(executor, wanted, reply=None):
    """Hand events over until one of the wanted kind comes; return all, that one last. reply: what to answer each epoch."""
    events = []
    deadline = time.monotonic() + PATIENCE

    def take(worker, event):
        events.append(event)
        if reply is not None and isinstance(event, Progress):
            worker.reply(reply(event.value))

    while not any(isinstance(event, wanted) for event in events):
        assert time.monotonic() < deadline, events
        executor.events(1.0, take)
    return events


def ready(executor):
    executor.hello()
    (worker,) = executor.workers
    assert worker.ready and worker.hello == executor.hello()
    return worker


def test_a_worker_says_what_it_is_before_anything_else(executor):
    (worker,) = executor.workers
    assert not worker.ready and worker.name
    (first, *_) = until(executor, Up)
    assert isinstance(first, Up) and first.hello.device.startswith("CPU ") and first.hello.instructions
    assert {"python", "torch", "torchvision", "timm"} == set(first.hello.versions)
    assert executor.kind == "cpu" and executor.threads == 1 and worker.ready


def test_answers_come_in_order(executor):
    digests = executor.map([Prepare(Data(source="digits"))] * 3)
    assert len(digests) == 3 and len(set(digests)) == 1 and digests[0][1] == 10
    every, few = Data(source="digits"), Data(source="digits", classes=5)
    first, second = executor.map([CountShared(every, every), CountShared(every, few)])
    assert first == 0 and second > 0


def test_an_error_of_a_request_comes_home_and_the_worker_goes_on(executor):
    with pytest.raises(BenchError, match="unknown data source 'digit'"):
        executor.map([Prepare(Data(source="digit"))])
    assert executor.map([Prepare(Data(source="digits"))])
    worker = ready(executor)
    worker.send(Prepare(Data(source="digit")))
    failed = until(executor, Failed)[-1]
    assert "did you mean 'digits'?" in failed.error.mend and "in answer" in failed.traceback


def test_each_request_has_its_answer_or_its_fault(executor, faulty):
    """The others go on, whatever becomes of one."""
    digits, absent = Prepare(Data(source="digits")), Prepare(Data(source="digit"))
    first, mistake, oom, crash, last = executor.attempt([digits, absent, faulty("oom"), faulty("crash", ProbeTraining), digits])
    assert first == last and first[1] == 10
    assert mistake.outcome is None and "unknown data source" in mistake.error.message
    assert oom.outcome is Outcome.OOM and "no more" in oom.error.message and "faulty.py" in oom.traceback
    assert crash.outcome is Outcome.CRASHED and crash.error.message.startswith("TypeError: ")


@pytest.mark.skipif(sys.platform != "linux", reason="workers are no forks")
def test_a_process_that_hangs_or_dies_is_a_fault_of_its_request(faulty):
    """What runs in this very process (inline) cannot be interrupted, and takes it along."""
    digits = Prepare(Data(source="digits"))
    with open_executor("local", workers=1, device="cpu") as local:
        hung, died, done = local.attempt([faulty("sleep"), faulty("exit"), digits], limit=10)
        assert hung.outcome is Outcome.TIMEOUT and hung.error.message == "no answer within 10 s during Inspect"
        assert died.outcome is Outcome.CRASHED
        assert died.error.message == "the worker process ended with exit code 7 during Inspect"
        assert done[1] == 10
        died, done = local.attempt([faulty("kill the server"), digits], limit=60)
        assert done[1] == 10, "the server that workers fork from is started again"
        with pytest.raises(BenchError, match="no answer within 10 s"):
            local.map([faulty("sleep"), digits], limit=10)
        assert local.map([digits], limit=60)[0][1] == 10


def test_a_limit_is_one_of_silence_and_a_hung_worker_is_given_up(toy, monkeypatch):
    held = threading.Event()

    def prepare(request, channel, device):
        if request.data.source == "digits":
            for _ in range(4):
                channel.tell("working")
                time.sleep(0.5)
        else:
            held.wait(PATIENCE)
        return "done"

    monkeypatch.setitem(ANSWERS, Prepare, prepare)
    said = []
    with open_executor("toy") as threads:
        found = threads.attempt([Prepare(Data(source="cifar10")), Prepare(Data(source="digits"))], said.append, limit=1.5)
    held.set()
    assert found[0].outcome is Outcome.TIMEOUT and found[1] == "done" and said == ["working"] * 4


def test_after_an_error_no_stale_answer_is_taken_for_another(toy):
    with open_executor("toy", workers=2) as threads:
        while not all(worker.ready for worker in threads.workers):
            threads.events(1.0, lambda worker, event: None)
        digits, absent = Data(source="digits"), Data(source="digit")
        for _ in range(3):
            with pytest.raises(BenchError, match="unknown data source"):
                threads.map([Prepare(absent), CountShared(digits, digits)])
            assert threads.map([Prepare(digits)] * 3)[0][1] == 10


def test_a_trial_tells_its_epochs_and_then_its_result(executor, config):
    ready(executor).send(TrainTrials(((config(), 0),), keeps=True))
    *epochs, done = until(executor, Done)
    assert [(event.value.place, event.value.epoch) for event in epochs] == [(0, 1), (0, 2), (0, 3)]
    assert all(isinstance(event.value, Epoch) and "val/accuracy" in event.value.metrics for event in epochs)
    (ended,) = done.value
    assert ended.outcome == "finished" and [row["epoch"] for row in ended.history] == [1, 2, 3]
    assert {Artifact.PREDICTIONS, Artifact.CONFUSION, Artifact.WEIGHTS} == set(ended.artifacts)
    assert all(type(name) in (str, Artifact) and type(content) is bytes for name, content in ended.artifacts.items())


def test_a_trial_that_asks_waits_for_each_reply(executor, config):
    ready(executor).send(TrainTrials(((config(), 0),), asks=True))
    *epochs, done = until(executor, Done, reply=lambda epoch: epoch.epoch < 2)
    assert [event.value.epoch for event in epochs] == [1, 2]
    assert done.value[0].outcome == "stopped"


def test_the_next_request_may_be_sent_while_an_event_is_taken(executor):
    answers = []

    def take(worker, event):
        if isinstance(event, Done):
            answers.append(event.value)
            if len(answers) < 3:
                worker.send(Prepare(Data(source="digits")))

    ready(executor).send(Prepare(Data(source="digits")))
    deadline = time.monotonic() + PATIENCE
    while len(answers) < 3 and time.monotonic() < deadline:
        executor.events(1.0, take)
    assert len(answers) == 3


def test_nothing_more_is_heard_of_what_is_restarted_in_the_middle(executor, config):
    worker, after = ready(executor), []

    def take(worker, event):
        if isinstance(event, Progress) and not after:
            after.append(event)
            worker.restart()
        elif after:
            after.append(event)

    worker.send(TrainTrials(((config(epochs=50), 0),)))
    deadline = time.monotonic() + PATIENCE
    while not after:
        assert time.monotonic() < deadline
        executor.events(1.0, take)
    executor.hello()
    while not worker.ready:
        executor.events(1.0, take)
    assert executor.map([Prepare(Data(source="digits"))])[0][1] == 10, "it works again"
    assert [type(event) for event in after if not isinstance(event, Up)] == [Progress]


def test_an_ended_worker_says_nothing(executor, config):
    worker = ready(executor)
    worker.send(TrainTrials(((config(epochs=50), 0),)))
    until(executor, Progress, reply=lambda epoch: worker.end())
    heard = []
    for _ in range(3):
        executor.events(0.1, lambda worker, event: heard.append(event))
    assert not worker.ready and not heard


def test_an_error_of_whoever_takes_the_events_is_not_the_trials(executor, config):
    class Mine(Exception):
        pass

    def take(worker, event):
        if isinstance(event, Progress):
            raise Mine

    ready(executor).send(TrainTrials(((config(epochs=50), 0),)))
    deadline = time.monotonic() + PATIENCE
    with pytest.raises(Mine):
        while time.monotonic() < deadline:
            executor.events(1.0, take)
    executor.workers[0].restart()
    assert executor.map([Prepare(Data(source="digits"))])[0][1] == 10


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no signals that kill")
def test_a_worker_that_dies_in_the_middle_is_up_again_for_the_next_request():
    with open_executor("local", workers=1, device="cpu") as local:
        worker = ready(local)
        os.kill(worker.process.pid, signal.SIGKILL)
        with pytest.raises(BenchError, match="signal 9"):
            local.map([Prepare(Data(source="digits"))])
        assert local.map([Prepare(Data(source="digits"))])[0][1] == 10


def test_an_executor_that_was_closed_comes_up_again(executor):
    executor.close()
    executor.revive()
    assert executor.map([Prepare(Data(source="digits"))])[0][1] == 10


def test_a_suite_runs_outside_the_main_thread_too(suite_file):
    done = []
    thread = threading.Thread(target=lambda: done.append(bench.load(suite_file).run(workers=1, device="cpu").report().complete))
    thread.start()
    thread.join(PATIENCE)
    assert done == [True]


def test_closing_twice_is_closing(executor):
    ready(executor)
    executor.close()
    executor.close()
