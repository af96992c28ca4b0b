"""What was declared of an experiment, in its notes: a list to which each declaration is added that differs from the last one."""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from bench.trackers.base import Tracker

NAME = "declared."
"""What the names of its notes begin with."""


@dataclass(frozen=True)
class StoredDeclaration:
    """One entry. number: from 1; readers go by it, since clocks differ. since: Unix seconds. runs: how many the experiment had
    then. commit: of the suite's folder. digest: hash of the content. content: what was declared, None where it cannot be read."""

    number: int
    since: float
    runs: int
    commit: str
    digest: str
    content: dict[str, Any] | None


def stored(tracker: Tracker, experiment: str) -> list[StoredDeclaration]:
    """Return what was declared, the oldest first. Two that say the same, one behind the other, are one."""
    notes = tracker.notes(experiment).items()
    entries = [_read(name.removeprefix(NAME), text) for name, text in notes if name.startswith(NAME)]
    entries.sort(key=lambda entry: (entry.number, entry.digest, entry.since))
    return [next(alike) for _, alike in groupby(entries, key=lambda entry: entry.digest)]


def declare(tracker: Tracker, experiment: str, content: Mapping[str, Any], digest: str, commit: str, runs: int) -> None:
    """Add a declaration to the experiment, which is open, unless it is the last one. Nobody's entry takes another's place."""
    before = stored(tracker, experiment)
    if before and before[-1].digest == digest:
        return
    number = before[-1].number + 1 if before else 1
    entry = {"since": time.time(), "runs": runs, "commit": commit, "digest": digest, "declared": content}
    tracker.note(f"{NAME}{number}.{uuid.uuid4().hex}", json.dumps(entry))


def _read(name: str, text: str) -> StoredDeclaration:
    """Return an entry; of a damaged one what can be read."""
    number = name.partition(".")[0]
    order = int(number) if number.isdecimal() else 0
    try:
        entry = json.loads(text)
        since, runs, content = float(entry["since"]), int(entry["runs"]), dict(entry["declared"])
        return StoredDeclaration(order, since, runs, str(entry["commit"]), str(entry["digest"]), content)
    except (ValueError, KeyError, TypeError, RecursionError):
        return StoredDeclaration(order, 0.0, 0, "", name, None)
