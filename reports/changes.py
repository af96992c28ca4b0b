"""What lies between two sets of results: settings, machines, versions; and which trials should have come out the same."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from bench.grammar.metrics import by_name
from bench.reports.sides import Place, Seeds, Side
from bench.trackers import StoredRun
from bench.trackers.record import Artifact, commit, device, fingerprint, instructions, pack, versions

HEAD = ("stage", "cell", "seed", "fingerprint", "folder")
"""What the stored configuration of a trial says beside its settings."""
NOTHING_SAID = "–"
OTHER = "what is read beside the configuration (files, custom components, weights), or bench itself"
Pair = tuple[Place, Seeds, Seeds]
"""A cell, and its trials in the baseline and in the candidate."""


@dataclass(frozen=True)
class Change:
    """Something that differs. cells: how many have this change, None where it is not a matter of cells."""

    what: str
    baseline: str
    candidate: str
    cells: int | None = None


@dataclass(frozen=True)
class Repeats:
    """What was to be expected of the trials of both sides. matched: trials of the same cell and seed on both. same_run: the very
    same run stands for them. same: other runs of equal fingerprints, of which the same result is expected; identical: those of
    them that have it, in every metric but times and memory. differing: a cell and seed, and a metric, of the first ones that have
    another."""

    matched: int = 0
    same_run: int = 0
    same: int = 0
    identical: int = 0
    differing: tuple[str, ...] = ()


def repeats(baseline: Side, candidate: Side, pairs: Sequence[Pair], named: int = 3) -> Repeats:
    """Count the trials that should have come out the same, and those that have. named: of how many others the place is told."""
    matched = same_run = same = identical = 0
    differing: list[str] = []
    for place, first, second in pairs:
        before, after = baseline.runs(first), candidate.runs(second)
        for at in sorted(before.keys() & after.keys()):
            a, b = before[at], after[at]
            matched += 1
            same_run += a.run_id == b.run_id
            if a.run_id != b.run_id and fingerprint(a) and fingerprint(a) == fingerprint(b):
                same += 1
                if metric := _first_difference(a, b):
                    differing.append(f"{place[0]}: {', '.join(place[1])}, seed={at[0]} ({metric})")
                else:
                    identical += 1
    return Repeats(matched, same_run, same, identical, tuple(differing[:named]))


def changes(baseline: Side, candidate: Side, pairs: Sequence[Pair]) -> list[Change]:
    """Return what differs: first settings, by how many cells have the change, then where and with what it ran."""
    return [*_settings(baseline, candidate, pairs), *_surroundings(baseline, candidate, pairs)]


def _first_difference(a: StoredRun, b: StoredRun) -> str:
    """Return the first metric, of those that do not depend on the machine, in which two runs differ; "" where none does."""
    names = [name for name in sorted(a.metrics.keys() | b.metrics.keys()) if not by_name(name).is_ratio]
    return next((name for name in names if a.metrics.get(name) != b.metrics.get(name)), "")


def _settings(baseline: Side, candidate: Side, pairs: Sequence[Pair]) -> Iterator[Change]:
    """Yield the settings that differ; one trial speaks for its cell."""
    cells: dict[tuple[str, str, str], int] = defaultdict(int)
    unexplained = unsaid = 0
    for _, first, second in pairs:
        before, after = baseline.runs(first), candidate.runs(second)
        at = next((at for at in before if at in after), None)
        if at is None:
            continue
        a, b = before[at], after[at]
        if fingerprint(a) and fingerprint(a) == fingerprint(b):
            continue
        said, says = (_configuration(side, run) for side, run in ((baseline, a), (candidate, b)))
        if said is None or says is None:
            unsaid += 1
            continue
        changed = [name for name in [*said, *(name for name in says if name not in said)] if said.get(name) != says.get(name)]
        for name in changed:
            cells[name, said.get(name, NOTHING_SAID), says.get(name, NOTHING_SAID)] += 1
        unexplained += not changed
    yield from (Change(*what, cells=count) for what, count in sorted(cells.items(), key=lambda item: -item[1]))
    if unexplained:
        yield Change(f"no setting, but {OTHER}", NOTHING_SAID, NOTHING_SAID, unexplained)
    if unsaid:
        yield Change("settings that the runs have not stored", NOTHING_SAID, NOTHING_SAID, unsaid)


def _configuration(side: Side, run: StoredRun) -> dict[str, str] | None:
    """Return the settings of a run, dotted name → text; None where it has stored none that can be read."""
    content = side.artifact(run.run_id, Artifact.CONFIG) or side.artifact(run.run_id, Artifact.MEMBERS)
    try:
        said = yaml.safe_load(content) if content else None
    except (yaml.YAMLError, UnicodeDecodeError):
        return None
    if not isinstance(said, dict):
        return None
    whole = {name: value for name, value in said.items() if name not in HEAD and not name.startswith(("members", "as good"))}
    return dict(_flat(whole))


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        value = dict(enumerate(value))
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name, str(value)


def _surroundings(baseline: Side, candidate: Side, pairs: Sequence[Pair]) -> Iterator[Change]:
    sides = [
        {run.run_id: run for _, first, _ in pairs for run in baseline.runs(first).values()}.values(),
        {run.run_id: run for _, _, second in pairs for run in candidate.runs(second).values()}.values(),
    ]

    def distinct(runs: Any, read: Any) -> str:
        return ", ".join(sorted({text for run in runs if (text := read(run))})) or NOTHING_SAID

    read_by: Mapping[str, Any] = {
        "device": device,
        "instruction set": instructions,
        "precision": lambda run: run.tags.get("precision", ""),
        "trials a pack": lambda run: str(pack(run)[0]),
        "threads of a worker": lambda run: run.tags.get("threads", ""),
        "workers": lambda run: run.tags.get("workers", ""),
        "commit": commit,
    }
    for what, read in read_by.items():
        before, after = (distinct(runs, read) for runs in sides)
        if before != after:
            yield Change(what, before, after)
    numbers = [_versions(runs) for runs in sides]
    for package in sorted(numbers[0].keys() | numbers[1].keys()):
        before, after = (", ".join(sorted(of.get(package, ()))) or NOTHING_SAID for of in numbers)
        if before != after:
            yield Change(f"version of {package}", before, after)


def _versions(runs: Any) -> dict[str, set[str]]:
    """Return package → its versions."""
    found: dict[str, set[str]] = defaultdict(set)
    for run in runs:
        for part in versions(run).split(", "):
            package, _, number = part.partition(" ")
            if number:
                found[package].add(number)
    return found
