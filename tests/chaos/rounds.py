"""A round: a fresh folder, a fault, then one more `bench run`, and what must hold after it."""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import Any

from tests import servers

from . import invariants
from .phases import PHASES, Moment, Reference, Watch
from .processes import LIMIT, ROOT, Host, Run, kill, marked
from .stores import KINDS, Store, Stores
from .suites import ORDINARY, SUITES

LEASE = 5
"""Seconds after which a store takes a silent holder for gone, here."""
WORDS = ("--pack", "off")
"""Of every run: packs round in their own way, so that results would depend on how many trials are left."""


@dataclass(frozen=True)
class Scenario:
    """A named fault.

    disturb: starts what is disturbed, strikes and takes the fault away again, and returns. stores, suites: with which it makes
    sense. survives: the disturbed run must get through by itself,
    unless the round says otherwise. repeats: finished trials may have to be trained again. exits:
    what the next run may end with; where that is not 0, its tables are not compared. missing: why it cannot be run in a folder
    here, "" where it can.
    """

    name: str
    about: str
    disturb: Callable[["Round"], None]
    stores: tuple[str, ...] = KINDS
    suites: tuple[str, ...] = ORDINARY
    survives: bool = False
    repeats: bool = False
    exits: tuple[int, ...] = (0,)
    missing: Callable[[Path], str] = lambda folder: ""


@dataclass
class Result:
    """How a round went. fired: whether the fault struck (a run may be over before). drawn: what the seed came to. skipped: why it
    was not run. broken: what did not hold, by check; ignored: and what is not to matter."""

    scenario: str
    seed: int
    store: str
    suite: str = ""
    drawn: dict[str, Any] = field(default_factory=dict)
    fired: bool = False
    skipped: str = ""
    broken: dict[str, str] = field(default_factory=dict)
    ignored: dict[str, str] = field(default_factory=dict)
    codes: dict[str, int | None] = field(default_factory=dict)
    measured: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    folder: str = ""

    @property
    def passed(self) -> bool:
        return not self.broken and not self.skipped

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "passed": self.passed, "commit": _commit()}


