"""Comparisons one below the other: estimate, interval, seeds, margin; beside them what was concluded."""

from dataclasses import dataclass

from bench.reports.figures.drawing.marks import seeds, ticks, whisker
from bench.reports.figures.drawing.sheet import MARGIN, NOTHING, Sheet
from bench.reports.figures.drawing.style import COLOURS, GREY, INK, LINE, SMALL, WIDTH
from bench.reports.figures.drawing.text import rows, width, wrap
from bench.reports.figures.ranges import Range

ROW = 0.185
"""Inches of a row."""
LABEL = 2.5
"""Most inches of a row's label."""
HEAD, FOOT = 1.0, 0.3
"""Above the first row and below the last, in rows."""
INDENT = 0.1
"""Inches by which the rows of a group stand back."""
COLUMN = 0.12
"""Inches between two columns at the right."""
BELOW = 0.22
"""How far the seeds stand below the interval, in rows."""
BAND = "#dfeaf4"


@dataclass(frozen=True)
class ForestRow:
    """One comparison. reference: the value of no difference. band: the margin around it. deltas: a value a seed.

    right: what stands beside it, a text for each heading of its panel. strong: significant after correction.
    """

    label: str
    group: str = ""
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    deltas: tuple[float, ...] = ()
    reference: float = 0.0
    band: Range | None = None
    right: tuple[str, ...] = ()
    strong: bool = False


@dataclass(frozen=True)
class ForestPanel:
    """Comparisons on one axis. ratio: whether it is logarithmic."""

    label: str
    rows: tuple[ForestRow, ...]
    headings: tuple[str, ...]
    range: Range
    ratio: bool = False


