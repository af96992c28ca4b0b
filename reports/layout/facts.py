"""What a report is, in a few words: data, device, seeds and trials."""

from bench.reports.report import ReportData


def facts(report: ReportData) -> list[tuple[str, str]]:
    """Return name and text of each, of those that are known. What was declared stands in the banners."""
    source = report.summary
    found = [
        ("data", report.data),
        ("device", "; ".join(source.devices)),
        ("seeds", _seeds(sorted(set(report.seeds.values())))),
        ("trials", f"{source.trials}: " + ", ".join(f"{n} {outcome}" for outcome, n in source.outcomes.items())),
    ]
    return [(name, text) for name, text in found if text]


def _seeds(counts: list[int]) -> str:
    if not counts:
        return ""
    return f"{counts[0]} a cell" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} a cell, by stage"
