"""Two sets of results of one suite, compared: its profiles, stores, and commits."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bench.api.plan import planned, records
from bench.api.store import store
from bench.errors import BenchError
from bench.reports import compare as comparing
from bench.reports.compare import SidesCompared
from bench.reports.formats import COMPARED
from bench.reports.formats import compared as formats
from bench.reports.sides import Side
from bench.runner import provenance
from bench.suite.load import load_suite
from bench.suite.suite import Suite
from bench.trackers import StoredRun, Tracker, record
from bench.trackers.errors import shown

KEYS = ("profile", "store", "commit")
HOW = "a side is SUITE.yaml, then as needed @profile:NAME, @store:ADDRESS and @commit:REF (or @REF)"


@dataclass(frozen=True)
class Comparison:
    """Two sets of results compared. data: all of it; see `bench.reports.compare.SidesCompared`."""

    data: SidesCompared

    def passes(self, *, strict: bool = False) -> bool:
        """Whether nothing is worse. strict: nor unknown, nor missing."""
        return self.data.passes(strict=strict)

    def render(self, format: str = "text", *, width: int = 100) -> str:
        """Return it as text. format: text (for a terminal), markdown or json. width: of the terminal, in characters. Raises
        BenchError for an unknown format."""
        if format not in COMPARED:
            raise BenchError(f"no format {format!r}", where="--format", mend=f"one of {', '.join(COMPARED)}")
        return formats.render(self.data, format, width=width)


@dataclass(frozen=True)
class Address:
    """Where a side's results are. text: as it was asked for, without a password. file: "" where it is that of the other side."""

    text: str
    file: str
    profile: str | None = None
    store: str | None = None
    commit: str = ""

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read an address. Raises BenchError where it is none."""
        file, *rest = re.split(rf"@(?=(?:{'|'.join(KEYS)}):)", text)
        parts = [part.partition(":")[::2] for part in rest]
        if not Path(file).exists() and "@" in file:
            file, _, ref = file.rpartition("@")
            parts.append(("commit", ref))
        said = dict(parts)
        if len(said) < len(parts) or not all(said.values()):
            raise BenchError("not the address of results", where=text, mend=HOW)
        return cls(shown(text), file, said.get("profile"), said.get("store"), said.get("commit", ""))


def compare(
    a: str,
    b: str | None = None,
    *,
    baseline: str | None = None,
    margins: Mapping[str, float] | None = None,
    tracker: Tracker | str | None = None,
) -> Comparison:
    """Compare two sets of results of one suite, each cell in each metric of its tables.

    a, b: the baseline and the candidate, `suites/x.yaml` with what it needs of `@profile:NAME`, `@store:ADDRESS` (a tracking URI)
    and `@commit:REF` (the runs made at that commit; else all that count). Without its file b is of that of a. baseline: a commit;
    then a is the candidate, and its runs at that commit are the baseline. margins: metric → the largest loss that does not
    matter, "" → of every metric; see `bench.reports.compare.compare`. tracker: the store where an address names none.
    Raises BenchError for an address that is none, two suites, or a side without any result.
    """
    first = Address.parse(a)
    if (b is None) == (baseline is None):
        mend = "give two sides, or one and --baseline REF"
        raise BenchError("two sets of results are compared", where=a, mend=mend)
    if b is not None:
        second = Address.parse(b)
        second = replace(second, file=second.file or first.file)
    else:
        first, second = replace(first, text=f"{first.text}@commit:{baseline}", commit=baseline or ""), first
    before, after = _opened(first, tracker), _opened(second, tracker)
    if before[0].name != after[0].name:
        message = f"two suites, {before[0].name!r} and {after[0].name!r}, have no cells in common"
        raise BenchError(message, where=second.text, mend="compare results of one suite")
    _check(margins or {}, before[0], after[0])
    suite = after[0]
    return Comparison(
        comparing.compare(suite.name, before[1], after[1], margins=margins or {}, alpha=suite.spec.alpha),
    )


def _opened(address: Address, tracker: Tracker | str | None) -> tuple[Suite, Side]:
    """Open a side: the one place that knows what an address may name. Raises BenchError where there is no result."""
    opens = OPENERS.get(Path(address.file).suffix)
    if opens is None:
        raise BenchError("not the address of results", where=address.text, mend=HOW)
    suite, side = opens(address, tracker)
    if not any(trial.run for trial in side.records):
        where = shown(store(address.store or tracker).uri)
        raise BenchError(f"no results of suite {suite.name!r} in {where}", where=address.text, mend="run it first: bench run")
    return suite, side


def _of_suite(address: Address, tracker: Tracker | str | None) -> tuple[Suite, Side]:
    """Return the side of a suite file: what counts in its report, or what was made at a commit."""
    suite = load_suite(address.file, profile=address.profile, quiet=True)
    held = store(address.store or tracker)
    runs = held.runs(suite.experiment)
    plan = planned(suite, runs, held)
    if address.commit:
        made = _at_commit(runs, address, str(Path(address.file).resolve().parent))
        planned_now = {job.trial.fingerprint for job in plan.jobs.values()}
        # what was configured otherwise then stands for the cell that its tags name
        counted = [run if record.fingerprint(run) in planned_now else _unmarked(run) for run in made]
    else:
        made = counted = runs
    originals = {run.run_id: run for run in made}
    trials = records(plan, counted, held)
    return suite, Side(address.text, trials, suite.tables, held.artifact, originals)


OPENERS: dict[str, Callable[[Address, Tracker | str | None], tuple[Suite, Side]]] = {".yaml": _of_suite, ".yml": _of_suite}
"""Ending of a file → what opens it as a side."""


def _unmarked(run: StoredRun) -> StoredRun:
    return replace(run, tags={name: text for name, text in run.tags.items() if name != "fingerprint"})


def _at_commit(runs: list[StoredRun], address: Address, folder: str) -> list[StoredRun]:
    """Return the runs made at a commit; with `+changes` those made in a tree that differed from it."""
    ref, plus, _ = address.commit.partition("+")
    known = provenance.resolved(folder, ref)
    wanted = f"{known or ref}{plus}{'changes' if plus else ''}"
    made = [run for run in runs if record.commit(run) == wanted or (not known and not plus and _begins(run, ref))]
    if not made:
        there = sorted({record.commit(run) for run in runs} - {""})
        mend = f"runs of these are there: {', '.join(there)}" if there else "no run says at which commit it was made"
        raise BenchError(f"no run was made at commit {wanted}", where=address.text, mend=mend)
    return made


def _begins(run: StoredRun, ref: str) -> bool:
    """Whether a run was made at a commit whose hash begins so, as one that this repository does not have."""
    return bool(re.fullmatch("[0-9a-f]{4,}", ref)) and record.commit(run).startswith(ref[:12]) and "+" not in record.commit(run)


def _check(margins: Mapping[str, float], *suites: Suite) -> None:
    """Check that each margin is of a metric that a table shows, and may be one."""
    tables = [table for suite in suites for table in suite.tables.values()]
    shown = {value.metric for table in tables for value in table.values}
    shown |= {metric for table in tables for metrics in table.also.values() for metric in metrics}
    for metric, margin in margins.items():
        if metric and metric not in shown:
            raise BenchError(f"no table shows {metric!r}", where="--margin", mend=f"one of {', '.join(sorted(shown))}")
        if not 0 <= margin < float("inf"):
            raise BenchError(f"{margin:g} is no margin", where="--margin", mend="give a number of at least 0")
