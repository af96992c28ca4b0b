"""Where trials under way keep their state, so that they go on after a kill; and when these files are deleted.

They lie in `bench.paths.checkpoint_root`. A file's name is a hash of all that its content depends on: the trials, the libraries,
the device, and the code that trains. So another version, another device or changed code never goes on from it.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from bench.errors import BenchError
from bench.grammar.cells import ENGINE
from bench.paths import checkpoint_root
from bench.runner import messages
from bench.runner.executors.base import Worker
from bench.runner.messages import Hello, TrainTrials
from bench.runner.plan import Job, Plan

EVERY = 120.0
"""Seconds, at least, between two saves of a trial. The environment's BENCH_CHECKPOINT_EVERY says otherwise."""
OLD = 30 * 24 * 3600.0
"""Seconds after which a file is deleted whose trial did not go on."""
TRAINS = ("config", "data", "models", "training")
"""Packages whose code a state may hang on."""


class Checkpoints:
    """Those of one coordinator. store, experiment: where results are recorded. threads: of each worker."""

    def __init__(self, store: str, experiment: str, threads: int):
        self.home, self.threads, self.every = _home(store, experiment), threads, every()
        self._paths: dict[frozenset[str], Path] = {}

    def of(self, jobs: Sequence[Job], request: TrainTrials, worker: Worker) -> messages.CheckpointPlace:
        """Return where the trials of a request keep their state."""
        assert worker.hello, "it is up"
        names = tuple(job.trial.fingerprint for job in jobs)
        made_by = _made_by(worker.hello, self.threads, request)
        digest = hashlib.sha256("\n".join([self.home, made_by, *names]).encode()).hexdigest()
        path = checkpoint_root() / f"{names[0][:12]}-{self.home}-{digest[:32]}.ckpt"
        self._paths[frozenset(names)] = path
        return messages.CheckpointPlace(str(path), names, made_by, self.every)

    def remove(self, jobs: Iterable[Job]) -> None:
        """Delete what trials have kept that trained together, and have ended."""
        if path := self._paths.pop(frozenset(job.trial.fingerprint for job in jobs), None):
            for file in path.parent.glob(f"{path.stem}*"):  # those of its halves, and one that was not written to its end
                _delete(file)


def clean(plan: Plan, store: str) -> None:
    """Delete the files of trials that are settled, and all that are old."""
    settled = {job.trial.fingerprint for job in plan.jobs.values() if job.state.is_settled}
    home = _home(store, plan.suite.experiment)
    for file in checkpoint_root().glob("*.ckpt*"):
        with suppress(OSError):
            if time.time() - file.stat().st_mtime > OLD or (f"-{home}-" in file.name and _trials(file) <= settled):
                _delete(file)


def every() -> float:
    """Return how many seconds pass between two saves, at least; "off" is never. Raises BenchError for what is no number."""
    setting = os.environ.get("BENCH_CHECKPOINT_EVERY", EVERY)
    try:
        seconds = float("inf" if setting == "off" else setting)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise BenchError(f"{setting!r} is no number of seconds", where="BENCH_CHECKPOINT_EVERY", mend="give one from 0, or `off`")
    return seconds


def _home(store: str, experiment: str) -> str:
    return hashlib.sha256(f"{store}\n{experiment}".encode()).hexdigest()[:12]


def _made_by(hello: Hello, threads: int, request: TrainTrials) -> str:
    """Return what names the code, the libraries, the device and the way in which trials are trained."""
    way = [request.keeps, request.asks, request.backend]
    return json.dumps([ENGINE, _code(), hello.versions, hello.device, hello.instructions, threads, way])


@cache
def _code() -> str:
    """Return a hash of the code that trains."""
    digest = hashlib.sha256()
    root = Path(__file__).parent.parent
    for file in sorted(path for package in TRAINS for path in (root / package).rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _trials(file: Path) -> set[str]:
    """Return the fingerprints of the trials whose state a file holds."""
    with file.open("rb") as opened:
        try:
            return set(json.loads(opened.readline())["trials"])
        except (ValueError, KeyError, TypeError):  # it was not written to its end: nobody goes on from it
            return set()


def _delete(file: Path) -> None:
    with suppress(OSError):
        file.unlink()