class Round:
    """What a scenario disturbs. `draw` is its source of randomness: two rounds of one seed draw the same."""

    def __init__(self, session: "Session", scenario: Scenario, seed: int, kind: str):
        self.session, self.scenario, self.seed, self.kind = session, scenario, seed, kind
        self.result = Result(scenario.name, seed, kind)
        self.draw = random.Random(f"{scenario.name}/{kind}/{seed}")
        self.name = f"chaos_{uuid.uuid4().hex[:8]}"
        self.folder = session.folder / f"{scenario.name}-{kind}-{seed}-{self.name[-4:]}"
        self.work, self.temporary, self.logs = (self.folder / name for name in ("work", "tmp", "logs"))
        for folder in (self.work, self.temporary, self.logs):
            folder.mkdir(parents=True)
        self.marks = self.logs / "marks"
        self.data = session.data
        self.runs: list[Run] = []
        self.next_host: Host | None = None
        self.next_words: tuple[str, ...] = ()
        self.survives = scenario.survives
        self.environment: dict[str, str] = {}
        self.open = ExitStack()
        """Ends with the round, whatever happens."""
        suite = self.note("suite", self.draw.choice(scenario.suites))
        self.result.suite = suite
        self.suite = SUITES[suite]
        self.workers = self.note("workers", self.draw.randint(1, min(self.suite.most, _cores())))
        self.reference = session.reference(suite)
        self.store: Store

    def note(self, name: str, value: Any) -> Any:
        """Note what was drawn; return it."""
        self.result.drawn[name] = _plain(value)
        return value

    def prepare(self, *, fresh: bool = False) -> Path:
        """Write the suite and open the store, now that the folders are as the scenario wants them. Return the suite's file."""
        self.store = self.session.store(self.kind, self.work, self.name, fresh=fresh)
        self.open.callback(self.store.close)
        return self.suite.write(self.work, self.store.experiment)

    def moment(self, phases: Sequence[str] = PHASES, name: str = "moment") -> Moment:
        moment: Moment = self.note(name, Moment.draw(self.draw, phases, self.reference, self.suite.marks))
        return moment

    def start(self, *words: str, host: Host | None = None) -> Run:
        """Start a `bench run`."""
        run = Run(
            ["suite.yaml", "--workers", str(self.workers), *WORDS, *words],
            folder=self.work,
            logs=self.logs,
            mark=f"{self.name}.run{len(self.runs)}",
            environment=self._environment(),
            host=host,
        )
        self.runs.append(run)
        return run

    def reach(self, moment: Moment, run: Run) -> bool:
        """Wait until a run is at a moment; return whether it got there before it ended."""
        watch = Watch(run, self.marks, self.store.file, self.store.proxy)
        return moment.wait(run, watch.seen(moment.phase))

    def fired(self, struck: object = True) -> None:
        """Note that the fault struck, if it did."""
        self.result.fired = self.result.fired or bool(struck)

    def expect(self, check: str, wrong: str) -> None:
        """Note what is wrong, if something is."""
        broken = self.result.ignored if check in self.session.ignored else self.result.broken
        if wrong:
            broken[check] = f"{broken[check]}; {wrong}" if check in broken else wrong

    def _environment(self) -> dict[str, str]:
        own = {
            "TMPDIR": str(self.temporary),
            "BENCH_DATA": str(self.data),
            "BENCH_LEASE_SECONDS": str(LEASE),
            "MARKS": str(self.marks),
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
        }
        kept = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
        return kept | own | dict(self.store.environment) | self.environment

    def finish(self) -> None:
        """Run the suite once more, undisturbed, and check what must hold after it."""
        before = self.store.runs() if self.store.file is None or self.store.file.exists() else []
        disturbed = list(self.runs)
        last = self.start(*self.next_words, host=self.next_host)
        last.wait()
        runs = self.store.runs()
        allowed = self.scenario.exits
        self.expect("exit", invariants.exits(last, allowed))
        for run in self.runs:
            self.expect("traceback", invariants.traceback(run))
        if self.survives and self.result.fired and disturbed:
            self.expect("survives", invariants.exits(disturbed[-1]))
        for run in disturbed:
            if run.hung:
                self.expect("hangs", f"{run.mark} did not end within {LIMIT:g} s")
        self.expect("running", invariants.running(runs))
        if last.code == 0:
            found = invariants.findings(self.work / "suite.yaml", self.store)
            self.expect("counts", invariants.counts(found, runs))
            self.expect("tables", invariants.tables(found, self.reference))
            self.expect("superseded", invariants.superseded(found, runs))
            if not self.scenario.repeats:
                self.expect("kept", invariants.kept(before, found))
                self.expect("repeated", invariants.repeated(found, runs))
        self.expect("orphans", self._orphans())
        self.expect("leftovers", invariants.leftovers(self.work, self.temporary, self.store, self.reference))
        self.expect("checkpoints", invariants.checkpoints(self.data))
        self.result.measured["resumed"] = sum("resumed" in run.tags for run in runs)

    def _orphans(self) -> str:
        """Return what is left, after a while in which what is ending may end."""
        deadline = time.monotonic() + 10
        while (left := invariants.orphans(self.name)) and time.monotonic() < deadline:
            time.sleep(0.2)
        return left

    def close(self) -> None:
        """End all that the round has started, and make its faults good."""
        kill(marked(self.name))
        for run in self.runs:
            run.process.wait()
        self.result.codes = {run.mark.rpartition(".")[2]: run.code for run in self.runs}
        if not self.result.passed and not self.result.skipped:
            _save(self.work, self.folder / "kept")  # what is mounted there goes with the block
        self.open.close()


