"""What stands in a report and in which order: the same for every format that people read."""

import re
from dataclasses import dataclass, field

from bench.reports.layout import claims, comparisons, declarations, ends, pilot, results, searches, variance
from bench.reports.layout.grid import TextGrid
from bench.reports.report import ReportData

KEYS = {
    "claims": ("claim", "comparison"),
    "pilot": ("claim", "comparison"),
    "variance": ("claim", "comparison"),
    "comparisons": ("family", "contrast"),
    "search": ("trial",),
}
"""Columns that name what a row is about; elsewhere it is the first one."""


@dataclass(frozen=True)
class PlacedGrid:
    """A grid and its place. name: unique within the report, of `[A-Za-z0-9-]`. kind: declaration, claims, variance, pilot,
    results, comparisons, search or ledger."""

    name: str
    kind: str
    grid: TextGrid

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that tell its rows apart."""
        return KEYS.get(self.kind, tuple(self.grid.header[:1]))


@dataclass(frozen=True)
class ReportSection:
    """A heading and the grids below it."""

    name: str
    heading: str
    parts: list[PlacedGrid] = field(default_factory=list)


def banners(report: ReportData) -> list[tuple[str, str]]:
    """Return what a reader must know before the first number, first what the profile is: a word, and the sentence that explains
    it."""
    notices = []
    if report.about is not None:
        notices.append((report.about.name, report.about.sentence))
    if not report.complete:
        notices.append(("Incomplete", "the trials at the end have no result."))
    if report.exploratory:
        notices.append(("Exploratory", report.exploratory))
    if report.declared is not None:
        notices.append(("Declared", declarations.sentence(report.declared)))
    return notices


def sections(report: ReportData) -> list[ReportSection]:
    """Return what changed in the declaration, the claims, where the suite makes any, and every table with its comparisons."""
    report_sections = []
    if (changed := declarations.changes(report)) is not None:
        report_sections.append(ReportSection("declaration", "Declaration", [PlacedGrid("declaration", "declaration", changed)]))
    if (judged := claims.claims(report)) is not None:
        report_sections.append(ReportSection("claims", "Claims", [PlacedGrid("claims", "claims", judged)]))
    if (varied := variance.variances(report)) is not None:
        report_sections.append(ReportSection("variance", variance.TITLE, [PlacedGrid("variance", "variance", varied)]))
    if (sized := pilot.sizes(report.pilot)) is not None:
        report_sections.append(ReportSection("pilot", "Pilot", [PlacedGrid("pilot", "pilot", sized)]))
    used = {*(section.name for section in report_sections), "declaration", "claims", "figures", "ledger", "provenance"}
    for table in report.tables:
        section = ReportSection(_unique(table.name or table.stage, used), table.title)
        # a grid for each value, or for all of them where each is a column; below it the comparisons of each value
        for stacks in [[stack] for stack in table.stacks] if table.column_axes else [table.stacks]:
            metrics = "-".join(stack[0].metric for stack in stacks)
            section.parts.append(
                PlacedGrid(_unique(f"{section.name}-{metrics}", used), "results", results.results(table, stacks))
            )
            for stack in stacks if table.planned > 1 else ():
                if comparisons.comparable(stack):
                    name = _unique(f"{section.name}-{stack[0].metric}-comparisons", used)
                    section.parts.append(PlacedGrid(name, "comparisons", comparisons.comparisons(table, stack)))
        report_sections.append(section)
    for search in report.searches:
        section = ReportSection(_unique(f"search-{search.name}", used), f"Search: {search.title}")
        section.parts.append(PlacedGrid(_unique(section.name, used), "search", searches.search(search)))
        report_sections.append(section)
    return report_sections


def ledger(report: ReportData) -> ReportSection | None:
    """Return the trials without a result; None where every trial finished."""
    grid = ends.ledger(report)
    if grid is None:
        return None
    return ReportSection("ledger", "Trials without a result", [PlacedGrid("trials-without-a-result", "ledger", grid)])


def slug(name: str) -> str:
    """Return a name fit for an anchor or a label."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "part"


def _unique(name: str, used: set[str]) -> str:
    candidate = slug(name)
    while candidate in used:
        candidate += "-x"
    used.add(candidate)
    return candidate
