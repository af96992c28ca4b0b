"""What a report opens with: whether its claims were declared before the first trial, and what changed since."""

from bench.reports.declared import Declared, DeclaredChange
from bench.reports.layout.ends import moment
from bench.reports.layout.grid import NOTHING, Text, TextGrid
from bench.reports.report import ReportData

DIGITS = 12
"""Of a hash, so many digits are shown."""


def sentence(declared: Declared) -> str:
    """Say how the declaration stands to the first trial."""
    parts = [_recorded(declared)]
    if declared.changes:
        parts.append(_changed(declared))
    if declared.exploratory:
        parts.append(f"Exploratory, as a term of theirs changed: {', '.join(sorted(declared.exploratory))}.")
    if declared.unreadable:
        parts.append(f"Entries that cannot be read: {declared.unreadable}.")
    if declared.lock:
        deviations = sum(change.deviates for change in declared.changes)
        parts.append(f"Locked in {declared.lock} ({declared.locked}); deviations, without a reason: {deviations or 'none'}.")
    return " ".join(parts)


def _recorded(declared: Declared) -> str:
    if declared.since is None:
        return "not recorded: these trials ran before bench kept declarations, or something else logged them."
    where = f"{moment(declared.since)}, commit {declared.commit}, SHA-256 {declared.digest[:DIGITS]}"
    if declared.late:
        runs = "1 run was" if declared.late == 1 else f"{declared.late} runs were"
        return f"not recorded before the first trial, but when {runs} stored already ({where})."
    return f"before the first trial ({where})."


def _changed(declared: Declared) -> str:
    items = "1 item" if len(declared.changes) == 1 else f"{len(declared.changes)} items"
    back = ", and back: the suite says today what it said then" if declared.same and declared.since is not None else ""
    return f"{items} changed{back}; see below."


def changes(report: ReportData) -> TextGrid | None:
    """Lay out what changed in the declaration; None where nothing did."""
    if report.declared is None or not report.declared.changes:
        return None
    title = "Changes of the declaration"
    grid = TextGrid(
        title,
        f"{title}: what was declared before the first trial and what is so since, item by item.",
        ["item", "from", "to", "since", "reason"],
    )
    for change in report.declared.changes:
        row = [change.item, change.before, change.after, _since(change), _reason(change)]
        grid.rows.append([Text((text,)) for text in row])
    return grid


def _since(change: DeclaredChange) -> str:
    if change.unlocked:
        return "before the first trial"
    return "now, in no run yet" if change.since is None else f"{moment(change.since)}, after {change.runs} runs"


def _reason(change: DeclaredChange) -> str:
    return change.reason or ("none: a deviation" if change.deviates else NOTHING)
