"""What stands in a report and in which order: the same for every format that people read."""

import re
from dataclasses import dataclass, field

from bench.reports.figures.base import Figure
from bench.reports.layout import claims, comparisons, declarations, ends, pilot, results, searches, summary, variance
from bench.reports.layout.grid import TextGrid
from bench.reports.report import ReportData
from bench.reports.tables.build import Stack, TableData

OPEN = 4
"""So many tables stand open; the sections of further ones are folded."""

KEYS = {
    "summary": ("claim",),
    "claims": ("claim", "comparison"),
    "pilot": ("claim", "comparison"),
    "variance": ("claim", "comparison"),
    "comparisons": ("family", "contrast"),
    "search": ("trial",),
}
"""Columns that name what a row is about; elsewhere it is the first one."""


@dataclass(frozen=True)
class PlacedGrid:
    """A grid and its place. name: unique within the report, of `[A-Za-z0-9-]`. kind: summary, declaration, claims, variance,
    pilot, results, comparisons, search or ledger. folded: what to open it by, "" of what stands open. extra: whether nobody asks
    for it, so that a short format may leave it out."""

    name: str
    kind: str
    grid: TextGrid
    folded: str = ""
    extra: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that tell its rows apart."""
        return KEYS.get(self.kind, tuple(self.grid.header[:1]))


@dataclass(frozen=True)
class ReportSection:
    """A heading, the grids below it, and the figures beside these. folded: whether it opens on demand."""

    name: str
    heading: str
    parts: list[PlacedGrid] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    folded: bool = False


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


def at_a_glance(report: ReportData) -> PlacedGrid | None:
    """Return the claims in a row each, which stand before all else; None where none is asked."""
    found = summary.summary(report)
    return None if found is None else PlacedGrid("summary", "summary", found.grid)


def sections(report: ReportData) -> list[ReportSection]:
    """Return what changed in the declaration, the claims, where the suite makes any, and every table with its comparisons."""
    report_sections = []
    if (changed := declarations.changes(report)) is not None:
        report_sections.append(
            ReportSection("declaration", "Declaration", [PlacedGrid("declaration", "declaration", changed)], folded=True)
        )
    if (judged := claims.claims(report)) is not None:
        part = PlacedGrid("claims", "claims", judged, "Every claim with its sentence, its test and every seed")
        report_sections.append(ReportSection("claims", "Claims", [part]))
    if (varied := variance.variances(report)) is not None:
        report_sections.append(
            ReportSection("variance", variance.TITLE, [PlacedGrid("variance", "variance", varied)], folded=True)
        )
    if (sized := pilot.sizes(report.pilot)) is not None:
        report_sections.append(ReportSection("pilot", "Pilot", [PlacedGrid("pilot", "pilot", sized)]))
    used = {*(section.name for section in report_sections), "declaration", "claims", "figures", "ledger", "provenance"}
    used |= {"summary", *map(claims.anchor, [claim.name for claim in report.claims] + [claim.name for claim in report.not_asked])}
    for number, table in enumerate(report.tables):
        section = ReportSection(_unique(table.name or table.stage, used), table.title, folded=number >= OPEN)
        # a grid for each value, or for all of them where each is a column; below it the comparisons of each value
        for stacks in [[stack] for stack in table.stacks] if table.column_axes else [table.stacks]:
            metrics = "-".join(stack[0].metric for stack in stacks)
            folded = stacks[0][0].label if section.parts else ""
            name = _unique(f"{section.name}-{metrics}", used)
            section.parts.append(PlacedGrid(name, "results", results.results(table, stacks), folded))
            for stack in stacks if table.planned > 1 else ():
                if comparisons.comparable(stack):
                    section.parts.extend(_compared(table, stack, f"{section.name}-{stack[0].metric}", used))
        report_sections.append(section)
    for search in report.searches:
        section = ReportSection(_unique(f"search-{search.name}", used), f"Search: {search.title}", folded=len(report.tables) > 1)
        section.parts.append(PlacedGrid(_unique(section.name, used), "search", searches.search(search)))
        report_sections.append(section)
    _place(report, report_sections)
    return report_sections


def _compared(table: TableData, stack: Stack, name: str, used: set[str]) -> list[PlacedGrid]:
    """Return the comparisons of a value that somebody asks for, and all others."""
    asked, others = comparisons.comparisons(table, stack)
    of = f"of {stack[0].name}"
    which = f"with {table.baseline} " if table.baseline and others else ""
    parts = [PlacedGrid(_unique(f"{name}-comparisons", used), "comparisons", asked, f"Comparisons {which}{of}")]
    if others:
        told = f"All other comparisons {of} ({len(others.rows)})"
        parts.append(PlacedGrid(_unique(f"{name}-other-comparisons", used), "comparisons", others, told, extra=True))
    return parts


def _place(report: ReportData, found: list[ReportSection]) -> None:
    """Put each figure into the section of what it draws, or of the first table of its stage; the others into one at the end."""
    named = {section.name: section for section in found}
    shown = [section for section in found if any(part.kind == "results" for part in section.parts)]
    tables = {table.name: section for table, section in zip(report.tables, shown, strict=True)}
    stages: dict[str, ReportSection] = {}
    for table, section in zip(report.tables, shown, strict=True):
        stages.setdefault(table.stage, section)
    others = ReportSection("figures", "Figures", folded=bool(report.tables))
    for figure in sorted(report.figures, key=lambda figure: not figure.table):  # beside a table stands what draws it
        if figure.kind == "forest" and not figure.table:
            place = named.get("claims", others)
        elif figure.kind == "trials":
            place = named.get(f"search-{slug(figure.stage)}", others)
        else:
            place = tables.get(figure.table) or stages.get(figure.stage) or others
        place.figures.append(figure)
    if others.figures:
        found.append(others)


def ledger(report: ReportData) -> ReportSection | None:
    """Return the trials without a result; None where every trial finished."""
    grid = ends.ledger(report)
    if grid is None:
        return None
    return ReportSection(
        "ledger", "Trials without a result", [PlacedGrid("trials-without-a-result", "ledger", grid)], folded=True
    )


def slug(name: str) -> str:
    """Return a name fit for an anchor or a label."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "part"


def _unique(name: str, used: set[str]) -> str:
    candidate = slug(name)
    while candidate in used:
        candidate += "-x"
    used.add(candidate)
    return candidate
