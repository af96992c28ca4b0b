"""The answer at first glance: how many verdicts there are, and a row a claim with its verdict and its estimate."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from bench.reports.claims.results import ClaimResult, ContrastResult
from bench.reports.claims.rules import NOT_ASKED
from bench.reports.figures.kinds.forest import band, panel_range
from bench.reports.figures.ranges import Range
from bench.reports.layout.claims import anchor, estimate_with_unit, verdict
from bench.reports.layout.grid import NOTHING, SHORT, Text, TextGrid
from bench.reports.layout.head import totals
from bench.reports.numbers import digits, number
from bench.reports.report import ReportData

TITLE = "Claims at a glance"


@dataclass(frozen=True)
class SummaryRow:
    """A claim: its sentence, its cells (of the header of the grid), and what a forest draws of it. band: within which a
    difference does not matter."""

    says: str
    cells: list[Text]
    parts: list[ContrastResult]
    alpha: float
    band: Range | None


@dataclass(frozen=True)
class SummaryGroup:
    """Claims on one quantity, which share an axis. ratio: whether that is logarithmic."""

    quantity: str
    range: Range
    ratio: bool
    rows: list[SummaryRow]


@dataclass(frozen=True)
class Summary:
    """grid: of all rows. groups: the same rows by what they estimate."""

    grid: TextGrid
    groups: list[SummaryGroup]


def counts(report: ReportData) -> list[tuple[str, int]]:
    """Return each verdict with the number of claims that have it, at the end those that are not asked."""
    sums = totals(report)
    return [*sums.verdicts.items(), *([(NOT_ASKED, sums.not_asked)] if sums.not_asked else [])]


def summary(report: ReportData) -> Summary | None:
    """Lay out a row a claim, by what is estimated; None where none is asked."""
    if not report.claims:
        return None
    grid = TextGrid(TITLE, "", ["claim", "verdict", "estimate"])
    by_quantity: dict[tuple[str, bool], list[ClaimResult]] = defaultdict(list)
    for claim in report.claims:
        first = claim.parts[0] if claim.parts else None
        by_quantity[(first.quantity, first.result.ratio) if first else ("", False)].append(claim)
    groups = []
    for (quantity, ratio), claims in by_quantity.items():
        rows = [_row(grid, report, claim, ratio) for claim in claims]
        grid.rows += [row.cells for row in rows]
        groups.append(SummaryGroup(quantity, panel_range(claims), ratio, rows))
    grid.caption = f"{TITLE}: {_reading(report)}"
    return Summary(grid, groups)


def _reading(report: ReportData) -> str:
    parts = [part for claim in report.claims for part in claim.parts]
    levels = {f"{100 * part.result.confidence:.4g} %" for part in parts if part.result.ci_low is not None}
    of = "the interval of its family's level" if len(levels) > 1 else f"its {levels.pop()} interval" if levels else ""
    text = f"estimate{f' with {of}' if of else ''}"
    if any(len(claim.parts) > 1 for claim in report.claims):
        text += "; of a claim of several comparisons, how these came out and how far their estimates reach"
    return f"{text}."


def _row(grid: TextGrid, report: ReportData, claim: ClaimResult, ratio: bool) -> SummaryRow:
    cells = [
        Text((claim.name,), link=anchor(claim.name)),
        Text((verdict(report, claim, claim.verdict, claim.parts),), bold=True, verdict=claim.verdict),
        Text((_estimate(grid, claim.parts),)),
    ]
    reference = claim.parts[0].reference if claim.parts else 0.0
    return SummaryRow(claim.says, cells, claim.parts, claim.alpha, band(claim.margin, ratio, reference))


def _estimate(grid: TextGrid, parts: Sequence[ContrastResult]) -> str:
    if not parts:
        return NOTHING
    if len(parts) == 1:
        return estimate_with_unit(grid, parts[0])[0]
    found = [part.result.difference for part in parts if part.result.difference is not None]
    told = ", ".join(f"{count} {name}" for name, count in Counter(part.verdict for part in parts).items())
    if not found:
        return f"{len(parts)} comparisons: {told}"
    low, high = min(found), max(found)
    places = digits(max(high - low, abs(high), abs(low)) or 1.0, 2)
    unit = SHORT.get(parts[0].unit, parts[0].unit)
    return f"{number(low, places)} to {number(high, places)} {unit}".rstrip() + f" ({told})"
