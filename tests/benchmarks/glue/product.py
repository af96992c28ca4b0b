"""The product: `bench run` of the same suite, and where its time goes, seen from outside by wrapping its functions."""

import atexit
import json
import os
from collections.abc import Callable
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection
from operator import attrgetter
from pathlib import Path
from typing import Any

from bench.runner.executors import EXECUTORS, Executor, process
from bench.runner.executors.local import Local
from bench.runner.messages import Request
from glue.clock import Clock
from glue.memory import on_device
from glue.task import Task

WRAPPED = (
    ("data", "bench.data.pipeline", "_part"),
    ("data", "bench.data.preprocess", "Preprocess.train"),
    ("data", "bench.data.preprocess", "Preprocess.__call__"),
    ("steps", "bench.training.program", "Program.train_epoch"),
    ("steps", "bench.training.program", "Program.logits"),
)
"""Section, module and name of the functions in a worker whose time is a section's, less that of those within."""
TRACKER = ("open", "start", "log", "finish")
"""The tracker's functions that write."""


def words(task: Task, device: str, folder: Path = Path()) -> list[str]:
    """Write the suite's file into a folder; return the words of `bench` that run it there."""
    (folder / f"{task.name}.yaml").write_text(task.suite(), encoding="utf-8")
    return ["run", f"{task.name}.yaml", "--device", device, "--yes", *task.bench_words]


def run(task: Task, images: Path, device: str, clock: Clock) -> list[dict[str, Any]]:
    """Do what `bench run` does, in this process. The first call's workers stay for the next one.

    A section's seconds are those of the mean worker; tracking is done beside the workers, in this process.
    """
    from bench.cli.main import main
    from bench.trackers import open_tracker

    _prepare(clock)
    before = _told()
    if code := main(words(task, device)):
        raise RuntimeError(f"bench ended with exit code {code}")
    after = _told()
    for name, told in after.items():
        clock.memory += told.pop("memory")
        for section, seconds in told.items():
            clock.seconds[section] += (seconds - before.get(name, {}).get(section, 0)) / len(after)
    return [
        {
            "network": run.tags["axis.network"],
            "noise": float(run.tags["axis.noise"]),
            "seed": int(run.tags["seed"]),
            "test": run.metrics["test/accuracy"],
        }
        for run in open_tracker().runs(task.name)
    ]


_KEPT: list[Executor] = []
"""The executor that the next call finds, if there is one."""


class Kept(Local):
    """Workers that stay when the run that asked for them is over."""

    def __exit__(self, *_: object) -> None: ...


def kept(workers: int | None = None, threads: int = 1, device: str = "auto", jobs: int | None = None) -> Executor:
    """Return the workers of the run before, or else new ones, which end with this process."""
    if not _KEPT:
        _KEPT.append(Kept(workers, threads, device, jobs))
        atexit.register(_KEPT[0].close)
    return _KEPT[0]


def _prepare(clock: Clock) -> None:
    """Let `bench run` find the workers of the call before it. Where sections are to be timed, new ones, that time theirs, from
    now on."""
    from bench.trackers.mlflow_tracker import MlflowTracker

    EXECUTORS["local"] = f"{__name__}:{kept.__name__}"
    if not clock.on or process.main is timed_worker:
        return
    while _KEPT:
        _KEPT.pop().close()
    process.main = timed_worker
    for name in TRACKER:
        clock.wrap("tracking", MlflowTracker, name)


def timed_worker(pipe: Connection, device: str, threads: int) -> None:
    """Answer requests as a worker does, and write after each of them what was spent on sections so far."""
    from bench.runner.requests import ANSWERS

    clock = Clock()
    clock.start(True)
    for section, module, name in WRAPPED:
        *owner, function = name.split(".")
        clock.wrap(section, attrgetter(*owner)(import_module(module)) if owner else import_module(module), function)
    for request, answer in ANSWERS.items():
        ANSWERS[request] = partial(_noted, answer, clock)
    process.main(pipe, device, threads)  # the product's: it is replaced in the process that starts workers, not in these


def _noted(answer: Callable[..., Any], clock: Clock, request: Request[Any], channel: Any, device: str) -> Any:
    answered = answer(request, channel, device)
    told = {**clock.seconds, "memory": on_device()}
    Path(f"worker-{os.getpid()}.json").write_text(json.dumps(told), encoding="utf-8")
    return answered


def _told() -> dict[str, dict[str, Any]]:
    """Return what each worker has written."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in Path().glob("worker-*.json")}
