"""The lock file of a suite: what it declares, written down before the runs, and every change since with its reason.

It lies beside the suite and bears its name: `tiny.yaml` has `tiny.lock`. No ending of YAML: what looks for suites passes it over.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from bench.config import Config
from bench.errors import BenchError, did_you_mean
from bench.grammar import document as documents
from bench.grammar.declaration import PARTS, Change, Declaration, changes, digest
from bench.grammar.document import Document
from bench.grammar.validation import validated

SUFFIX = ".lock"
HEAD = """\
# What a suite declares, by profile, and what changed since, with the reason. `bench lock` writes this file, and nobody by hand;
# `bench report --check` verifies it.
"""


class LockedChange(Config):
    """What one `bench lock --reason` changed."""

    time: str
    reason: Annotated[str, Field(min_length=1)]
    commit: str
    items: dict[str, dict[Literal["from", "to"], str]]
    """What changed, in words → its value before and after, as text."""


class LockedProfile(Config):
    """What a suite declares under one profile. changes: since it was first locked, the oldest first."""

    locked: str
    """When it was first locked."""
    commit: str
    sha256: str
    """Of `declared`, as JSON with sorted keys."""
    declared: Declaration
    changes: list[LockedChange] = []

    def since(self, declared: Declaration) -> list[Change]:
        """Return what a declaration says otherwise."""
        return changes(self.declared, declared)

    def reason(self, change: Change) -> str:
        """Return why an item came to be as it is now, "" where the file does not say it."""
        after = change.texts[1]
        return next((step.reason for step in reversed(self.changes) if step.items.get(change.item, {}).get("to") == after), "")


class LockFile(Config):
    """A lock file. profiles: `default` is the suite without one."""

    suite: str
    profiles: dict[str, LockedProfile]


@dataclass(frozen=True)
class Moment:
    """When and on what something is locked, and why. commit: of the suite's folder."""

    time: str
    commit: str
    reason: str = ""


def lock_path(suite_file: str | Path) -> Path:
    """Return where the lock file of a suite lies."""
    return Path(suite_file).with_suffix(SUFFIX)


def read(suite_file: str | Path, suite: str) -> LockFile | None:
    """Return the lock file of a suite, by its file and its name; None where there is none.

    Raises BenchError, with file and line, where it cannot be read, is of another suite, or was changed by hand.
    """
    path = lock_path(suite_file)
    if not path.exists():
        return None
    mend = "restore it (`git checkout`), or delete it and lock the suite anew"
    document = documents.read(path, "a lock file is a mapping, `suite: NAME` and `profiles: …`", mend)
    try:
        lock = validated(LockFile, document.data, document.place)
    except BenchError as error:
        raise BenchError(error.message, where=error.where, mend=error.mend or mend) from None
    if lock.suite != suite:
        raise document.error(("suite",), f"is of suite {lock.suite!r}, and {suite_file} is {suite!r}", mend)
    for name, profile in lock.profiles.items():
        _check(document, name, profile, mend)
    return lock


def _check(document: Document, name: str, profile: LockedProfile, mend: str) -> None:
    at = ("profiles", name)
    for part, said in profile.declared.items():
        if part not in PARTS:
            raise document.error((*at, "declared", part), f"{part!r} cannot stand here", did_you_mean(part, PARTS))
        settings = said.values() if part in ("metrics", "claims") and isinstance(said, dict) else ()
        if (part != "alpha" and not isinstance(said, dict)) or not all(isinstance(setting, dict) for setting in settings):
            raise document.error((*at, "declared", part), f"{part!r} is no mapping of settings", mend)
    if digest(profile.declared) != profile.sha256:
        raise document.error((*at, "sha256"), "what is declared here has another hash: it was changed by hand", mend)


def locked(before: LockedProfile | None, declared: Declaration, moment: Moment) -> LockedProfile:
    """Return a profile as it is locked now: as it was where nothing changed, else with the change and its reason."""
    if before is None:
        return LockedProfile(locked=moment.time, commit=moment.commit, sha256=digest(declared), declared=declared)
    if not (differences := before.since(declared)):
        return before
    items = {change.item: dict(zip(("from", "to"), change.texts, strict=True)) for change in differences}
    step = LockedChange(time=moment.time, reason=moment.reason, commit=moment.commit, items=items)
    changed = {"sha256": digest(declared), "declared": declared, "changes": [*before.changes, step]}
    return before.model_copy(update=changed)


def text(lock: LockFile) -> str:
    """Return the lock file's text: a line or two each claim."""
    return HEAD + documents.written(lock.model_dump(mode="json", exclude_defaults=True), depth=5)
