"""Lock a suite: write down what it declares, beside it, before it runs."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.errors import BenchError
from bench.grammar.declaration import Change, changes
from bench.grammar.document import write_whole
from bench.runner import provenance
from bench.suite import lock as locks
from bench.suite.declaration import declaration
from bench.suite.load import load_suite
from bench.suite.lock import LockFile, Moment
from bench.suite.suite import Suite


@dataclass(frozen=True)
class Locked:
    """What was locked. path: of the lock file. new: profiles that it had not. changes: profile → what changed in it."""

    path: Path
    new: list[str] = field(default_factory=list)
    changes: dict[str, list[Change]] = field(default_factory=dict)


def lock(path: str | Path, profile: str | None = None, *, reason: str = "") -> Locked:
    """Write what a suite declares into the lock file beside it, and return what is new there.

    profile: only with this one; None locks the suite without a profile, and with each of its own. reason: why it differs from
    what the lock file says, where it does. Raises BenchError where it differs and no reason is given: then nothing is written;
    and, with file and line, for a suite or a lock file that is wrong.
    """
    first = load_suite(path, profile=profile)
    suites = [first, *(load_suite(path, profile=name) for name in ([] if profile else first.spec.profiles))]
    before = locks.read(path, first.name)
    profiles = dict(before.profiles) if before else {}
    moment = Moment(time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), commit_of(first), " ".join(reason.split()))
    result = Locked(locks.lock_path(path))
    for suite in suites:
        declared, there = declaration(suite), profiles.get(suite.profile)
        if there is None:
            result.new.append(suite.profile)
        elif differences := there.since(declared):
            result.changes[suite.profile] = differences
        if not (result.changes and not moment.reason):
            profiles[suite.profile] = locks.locked(there, declared, moment)
    if result.changes and not moment.reason:
        lines = [f"{name}: {described(change)}" for name, differences in result.changes.items() for change in differences]
        raise BenchError(
            "\n  ".join([f"is locked, and {path} declares otherwise:", *lines]),
            where=str(result.path),
            mend="say why with --reason TEXT, or take it back",
        )
    if result.new or result.changes:
        write_whole(result.path, locks.text(LockFile(suite=first.name, profiles=profiles)), "make its folder writable")
    return result


def described(change: Change) -> str:
    """Return a change on one line."""
    before, after = change.texts
    return f"{change.item}: {before} → {after}"


def disagreements(suite: Suite) -> list[Change]:
    """Return where a suite declares otherwise than its lock file: [] where there is none, or none of this profile.

    Raises BenchError, with file and line, for a lock file that is wrong.
    """
    lock = locks.read(suite.document.file, suite.name)
    there = lock.profiles.get(suite.profile) if lock else None
    return changes(there.declared, declaration(suite)) if there else []


def lock_path(suite: Suite) -> Path:
    """Return where the lock file of a suite lies."""
    return locks.lock_path(suite.document.file)


def commit_of(suite: Suite) -> str:
    """Return the commit of a suite's folder."""
    return provenance.commit(str(Path(suite.document.file).resolve().parent))
