"""The critical-difference diagram (Demsar 2006): mean ranks on a line, and bars that join what does not differ."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bench.grammar.cells import Cells
from bench.grammar.document import DocPath, Document
from bench.reports.figures.base import (
    FigureSource,
    FigureSpec,
    Kind,
    check_table,
    table_of,
)
from bench.reports.figures.cells import arms, by_metric
from bench.reports.figures.drawing.sheet import MARGIN, Sheet
from bench.reports.figures.drawing.style import GREY, INK, SMALL, WIDTH, colour
from bench.reports.figures.drawing.text import width, wrap
from bench.reports.figures.parts import PlotArm
from bench.reports.numbers import number, p_is
from bench.reports.records.collect import Record
from bench.reports.statistics import (
    Omnibus,
    against_control,
    friedman_uncorrected,
    iman_davenport,
    nemenyi,
    ranks,
)
from bench.reports.statistics.tasks import LOW_POWER
from bench.reports.tables.blocks import MetricBlock
from bench.reports.tables.build import TableData
from bench.reports.tables.grammar import Table as TableSpec

SAID = 0.4
"""Inches of a sentence in the place of a diagram."""
LABEL = 1.5
"""Most inches of a method's name."""
STEP, WRAPPED = 0.2, 0.29
"""Inches between two names, one below the other; and where one has two lines."""
BAR = 0.09
"""Inches between two bars."""
HEADING, CRITICAL, NUMBERS, LINE = 0.1, 0.3, 0.46, 0.62
"""Inches from the top: the metric, the critical difference, the numbers on the line, the line."""


class CriticalDifference(FigureSpec):
    """Mean ranks of a table's columns over its rows, the tasks, with the critical difference (Demsar 2006)."""

    kind: Literal["critical-difference"]
    table: str


@dataclass(frozen=True)
class RankPanel:
    """Mean ranks of one metric, best first. cliques: methods that do not differ significantly, each a run of neighbours.

    critical: the critical difference. Where ranks is empty, note says why.
    """

    label: str
    ranks: tuple[tuple[str, float], ...] = ()
    cliques: tuple[tuple[str, ...], ...] = ()
    critical: float = 0.0
    tasks: int = 0
    note: str = ""


@dataclass(frozen=True)
class RanksData:
    """Critical-difference diagrams, one a metric."""

    arms: tuple[PlotArm, ...]
    panels: tuple[RankPanel, ...]
    notes: tuple[str, ...] = ()


def _data(table: TableData, records: Sequence[Record]) -> tuple[RanksData, str]:
    """Return the mean ranks of a table's columns over its rows (the tasks), and the caption.

    A column without any value is left out, and so is a row that lacks one of the columns that are left.
    """
    panels, tests, left_out = [], [], {}
    for block in table.blocks:
        panel, test, left_out[block.metric] = _ranked(table, block)
        panels.append(panel)
        tests += [test] if test else []
    if not any(panel.ranks for panel in panels):
        return RanksData((), tuple(panels), by_metric(left_out)), "Nothing could be ranked."
    caption = "Mean ranks over the rows, seeds averaged within each first; 1 is best. Methods that a bar joins do not differ "
    caption += f"significantly: their ranks are closer than the critical difference CD (Nemenyi, alpha={table.alpha:.3g})."
    if tests:
        caption += f" {'; '.join(tests)}."
    if any(panel.ranks and panel.tasks < LOW_POWER for panel in panels):
        caption += f" Low power: fewer than {LOW_POWER} tasks."
    return RanksData(arms(records, table.column_axes, table.columns), tuple(panels), by_metric(left_out)), caption


