"""What stands in a report and in which order: the same for every format that people read."""

import re
from dataclasses import dataclass, field

from reports import layout
from reports.report import Report

KEYS = {"claims": ("claim", "comparison"), "comparisons": ("family", "contrast")}
"""Columns that name what a row is about; elsewhere it is the first one."""


@dataclass(frozen=True)
class Part:
    """A grid and its place. name: unique within the report, of `[A-Za-z0-9-]`. kind: claims, results, comparisons or ledger."""

    name: str
    kind: str
    grid: layout.Grid

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that tell its rows apart."""
        return KEYS.get(self.kind, tuple(self.grid.header[:1]))


@dataclass(frozen=True)
class Section:
    """A heading and the grids below it."""

    name: str
    heading: str
    parts: list[Part] = field(default_factory=list)


def banners(report: Report) -> list[tuple[str, str]]:
    """Return what a reader must know before the first number: a word, and the sentence that explains it."""
    told = []
    if not report.complete:
        told.append(("Incomplete", "the trials at the end have no result."))
    if report.exploratory:
        told.append(("Exploratory", report.exploratory))
    return told


def sections(report: Report) -> list[Section]:
    """Return the claims, where the suite makes any, and every table with its comparisons."""
    found = []
    if (claims := layout.claims(report)) is not None:
        found.append(Section("claims", "Claims", [Part("claims", "claims", claims)]))
    used = {"claims", "figures", "ledger", "provenance"}
    for table in report.tables:
        section = Section(_unique(table.name or table.stage, used), table.title)
        for block in table.blocks:
            name = _unique(f"{section.name}-{block.metric}", used)
            section.parts.append(Part(name, "results", layout.results(table, block)))
            if block.contrasts:
                section.parts.append(Part(_unique(f"{name}-comparisons", used), "comparisons", layout.comparisons(table, block)))
        found.append(section)
    return found


def ledger(report: Report) -> Section | None:
    """Return the trials without a result; None where every trial finished."""
    grid = layout.ledger(report)
    if grid is None:
        return None
    return Section("ledger", "Trials without a result", [Part("trials-without-a-result", "ledger", grid)])


def slug(name: str) -> str:
    """Return a name fit for an anchor or a label."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "part"


def _unique(name: str, used: set[str]) -> str:
    found = slug(name)
    while found in used:
        found += "-x"
    used.add(found)
    return found