@dataclass(frozen=True)
class ForestData:
    """Comparisons one below the other, a panel a metric."""

    panels: tuple[ForestPanel, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Line:
    """A line of a panel, from top to bottom in rows; row None: a group's heading, or the room above it."""

    top: float
    bottom: float
    label: str = ""
    indent: float = 0.0
    row: ForestRow | None = None

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


def draw(data: ForestData):
    """Return the drawing of comparisons, a panel for each quantity."""
    if not data.panels:
        sheet = Sheet(0.4, notes=data.notes)
        sheet.say("nothing to compare")
        return sheet.figure
    laid = [_lay(panel) for panel in data.panels]
    labels = max(width(part, SMALL) + line.indent for lines in laid for line in lines for part in line.label.split("\n"))
    columns = [max(width(text, SMALL) for text in texts) for texts in _columns(data)]
    left, right = MARGIN + labels + 0.15, MARGIN + sum(columns) + COLUMN * len(columns)
    known = [any(row.estimate is not None for row in panel.rows) for panel in data.panels]
    titles = [wrap(panel.label, WIDTH - LABEL - 1) for panel in data.panels]
    tall = [(HEAD + lines[-1].bottom + FOOT) * ROW for lines in laid]
    below = [LINE * (rows(title) + (1.7 if drawn else 0.9)) for title, drawn in zip(titles, known, strict=True)]
    sheet, top = Sheet(sum(tall) + sum(below), notes=data.notes), 0.0
    for i, (panel, lines) in enumerate(zip(data.panels, laid, strict=True)):
        ax = sheet.place(left, top, WIDTH - left - right, tall[i])
        top += tall[i] + below[i]
        _axis(ax, panel, lines[-1].bottom, known[i])
        ax.set_xlabel(titles[i], labelpad=2)
        _ground(ax, panel, lines)
        for line in lines:
            _beside(ax, 0, line.middle, MARGIN - left + line.indent, line.label, INK if line.row else GREY)
            if line.row:
                _row(ax, line.row, line.middle)
                _right(ax, line.middle, line.row.right, columns, INK)
        _right(ax, 0.35 - HEAD, panel.headings, columns, GREY)
    return sheet.figure


def _lay(panel: ForestPanel) -> list[_Line]:
    """Return the lines of a panel; a group of one row has no heading of its own."""
    sizes = {group: sum(row.group == group for row in panel.rows) for group in {row.group for row in panel.rows}}
    lines: list[_Line] = []
    y, group = 0.0, ""
    for row in panel.rows:
        headed = bool(row.group) and sizes[row.group] > 1
        if row.group != group:
            group = row.group
            if lines and (headed or lines[-1].indent):
                lines.append(_Line(y, y + 0.3))
                y += 0.3
            if headed:
                lines.append(_Line(y, y + 0.9, wrap(group, LABEL, SMALL, most=1)))
                y += 0.9
        indent = INDENT if headed else 0.0
        label = wrap(row.label if headed or not group else f"{group}: {row.label}", LABEL - indent, SMALL)
        room = max(1.0, 0.9 * LINE / ROW * rows(label))
        lines.append(_Line(y, y + room, label, indent, row))
        y += room
    return lines


def _axis(ax, panel: ForestPanel, bottom: float, drawn: bool) -> None:
    if panel.ratio:
        ax.set_xscale("log")
        ax.set_xticks(ticks(panel.range), [f"{tick:g}" for tick in ticks(panel.range)])
        ax.xaxis.minorticks_off()
    ax.set_xlim(*panel.range)
    ax.set_ylim(bottom + FOOT, -HEAD)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    if not drawn:
        ax.set_xticks([])
        ax.spines["bottom"].set_visible(False)


def _ground(ax, panel: ForestPanel, lines: list[_Line]) -> None:
    """Draw the line of no difference, and the margin around it, behind every row that has an estimate and between two such."""
    alike = len({(row.reference, row.band) for row in panel.rows if row.estimate is not None}) == 1
    rows = [line.row for line in lines if line.row]
    before = 0
    for line in lines:
        before += line.row is not None
        around = [line.row] if line.row else rows[max(before - 1, 0) : before + 1]
        if all(row.estimate is not None for row in around) and (line.row or alike):
            _behind(ax, line, around[0].reference, around[0].band)


def _behind(ax, line: _Line, reference: float, band: Range | None) -> None:
    if band:
        ax.fill_betweenx([line.top, line.bottom], *band, color=BAND, linewidth=0, zorder=0)
    ax.plot([reference] * 2, [line.top, line.bottom], color=GREY, linewidth=0.8, zorder=1)


def _row(ax, row: ForestRow, y: float) -> None:
    if row.estimate is None:
        ax.text(0.02, y, NOTHING, transform=ax.get_yaxis_transform(), va="center", size=SMALL, color=GREY)
        return
    tone = COLOURS[0]
    up = y - BELOW / 2 if row.deltas else y
    if row.low is not None and row.high is not None:
        whisker(ax, up, row.low, row.high, tone)
    if row.deltas:
        seeds(ax, row.deltas, [y + BELOW] * len(row.deltas), INK, 2.6)
    face = tone if row.strong else "white"
    ax.plot([row.estimate], [up], "o", markersize=4.5, color=face, markeredgecolor=tone, markeredgewidth=1.1, zorder=4)


def _columns(data: ForestData) -> list[list[str]]:
    """Return the texts of each column at the right, headings included, over all panels."""
    every = [texts for panel in data.panels for texts in (panel.headings, *(row.right for row in panel.rows))]
    return [[texts[i] for texts in every if i < len(texts)] for i in range(max(map(len, every)))]


def _right(ax, y: float, texts: tuple[str, ...], columns: list[float], tone: str) -> None:
    at = COLUMN
    for text, wide in zip(texts, columns, strict=False):
        _beside(ax, 1, y, at, text, tone)
        at += wide + COLUMN


def _beside(ax, end: int, y: float, inches: float, text: str, tone: str) -> None:
    """Write at a distance from the left (0) or right (1) end of the panel."""
    place = {"xy": (end, y), "xycoords": ("axes fraction", "data"), "xytext": (72 * inches, 0), "textcoords": "offset points"}
    ax.annotate(text, **place, va="center", ha="left", size=SMALL, color=tone, annotation_clip=False)