def _ranked(table: TableData, block: MetricBlock) -> tuple[RankPanel, str, list[str]]:
    """Return the ranks of one metric, the omnibus test of them, and what was left out."""
    means = {place: mean for place, cell in block.cells.items() if (mean := cell.summary.mean) is not None}
    methods = [column for column in table.columns if any((row, column) in means for row in table.rows)]
    tasks = [row for row in table.rows if all((row, column) in means for column in methods)]
    left_out = []
    if dropped := [column for column in table.columns if column not in methods]:
        left_out.append(f"Without any result, not ranked: {', '.join(dropped)}.")
    if dropped := [row for row in table.rows if row not in tasks and methods]:
        left_out.append(f"Without a result of every method, left out: {'; '.join(dropped)}.")
    label = block.label
    missing = ""
    if not block.better:
        missing = "no ranks: the suite does not say which way is better"
    elif len(methods) < 2 or len(tasks) < 2:
        missing = "no ranks: they need two methods with results, and two rows where all have one"
    if missing:
        return RankPanel(label, note=missing), "", left_out
    mean_ranks = ranks([[means[task, method] for method in methods] for task in tasks], block.better == "higher")
    n, k = len(tasks), len(methods)
    critical = nemenyi(k, n, table.alpha)
    order = sorted(zip(methods, mean_ranks, strict=True), key=lambda pair: pair[1])
    test = f"{label}: {_told(friedman_uncorrected(mean_ranks, n), 'Friedman chi-squared')}, "
    test += _told(iman_davenport(mean_ranks, n), "Iman-Davenport F") + f", N={n} task{'s' * (n != 1)}, CD={number(critical, 2)}"
    if table.baseline in methods:
        z, corrected = against_control(mean_ranks, n, methods.index(table.baseline))
        comparisons = [
            f"{method} z = {number(z_value, 2, sign=True)}, {p_is(p)}"
            for method, z_value, p in zip(methods, z, corrected, strict=True)
            if z_value is not None and p is not None
        ]
        test += f"; against {table.baseline} (above 0: better; Holm, m={len(comparisons)}): {', '.join(comparisons)}"
    return RankPanel(label, tuple(order), cliques(order, critical), critical, n), test, left_out


def cliques(order: Sequence[tuple[str, float]], critical: float) -> tuple[tuple[str, ...], ...]:
    """Return the longest runs of methods, by rank, whose ends are closer than the critical difference."""
    spans: list[tuple[int, int]] = []
    for first, (_, rank) in enumerate(order):
        last = max(i for i, (_, other) in enumerate(order) if i >= first and (other - rank < critical or i == first))
        if last > first and (not spans or last > spans[-1][1]):
            spans.append((first, last))
    return tuple(tuple(name for name, _ in order[first : last + 1]) for first, last in spans)


def _told(test: Omnibus, name: str) -> str:
    if test.p is None:
        return f"{name}: no test ({test.reason})"
    df = f"{test.df1}" if test.df2 is None else f"{test.df1}, {test.df2}"
    value = f" = {number(test.statistic, 2)}" if test.statistic is not None else f": {test.reason}"
    return f"{name}({df}){value}, {p_is(test.p)}"


def draw(data: RanksData):
    """Return the drawing of critical-difference diagrams, one below the other."""
    tall = [_tall(panel) for panel in data.panels] or [SAID]
    sheet = Sheet(sum(tall), notes=data.notes)
    places = {arm.label: arm.place for arm in data.arms}
    top = 0.0
    for panel, high in zip(data.panels, tall, strict=False):
        if panel.ranks:
            _diagram(sheet.place(0, top, WIDTH, high), panel, places, high)
        else:
            sheet.say(f"{panel.label}: {panel.note}", top, high)
        top += high
    if not data.panels:
        sheet.say("nothing to rank")
    return sheet.figure


def _tall(panel: RankPanel) -> float:
    if not panel.ranks:
        return SAID
    return LINE + BAR * (len(panel.cliques) + 1) + _step(panel) * math.ceil(len(panel.ranks) / 2) + 0.2


def _step(panel: RankPanel) -> float:
    return WRAPPED if any("\n" in wrap(name, LABEL, SMALL, most=2) for name, _ in panel.ranks) else STEP


