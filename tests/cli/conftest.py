import io
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.cli.main import main
from bench.trackers import StoredRun, open_tracker

SUITE = """\
suite: tiny
title: A tiny suite
data: {source: digits, subset: {train: 96, val: 48, test: 48}}
base: {model: {name: simple_cnn}, train: {epochs: 2, batch_size: 32, optimizer: {name: sgd, lr: 0.05}}}
seeds: 2
stages:
  s:
    axes:
      lr: {path: train.optimizer.lr, values: [0.05, 0.1]}
      noise: {path: data.noise.variance, values: [0, 0.04]}
tables:
  t: {title: Accuracy by noise, stage: s, rows: noise, columns: lr, values: val/accuracy}
"""

EXPECTED = Path(__file__).parent.parent / "expected" / "cli"


@dataclass
class Answer:
    code: int
    out: str
    err: str

    def has_shape(self, name: str, shape: str | None = None) -> None:
        """Check its shape (or another) against the file of this name; BENCH_UPDATE_EXPECTED=1 writes that anew."""
        file, now = EXPECTED / f"{name}.txt", self.shape if shape is None else shape
        if os.environ.get("BENCH_UPDATE_EXPECTED"):
            file.write_text(now, encoding="utf-8")
        assert now == file.read_text(encoding="utf-8")

    @property
    def tables(self) -> str:
        """What the report says, without times and run ids."""
        told = self.out[self.out.index("# ") :].split("<!-- runs")[0]
        return re.sub(r"\d{4}-\d\d-\d\d[ T][\d:]+( UTC)?", "TIME", told)

    @property
    def shape(self) -> str:
        """The report's headings, the names of its claims, and its tables of results with every mean ± SD masked: another
        processor rounds otherwise, so numbers, marks and verdicts may differ. Not searches: what is pruned hangs on timing."""
        blocks = []
        for block in self.tables.split("\n\n"):
            if block.startswith("| claim"):
                blocks.append(
                    "\n".join(re.split(r"<br>|\|", line.strip("| "))[0].strip() for line in block.splitlines() if line[1] != ":")
                )
            elif block.startswith(("#", "|")) and not block.startswith(("| family", "| rank")):
                blocks.append(re.sub(r"\**−?\d+(?:\.\d+)? ± \d+(?:\.\d+)?[≈†]*\**", "#", block))
        return re.sub(r"[ :-]*\|[ :-]*", "|", "\n\n".join(blocks)) + "\n"


class Gate:
    """A place at which trials with the loss `gated:loss` can be made to wait, after their first epoch, where no probe gets: so no
    test has to be quicker than what it looks at, nor to guess how long that takes."""

    LOSS = """\
import os
import time
from pathlib import Path

from torch.nn import functional

GATE = Path(__file__).parent / "gate"
at, through = 0.0, False


def loss(scores, targets, options, context):
    global at, through
    through = through and context.epoch >= at  # else another trial has begun
    at = context.epoch
    while context.epoch >= 1 and not through and (GATE / "shut").exists():
        through = any(_taken(ticket) for ticket in GATE.glob("ticket-*"))
        if not through:
            (GATE / f"waiting-{os.getpid()}").touch()
            time.sleep(0.02)
    return functional.cross_entropy(scores, targets)


def _taken(ticket):
    try:
        ticket.unlink()
    except FileNotFoundError:  # another worker's trial was first
        return False
    return True
"""

    def __init__(self, folder: Path):
        self.folder = folder / "gate"
        (folder / "gated.py").write_text(self.LOSS, encoding="utf-8")

    def shut(self, tickets: int = 0) -> None:
        """Let that many trials (or packs) through, and no more."""
        self.folder.mkdir()
        for number in range(tickets):
            (self.folder / f"ticket-{number}").touch()
        (self.folder / "shut").touch()

    def wait(self, process: subprocess.Popen) -> int:
        """Wait until a trial stands before the gate; return the id of the worker that trains it."""
        while not (found := list(self.folder.glob("waiting-*"))):
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        return int(found[0].name.removeprefix("waiting-"))

    def open(self) -> None:
        shutil.rmtree(self.folder)


