"""The ways of doing a suite, each in processes of its own: threads, allocator settings and imports hold for a process."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from gate import Accuracies
from glue import product
from glue.clock import SECTIONS
from glue.task import Profile, Task
from harness import ROOT, seconds

OURS = "product"
TITLES = {
    "typical": "typical glue",
    "best": "best glue",
    "lightning_loop": "Lightning",
    OURS: "`bench run`",
}
"""Module in `glue` → what the tables call it."""
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def available() -> list[str]:
    """Return the arms that this environment can do."""
    there = find_spec("lightning") or find_spec("pytorch_lightning")
    return [name for name in TITLES if there or name != "lightning_loop"]


def save_images(profile: Profile, home: Path) -> dict[str, Path]:
    """Write the images of every task of a profile as the product splits them, without noise; return where, by the task's name."""
    from glue import common

    from bench import data
    from bench.config import Data

    folders = {}
    for task in profile.tasks:
        folders[task.name] = folder = home / f"images-{task.train}-{task.val}-{task.test}"
        if not folder.exists():
            config = Data(**task.data)
            parts = data.parts(data.prepare(config), config, 0)
            common.save_images(folder, {name: (part.images.numpy(), part.labels.numpy()) for name, part in parts.items()})
    return folders


@dataclass
class Arm:
    """One way. home: a folder for the folders of its runs. images: name of a task → the folder with its images.

    The first round goes on with the gate's task, and with a suite that is looked into.
    """

    name: str
    device: str
    profile: Profile
    home: Path
    images: dict[str, Path]
    folder: Path = Path()
    results: list[dict] = field(default_factory=list)
    """Of the round's job: a dict a pass, see `glue.__main__`."""
    shares: dict[str, float] = field(default_factory=dict)
    """Section → its part of the wall-clock."""
    memory: int = 0
    accuracies: dict[str, Accuracies] = field(default_factory=lambda: defaultdict(dict))
    """Network → those of the gate."""
    device_name: str = ""

    @property
    def title(self) -> str:
        return TITLES[self.name]

    def cold(self) -> float:
        """Return the seconds from the start of a process to the end of the suite, in a new folder."""
        self.folder = Path(tempfile.mkdtemp(dir=self.home, prefix=f"{self.name}-"))
        timed = self.profile.timed
        if self.name == OURS:
            command = ["-m", "bench.cli.main", *product.words(timed, self.device, self.folder)]
            return seconds(partial(self._run, command))
        began = time.time()
        self._job(timed, self.profile.again)
        return self.results[0]["ended"] - began

    def warm(self) -> float:
        """Return the seconds of the suite alone, done once more in the same folder by processes that know it."""
        if self.name == OURS:
            self._job(self.profile.warmup, self.profile.again)
        return self.results[1]["seconds"]

    def _job(self, *tasks: Task) -> None:
        """Do tasks in one process."""
        passes = [self._pass(task, look=False) for task in tasks]
        if not self.shares:
            passes += [self._pass(self.profile.gate, look=True), self._pass(self.profile.sections, look=True)]
        job = {"arm": self.name, "device": self.device, "passes": passes}
        (self.folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        self._run(["-m", "glue", "job.json", "result.json"])
        found = json.loads((self.folder / "result.json").read_text(encoding="utf-8"))
        self.results, self.device_name = found["passes"], found["device"]
        if not self.shares:
            *_, gate, sections = self.results
            for trial in gate["trials"]:
                self.accuracies[trial["network"]][trial["seed"]] = trial["test"]
            self.shares = {name: sections["sections"].get(name, 0) / sections["seconds"] for name in SECTIONS}
            self.memory = sections["memory"]

    def _pass(self, task: Task, look: bool) -> dict:
        return {"task": asdict(task), "images": str(self.images[task.name]), "look": look}

    def _run(self, command: list[str]) -> None:
        log = self.folder / "log.txt"
        with log.open("w", encoding="utf-8") as out:
            done = subprocess.run(
                [sys.executable, *command], cwd=self.folder, env=_environment(), stdout=out, stderr=subprocess.STDOUT
            )
        if done.returncode:
            told = log.read_text(encoding="utf-8")[-3000:]
            raise RuntimeError(f"{self.title} ended with exit code {done.returncode}:\n{told}")


def _environment() -> dict[str, str]:
    """Return an environment in which every arm takes the threads and the database that it takes by itself."""
    from bench.paths import data_root

    kept = {name: value for name, value in os.environ.items() if name not in (*THREADS, "MLFLOW_TRACKING_URI")}
    paths = [str(Path(__file__).parent), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    own = {
        "PYTHONPATH": os.pathsep.join(paths),
        "BENCH_DATA": str(data_root().absolute()),
        "MLFLOW_DISABLE_TELEMETRY": "true",  # no network on any side
    }
    return kept | own