def _diagram(ax, panel: RankPanel, places: dict[str, int], high: float) -> None:
    """Draw one diagram on axes whose units are inches from the left and from the top."""
    ax.set(xlim=(0, WIDTH), ylim=(high, 0))
    ax.set_axis_off()
    names = {name: wrap(name, LABEL, SMALL, most=2) for name, _ in panel.ranks}
    wide = max(width(number(rank, 2), SMALL) for _, rank in panel.ranks) + 0.08
    side = MARGIN + max(width(part, SMALL) for text in names.values() for part in text.split("\n")) + wide + 0.2
    k = len(panel.ranks)

    def at(rank: float) -> float:
        return side + (WIDTH - 2 * side) * (rank - 1) / (k - 1)

    heading = f"{panel.label}: mean rank over {panel.tasks} task{'s' * (panel.tasks != 1)}, 1 is best"
    heading += "; low power" * (panel.tasks < LOW_POWER)
    ax.text(MARGIN, HEADING, wrap(heading, WIDTH - 2 * MARGIN, most=1), va="center_baseline")
    _critical(ax, panel.critical, at, k)
    ax.plot([at(1), at(k)], [LINE, LINE], color=INK, linewidth=0.8)
    for tick in range(1, k + 1):
        ax.plot([at(tick)] * 2, [LINE - 0.05, LINE], color=INK, linewidth=0.8)
        ax.text(at(tick), NUMBERS + 0.03, str(tick), ha="center", va="center_baseline", size=SMALL)
    ranks = dict(panel.ranks)
    for i, clique in enumerate(panel.cliques):
        y = LINE + BAR * (i + 1)
        ax.plot([at(ranks[clique[0]]) - 0.04, at(ranks[clique[-1]]) + 0.04], [y, y], color=INK, linewidth=2.6, zorder=3)
    first = LINE + BAR * (len(panel.cliques) + 1) + _step(panel) / 2
    left = math.ceil(k / 2)
    for i, (name, rank) in enumerate(panel.ranks):
        y = first + _step(panel) * (i if i < left else k - 1 - i)
        edge = side - 0.1 if i < left else WIDTH - side + 0.1
        tone = colour(places.get(name, i))
        ax.plot([at(rank), at(rank), edge], [LINE, y, y], color=tone, linewidth=1.1, zorder=2)
        ax.plot([at(rank)], [LINE], "o", color=tone, markersize=4, markeredgecolor="white", markeredgewidth=0.5, zorder=4)
        near, far = ("right", -0.04) if i < left else ("left", 0.04)
        ax.text(edge + far, y, number(rank, 2), ha=near, va="center", size=SMALL, color=GREY)
        away = far + math.copysign(wide, far)
        ax.text(edge + away, y, names[name], ha=near, va="center", size=SMALL)


def _critical(ax, critical: float, at, k: int) -> None:
    """Draw the critical difference above the line; longer than that, it ends with an arrowhead."""
    end = at(min(1 + critical, k))
    ax.plot([at(1), end], [CRITICAL] * 2, color=INK, linewidth=1.2)
    ax.plot([at(1)], [CRITICAL], "|", color=INK, markersize=6)
    ax.plot([end], [CRITICAL], "|" if 1 + critical <= k else ">", color=INK, markersize=6 if 1 + critical <= k else 4)
    ax.text(end + 0.08, CRITICAL, f"CD = {number(critical, 2)}", va="center_baseline", size=SMALL)


def check(
    document: Document, at: DocPath, figure: CriticalDifference, stages: Mapping[str, Cells], tables: Mapping[str, TableSpec]
) -> None:
    check_table(document, at, figure, stages, tables)
    if tables[figure.table].by_class or not tables[figure.table].columns:
        raise document.error((*at, "table"), "ranks need tasks as rows and methods as columns", "choose a table of two axes")


def build(name: str, figure: CriticalDifference, source: FigureSource) -> tuple[str, RanksData, str]:
    table = table_of(name, figure.table, source)
    return f"{table.title}: mean ranks", *_data(table, source.records)


KIND = Kind(CriticalDifference, check, build, draw)