class Bench:
    """The command line, in a folder of its own."""

    def __init__(self, folder: Path, environment: dict[str, str]):
        self.folder, self.environment = folder, environment
        self.suite, self.gate = self.write(SUITE), Gate(folder)

    def write(self, text: str, name: str = "tiny.yaml") -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def __call__(self, *words: str, **environment: str) -> Answer:
        """Run in this process, which has imported already what takes a new one seconds."""
        out, err = io.StringIO(), io.StringIO()
        with _at_home(self.folder, {**self.environment, **environment}), redirect_stdout(out), redirect_stderr(err):
            try:
                code = main(list(map(str, words)))
            except SystemExit as end:  # argparse's way
                code = end.code
        return Answer(code, out.getvalue(), err.getvalue())

    def start(self, *words: str, **environment: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-m", "bench.cli.main", *map(str, words)],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def anew(self, *words: str, **environment: str) -> Answer:
        """Run in a process of its own, as from a terminal."""
        process = self.start(*words, **environment)
        out, err = process.communicate()
        assert "Traceback" not in err, err
        return Answer(process.returncode, out, err)

    def stop_after(self, trials: int, how: signal.Signals, *words: str) -> Answer:
        """Run gated trials until so many have ended and another is under way, then send a signal to the coordinator."""
        self.gate.shut(trials)
        process = self.start(*words)
        seen: list[str] = []
        for line in process.stdout:
            seen.append(line)
            if sum(bool(re.match(r"\[\d+/", line)) for line in seen) >= trials:
                break
        self.gate.wait(process)
        process.send_signal(how)
        out, err = process.communicate(timeout=300)  # waits for the workers too, which write to the same pipe
        self.gate.open()
        return Answer(process.returncode, "".join(seen) + out, err)

    def runs(self, experiment: str = "tiny") -> list[StoredRun]:
        return open_tracker(f"sqlite:///{self.folder}/mlflow.db").runs(experiment)


@contextmanager
def _at_home(folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """Be in a folder and an environment, and afterwards as before: nothing stays of what a process would have taken with it."""
    variables, path, stdin = dict(os.environ), list(sys.path), sys.stdin
    os.environ.clear()
    os.environ.update(environment)
    sys.stdin = io.StringIO()
    try:
        with chdir(folder):
            yield
    finally:
        os.environ.clear()
        os.environ.update(variables)
        sys.path[:], sys.stdin = path, stdin
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None)).startswith(f"{folder}/"):
                del sys.modules[name]
        logging.getLogger("bench").handlers.clear()


@pytest.fixture(scope="session")
def environment(tmp_path_factory, root) -> dict[str, str]:
    data = os.environ.get("BENCH_DATA") or str(tmp_path_factory.mktemp("data"))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    return {**kept, "BENCH_DATA": data, "PYTHONPATH": str(root), "COLUMNS": "120", "HF_HUB_OFFLINE": "1"}


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Path:
    """A database as MLflow makes it, made once: its migrations take seconds."""
    folder = tmp_path_factory.mktemp("template")
    open_tracker(f"sqlite:///{folder}/mlflow.db").open("nothing", {})
    return folder / "mlflow.db"


@pytest.fixture(scope="session")
def cifar10(tmp_path_factory, shared_data) -> Path:
    """A data root with the official CIFAR-10 files."""
    folder = tmp_path_factory.mktemp("cifar")
    subprocess.run([sys.executable, shared_data / "unpack.py", folder, "cifar10"], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def new_bench(environment, template):
    """Makes the command line's folder of a test."""

    def new_bench(folder: Path) -> Bench:
        shutil.copy(template, folder / "mlflow.db")
        return Bench(folder, environment)

    return new_bench


@pytest.fixture
def bench(tmp_path, new_bench) -> Bench:
    return new_bench(tmp_path)


@pytest.fixture
def edit(bench, request):
    """Writes the SUITE of a test's module, with edits on what it says now."""
    bench.write(request.module.SUITE)

    def edit(*edits: tuple[str, str]) -> None:
        text = bench.suite.read_text()
        for old, new in edits:
            assert old in text
            text = text.replace(old, new, 1)
        bench.write(text)

    return edit
