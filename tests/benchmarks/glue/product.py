"""The product: `bench run` of the same suite, and where its time goes, seen from outside by wrapping its functions."""

import json
import os
from collections.abc import Callable
from contextlib import nullcontext
from functools import cache, partial
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

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


_WORKERS: dict[bool, Any] = {}
"""Whether they time their sections → the workers that are kept."""


@cache
def _pool_class() -> type:
    """Return the product's own class, which the first call finds before it is replaced."""
    from bench.runner.pool import Pool

    return Pool


def _prepare(clock: Clock) -> None:
    """Let `bench run` find the workers of the call before it. Where sections are to be timed, new ones, that time theirs."""
    from bench.runner import pool, worker
    from bench.trackers.mlflow_tracker import MlflowTracker

    if clock.on in _WORKERS:
        return
    while _WORKERS:
        _WORKERS.popitem()[1].close()
    new = _pool_class()

    def kept(*args, **kwargs):
        if clock.on not in _WORKERS:
            _WORKERS[clock.on] = new(*args, **kwargs)
        return nullcontext(_WORKERS[clock.on])

    pool.Pool = kept
    if clock.on:
        worker.main = timed_worker
        for name in TRACKER:
            clock.wrap("tracking", MlflowTracker, name)


def timed_worker(pipe: Any, device: str, threads: int) -> None:
    """Serve requests as a worker does, and write after each of them what was spent on sections so far."""
    from bench.runner import worker

    clock = Clock()
    clock.start(True)
    for section, module, name in WRAPPED:
        *owner, function = name.split(".")
        clock.wrap(section, attrgetter(*owner)(import_module(module)) if owner else import_module(module), function)
    for name, request in worker.REQUESTS.items():
        worker.REQUESTS[name] = partial(_noted, request, clock)
    worker.main(pipe, device, threads)


def _noted(request: Callable[..., Any], clock: Clock, pipe: Any, device: str, *arguments: Any) -> Any:
    answer = request(pipe, device, *arguments)
    told = {**clock.seconds, "memory": on_device()}
    Path(f"worker-{os.getpid()}.json").write_text(json.dumps(told), encoding="utf-8")
    return answer


def _told() -> dict[str, dict[str, Any]]:
    """Return what each worker has written."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in Path().glob("worker-*.json")}
