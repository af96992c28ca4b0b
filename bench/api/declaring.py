"""Records what a suite declares with its first trials, and finds out what changed since."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from bench.api.locking import commit_of
from bench.grammar.declaration import Change, changes, digest
from bench.reports.declared import Declared, DeclaredChange
from bench.suite import lock as locks
from bench.suite.declaration import declaration, touched
from bench.suite.lock import LockedProfile
from bench.suite.suite import Suite
from bench.trackers import StoredRun, Tracker
from bench.trackers import record as run_record
from bench.trackers.declarations import StoredDeclaration, declare, stored
from bench.trackers.record import DeclaredSeeds


def record(suite: Suite, tracker: Tracker, runs: int) -> None:
    """Add what a suite declares to its experiment, which is open, unless it is what was declared last. runs: how many it has."""
    declared = declaration(suite)
    declare(tracker, suite.experiment, declared, digest(declared), commit_of(suite), runs)


def declared(suite: Suite, tracker: Tracker, runs: Sequence[StoredRun]) -> Declared | None:
    """Return how what a suite declares stands to its first trial; None where there is neither a run nor a lock of its profile.

    Raises BenchError, with file and line, for a lock file that is wrong.
    """
    entries = stored(tracker, suite.experiment) if runs else []
    file = locks.read(suite.document.file, suite.name)
    lock = file.profiles.get(suite.profile) if file else None
    if not runs and lock is None:
        return None
    steps = list(_since_the_first(entries))
    now = declaration(suite)
    pilots = _Pilots.of(runs, suite.spec.alpha)
    change_steps = list(_changed(steps, now))
    declared_changes = [_told(change, step, lock, pilots) for change, step in change_steps]
    if lock:  # what the runs stood under from the first, and the lock file never knew
        known = {change.path for change, _ in change_steps}
        unlocked = (change for change in lock.since(now) if change.path not in known)
        declared_changes += [replace(_told(change, None, lock, pilots), unlocked=bool(steps)) for change in unlocked]
    first = steps[0] if steps else None
    return Declared(
        since=first.since if first else None,
        late=first.runs if first else 0,
        commit=first.commit if first else "",
        digest=first.digest if first else "",
        same=first is not None and first.content == now,
        changes=declared_changes,
        exploratory=frozenset(touched(suite, changes(pilots.sized(steps, now), now))) if first else frozenset(),
        unreadable=sum(entry.content is None for entry in entries),
        lock=locks.lock_path(suite.document.file).name if lock else "",
        locked=lock.locked if lock else "",
    )


def _since_the_first(entries: Sequence[StoredDeclaration]) -> Iterator[StoredDeclaration]:
    """Yield the declarations from the one on that stood when the first trial began: the last one recorded before any run was."""
    readable = [entry for entry in entries if entry.content is not None]
    before = sum(entry.runs == 0 for entry in readable)
    yield from readable[max(0, before - 1) :]


def _changed(steps: Sequence[StoredDeclaration], now: dict[str, Any]) -> Iterator[tuple[Change, StoredDeclaration | None]]:
    """Yield every change with the declaration that brought it; None for what no run has yet."""
    for before, after in pairwise(steps):
        yield from ((change, after) for change in changes(before.content or {}, after.content or {}))
    if steps:
        yield from ((change, None) for change in changes(steps[-1].content or {}, now))


@dataclass(frozen=True)
class _Pilots:
    """Which changes of seeds a pilot has brought. counted: stage → what was declared of its seeds when trials that count ran.
    alpha: the level of what says no other."""

    counted: Mapping[str, set[str]]
    alpha: str

    @classmethod
    def of(cls, runs: Sequence[StoredRun], alpha: float) -> "_Pilots":
        counted: dict[str, set[str]] = defaultdict(set)
        for run in runs:
            if not run_record.is_pilot(run):
                counted[run_record.stage(run)].add(run_record.declared_seeds(run).text)
        return cls(counted, f"{alpha:g}")

    def has_set(self, stage: str, before: str | None, after: str | None) -> bool:
        """Whether a change of a stage's seeds only set the sizes, by a pilot, before any trial that counts had run."""
        if before is None or after is None or before in self.counted.get(stage, ()):
            return False
        old, new = DeclaredSeeds.read(before), DeclaredSeeds.read(after)
        return old.pilot > 0 and (old.alpha or self.alpha) == (new.alpha or self.alpha)

    def sized(self, steps: Sequence[StoredDeclaration], now: dict[str, Any]) -> dict[str, Any]:
        """Return what was declared first, with the sizes that pilots have set since."""
        first, *later = [*(step.content or {} for step in steps), now]
        seeds = dict(first.get("seeds") or {})
        for stage in seeds:
            for declared in later:
                after = (declared.get("seeds") or {}).get(stage)
                if after != seeds[stage] and not self.has_set(stage, seeds[stage], after):
                    break
                seeds[stage] = after
        return {**first, "seeds": seeds}


def _told(change: Change, step: StoredDeclaration | None, lock: LockedProfile | None, pilots: _Pilots) -> DeclaredChange:
    before, after = change.texts
    reason = lock.reason(change) if lock else ""
    if not reason and change.path[0] == "seeds" and pilots.has_set(change.path[1], change.before, change.after):
        reason = "set by the pilot, before any trial that counts"
    since, runs = (step.since, step.runs) if step else (None, 0)
    deviates = lock is not None and not reason
    return DeclaredChange(change.item, before, after, since=since, runs=runs, reason=reason, deviates=deviates)