class Session:
    """What rounds share: data prepared once, what undisturbed runs come to, and servers. A context manager.

    folder: below which each round has its own; those of rounds that failed stay. Its path must be short: sockets lie below it.
    ignored: checks that a round may break and yet pass.
    """

    def __init__(self, folder: Path, ignored: Sequence[str] = ()):
        self.folder, self.ignored = folder, ignored
        self.data = folder / "data"
        self.stores = Stores(folder)
        self._references: dict[str, Reference] = {}
        self._lock = threading.RLock()
        """Held while what rounds share is made."""

    def __enter__(self) -> "Session":
        # a shell lets what it starts in the background ignore Ctrl-C, and children inherit that, but no handler
        self._handlers = {
            signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
            signal.SIGTERM: signal.signal(signal.SIGTERM, lambda *_: sys.exit(143)),  # with its servers
        }
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self.stores.close()

    def reference(self, suite: str) -> Reference:
        """Return what an undisturbed run of a suite comes to. Raises RuntimeError where it does not run to its end."""
        with self._lock:
            if suite not in self._references:
                self._references[suite] = self._undisturbed(suite)
            return self._references[suite]

    def store(self, kind: str, work: Path, name: str, *, fresh: bool) -> Store:
        """Return a store for a round; see `Stores.make`."""
        with self._lock:
            return self.stores.make(kind, work, name, fresh=fresh)

    def _undisturbed(self, suite: str) -> Reference:
        work, temporary, logs = (self.folder / "undisturbed" / suite / name for name in ("work", "tmp", "logs"))
        for folder in (work, temporary, logs):
            folder.mkdir(parents=True)
        store = self.store("sqlite", work, suite, fresh=False)
        path = SUITES[suite].write(work, store.experiment)
        own = {"TMPDIR": str(temporary), "BENCH_DATA": str(self.data), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        kept = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
        words = [path.name, "--workers", "1", *WORDS]
        began = time.monotonic()
        run = Run(words, folder=work, logs=logs, mark=f"undisturbed_{uuid.uuid4().hex[:8]}.run", environment=kept | own)
        try:
            if wrong := run.wait() and invariants.exits(run):
                raise RuntimeError(f"undisturbed, {suite} does not run: {wrong}")
        finally:
            kill(marked(run.mark))
        seconds = time.monotonic() - began
        found = invariants.findings(path, store)
        watch = Watch(run, logs / "marks")
        return Reference(
            trials=watch.seen("training")(),
            rounds=watch.seen("finishing")(),
            seconds=seconds,
            report=found.report,
            values=found.values,
            curves=found.curves,
            left=invariants.left_in(work, temporary),
        )

    def run(self, scenario: Scenario, seed: int, kind: str) -> Result:
        """Run a round; whatever goes wrong in it is in the result."""
        began = time.monotonic()
        if kind not in scenario.stores:
            return Result(scenario.name, seed, kind, skipped=f"not with {kind}")
        if why := scenario.missing(self.folder):
            return Result(scenario.name, seed, kind, skipped=why)
        one = Round(self, scenario, seed, kind)
        try:
            scenario.disturb(one)
            one.finish()
        except servers.NotHere as error:
            one.result.skipped = str(error)
        except Exception:  # also of what is checked: a store that cannot be read is a finding
            one.expect("harness", traceback.format_exc())
        finally:
            one.close()
        result = one.result
        result.seconds = round(time.monotonic() - began, 1)
        if result.broken:
            result.folder = str(one.folder)
        else:
            shutil.rmtree(one.folder, ignore_errors=True)
        return result


def end_of_logs(folder: Path, lines: int = 15) -> str:
    """Return the last lines of each log of a round."""
    parts = []
    for path in sorted((folder / "logs").glob("run*")):
        if text := path.read_text(errors="replace").strip():
            parts.append("\n".join([f"--- {path.name}", *text.splitlines()[-lines:]]))
    return "\n".join(parts)


def _plain(value: Any) -> Any:
    """Return what was drawn as JSON can say it."""
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    return {name: _plain(one) for name, one in value.items()} if isinstance(value, dict) else value


def _save(work: Path, to: Path) -> None:
    """Keep what lies on a mount, which ends with the round."""
    if work.is_mount():
        shutil.copytree(work, to, symlinks=True, ignore_dangling_symlinks=True)


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _commit() -> str:
    found = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return found.stdout.strip() or "unknown"
