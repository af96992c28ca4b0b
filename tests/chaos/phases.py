"""Moments of a run at which a fault may strike, drawn from a seed: a phase, and how far into it."""

import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .processes import Run
from .proxy import Proxy

PHASES = ("importing", "planning", "training", "between epochs", "writing", "between rounds", "finishing")
TRAINING = ("training", "between epochs", "writing")
"""The phases in which workers train."""
PLANNED, TRIAL_ENDED, ROUND_ENDED = r"^(to do|estimated time):", r"^\[\d+/\d+ done", r"^.*; the tracker took "
"""What a run says when it has planned, after each trial and after each round."""


@dataclass(frozen=True)
class Reference:
    """What an undisturbed run of a suite came to. report, values and curves: see `invariants`. trials: that were told as ended.
    rounds: how many it took. seconds: from start to end. left: what it leaves in its folder and that for temporary files."""

    trials: int
    rounds: int
    seconds: float
    report: str
    values: dict[str, dict[str, object]]
    curves: dict[str, dict[str, list[tuple[int, float]]]]
    left: frozenset[str]


@dataclass(frozen=True)
class Moment:
    """phase: one of PHASES. count: how often what begins it was seen before. delay: seconds after that."""

    phase: str
    count: int
    delay: float

    @staticmethod
    def draw(source: random.Random, phases: Sequence[str], reference: Reference, marks: bool) -> "Moment":
        """Draw a moment. marks: whether the suite's trials note their epochs."""
        can = [
            phase
            for phase in phases
            if (marks or phase != "between epochs") and (reference.rounds > 1 or phase != "between rounds")
        ]
        phase = source.choice(can)
        count, delay = {
            "importing": (0, source.uniform(0.0, 1.5)),
            "planning": (0, source.uniform(0.0, 4.0)),
            "training": (source.randrange(reference.trials), source.uniform(0.0, 0.8)),
            "between epochs": (source.randrange(1, 2 * reference.trials), 0.0),
            "writing": (source.randrange(1, 6 * reference.trials), source.uniform(0.0, 0.02)),
            "between rounds": (source.randrange(1, max(2, reference.rounds)), source.uniform(0.0, 0.4)),
            "finishing": (reference.rounds, source.uniform(0.0, 0.8)),
        }[phase]
        return Moment(phase, count, round(delay, 3))

    def wait(self, run: Run, seen: Callable[[], int]) -> bool:
        """Wait until a run is there; return whether it got there before it ended. seen: counts what begins the phase."""
        while seen() < self.count:
            if run.code is not None:
                return False
            time.sleep(0.0005 if self.phase == "writing" else 0.01)
        time.sleep(self.delay)
        return run.code is None


class Watch:
    """Counts what begins each phase of a run. store: the files in which a write shows. proxy: else what sees writes."""

    def __init__(self, run: Run, marks: Path, store: Path | None = None, proxy: Proxy | None = None):
        self.run, self.marks, self.store, self.proxy = run, marks, store, proxy
        self._known, self._changes = self._state(), 0
        self._planned: int | None = None
        """Writes there were when the run had planned."""
        self._before = proxy.writes if proxy else 0

    def seen(self, phase: str) -> Callable[[], int]:
        return {
            "importing": lambda: 0,
            "planning": lambda: 0 if self.run.find("fork server") else -1,
            "training": lambda: self._lines(TRIAL_ENDED) if self._lines(PLANNED) else -1,
            "between epochs": lambda: self.marks.read_bytes().count(b"\n") if self.marks.exists() else 0,
            "writing": self._writes_since_planned,
            "between rounds": lambda: self._lines(ROUND_ENDED),
            "finishing": lambda: self._lines(ROUND_ENDED),
        }[phase]

    def _lines(self, pattern: str) -> int:
        return len(re.findall(pattern, self.run.said, re.MULTILINE))

    def _writes_since_planned(self) -> int:
        """Return how many writes there were since the run said what it has to do: before that, it may end with the store."""
        writes = self._writes()
        if self._planned is None and self._lines(PLANNED):
            self._planned = writes
        return -1 if self._planned is None else writes - self._planned

    def _writes(self) -> int:
        """Return how many writes there were: requests, or changes of the store's file and its journals."""
        if self.proxy:
            return self.proxy.writes - self._before
        if (now := self._state()) != self._known:
            self._known = now
            self._changes += 1
        return self._changes

    def _state(self) -> list[tuple[int, int] | None]:
        return (
            [_facts(self.store.with_name(self.store.name + ending)) for ending in ("", "-journal", "-wal")] if self.store else []
        )


def _facts(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
