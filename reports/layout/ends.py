"""What stands at the end of a report: the trials without a result, and where the rest comes from."""

from datetime import UTC, datetime

from bench.reports.layout.grid import NOTHING, Text, TextGrid
from bench.reports.report import ReportData


def ledger(report: ReportData) -> TextGrid | None:
    """Lay out the trials without a result; None where every trial finished."""
    if not report.ledger:
        return None
    missing = sum(entry.trials for entry in report.ledger)
    title = "Trials without a result"
    grid = TextGrid(
        title,
        f"{title}: {missing} of {report.summary.trials}.",
        ["stage", "cell", "seeds", "outcome", "trials", "message"],
    )
    for entry in report.ledger:
        seeds = ", ".join(map(str, entry.seeds))
        row = [entry.stage, entry.cell, seeds, entry.outcome, str(entry.trials), " ".join(entry.message.split()) or NOTHING]
        grid.rows.append([Text((text,)) for text in row])
    return grid


def provenance(report: ReportData) -> list[tuple[str, str]]:
    """Return what stands at the end of a report: name and text of each line."""
    source = report.summary
    lines = [
        ("suite", f"{report.suite}, profile {report.profile}"),
        ("trials", f"{source.trials}: " + ", ".join(f"{n} {outcome}" for outcome, n in source.outcomes.items())),
    ]
    if source.first is not None and source.last is not None:
        lines.append(("recorded", f"{moment(source.first)} to {moment(source.last)}"))
    details = {"device": source.devices, "packs": source.packs, "commit": source.commits, "versions": source.versions}
    if len(source.instructions) > 1:
        details["mixed instruction sets"] = [
            *source.instructions,
            "each rounds in its own way: another one is another sample",
        ]
    for name, values in details.items():
        if values:
            lines.append((name, "; ".join(values)))
    return lines


def moment(seconds: float) -> str:
    """Return a time, Unix seconds, as one reads it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
