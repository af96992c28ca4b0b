"""Figures of a table: its seeds as dots, and the ranks of its columns."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import quantiles
from typing import Any

from bench.reports.figures.cells import arms, by_metric, notes, sample, seeds_told
from bench.reports.figures.data import Box, Boxes, DotPanel, Dots, RankPanel, Ranks
from bench.reports.figures.ranges import axis_range, is_cut
from bench.reports.numbers import number, p_is
from bench.reports.records.collect import Record
from bench.reports.statistics import Omnibus, against_control, friedman_uncorrected, iman_davenport, nemenyi, ranks
from bench.reports.statistics.tasks import LOW_POWER
from bench.reports.tables.blocks import Block
from bench.reports.tables.build import BETWEEN, Stack, Table
from bench.reports.tables.comparisons import Cell


def dots(table: Table, records: Sequence[Record]) -> tuple[Dots, str]:
    """Return the seeds of every cell of a table, and the caption."""
    data = Dots(**_seeds(table, records))
    shown = [(one, panel.range) for panel in data.panels for one in panel.samples.values() if one.values]
    if not shown:
        return data, "No trial has a result."
    told = ["small dots: a seed each"] if any(len(one.values) > 1 for one, _ in shown) else []
    told += ["large marks: " + ("their mean" if told else "the only seed")]
    told += ["lines: its 95 % t-interval"] if any(one.low is not None for one, _ in shown) else []
    text = f"{'; '.join(told)} ({seeds_told(one.planned for one, _ in shown)})."
    if any(is_cut(span, one.low, one.high) for one, span in shown):
        text += " An arrowhead: the interval goes on."
    return data, text[0].upper() + text[1:]


def boxes(table: Table, records: Sequence[Record]) -> tuple[Boxes, str]:
    """Return a box plot of every cell of a table, and the caption."""
    shared = _seeds(table, records)
    cells = {stack[0].label: dict(_placed(table, stack)) for stack in table.stacks}
    found = {(label, *at): box([*cell.values.values()]) for label, of in cells.items() for at, cell in of.items() if cell.values}
    short = {label: notes({at: _short(cell) for at, cell in of.items()}, shared["lines"]) for label, of in cells.items()}
    # values alone set the axis: an interval of the mean is not drawn here
    panels = tuple(
        replace(panel, range=axis_range([v for one in panel.samples.values() for v in one.values])) for panel in shared["panels"]
    )
    data = Boxes(**shared | {"panels": panels}, boxes=found, notes=by_metric(short))
    if not found:
        return data, "No trial has a result."
    planned = [one.planned for panel in panels for one in panel.samples.values() if one.values]
    text = (
        "Boxes: the quartiles, with the median; whiskers: the values within 1.5 interquartile ranges of them; dots: a seed each"
    )
    text += f" ({seeds_told(planned)})."
    return data, text + (" ×: no result." if any(one.mean is None for panel in panels for one in panel.samples.values()) else "")


def box(values: Sequence[float]) -> Box:
    """Return quartiles, linearly interpolated (type 7 of Hyndman and Fan 1996), and the ends of Tukey's whiskers."""
    first, median, third = quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    reach = 1.5 * (third - first)
    inside = [value for value in values if first - reach <= value <= third + reach]
    return Box(min([first, *inside]), first, median, third, max([third, *inside]))


def _seeds(table: Table, records: Sequence[Record]) -> dict[str, Any]:
    """Return what a figure of all seeds of a table shows, by name: the lines, the arms that compete, and a panel a value."""
    by_columns = table.arms == "columns"
    lines, others = (table.rows, table.columns) if by_columns else (table.columns, table.rows)
    line_axes, axes = (table.row_axes, table.column_axes) if by_columns else (table.column_axes, table.row_axes)
    panels = []
    for stack in table.stacks:
        samples = {place: sample(cell.values, cell.planned, _without(cell)) for place, cell in _placed(table, stack)}
        values = [value for one in samples.values() for value in one.values]
        span = axis_range(values, [(one.low, one.high) for one in samples.values()])
        panels.append(DotPanel(stack[0].label, samples, span))
    return {
        "line_title": BETWEEN.join(line_axes),
        "lines": tuple(lines),
        "arm_title": BETWEEN.join(axes),
        "arms": arms(records, axes, others),
        "panels": tuple(panels),
    }


def _placed(table: Table, stack: Stack) -> Iterator[tuple[tuple[str, str], Cell]]:
    """Yield (line, arm) and the cell there."""
    for block in stack:
        for (row, column), cell in block.cells.items():
            yield ((row, column) if table.arms == "columns" else (column, row)), cell


def rank_diagram(table: Table, records: Sequence[Record]) -> tuple[Ranks, str]:
    """Return the mean ranks of a table's columns over its rows (the tasks), and the caption.

    A column without any value is left out, and so is a row that lacks one of the columns that are left.
    """
    panels, tests, left_out = [], [], {}
    for block in table.blocks:
        panel, test, left_out[block.metric] = _ranked(table, block)
        panels.append(panel)
        tests += [test] if test else []
    if not any(panel.ranks for panel in panels):
        return Ranks((), tuple(panels), by_metric(left_out)), "Nothing could be ranked."
    told = "Mean ranks over the rows, seeds averaged within each first; 1 is best. Methods that a bar joins do not differ "
    told += f"significantly: their ranks are closer than the critical difference CD (Nemenyi, alpha={table.alpha:.3g})."
    if tests:
        told += f" {'; '.join(tests)}."
    if any(panel.ranks and panel.tasks < LOW_POWER for panel in panels):
        told += f" Low power: fewer than {LOW_POWER} tasks."
    return Ranks(arms(records, table.column_axes, table.columns), tuple(panels), by_metric(left_out)), told


def _ranked(table: Table, block: Block) -> tuple[RankPanel, str, list[str]]:
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
        others = [
            f"{method} z = {number(one, 2, sign=True)}, {p_is(p)}"
            for method, one, p in zip(methods, z, corrected, strict=True)
            if one is not None and p is not None
        ]
        test += f"; against {table.baseline} (above 0: better; Holm, m={len(others)}): {', '.join(others)}"
    return RankPanel(label, tuple(order), cliques(order, critical), critical, n), test, left_out


def cliques(order: Sequence[tuple[str, float]], critical: float) -> tuple[tuple[str, ...], ...]:
    """Return the longest runs of methods, by rank, whose ends are closer than the critical difference."""
    found: list[tuple[int, int]] = []
    for first, (_, rank) in enumerate(order):
        last = max(i for i, (_, other) in enumerate(order) if i >= first and (other - rank < critical or i == first))
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return tuple(tuple(name for name, _ in order[first : last + 1]) for first, last in found)


def _told(test: Omnibus, name: str) -> str:
    if test.p is None:
        return f"{name}: no test ({test.reason})"
    df = f"{test.df1}" if test.df2 is None else f"{test.df1}, {test.df2}"
    value = f" = {number(test.statistic, 2)}" if test.statistic is not None else f": {test.reason}"
    return f"{name}({df}){value}, {p_is(test.p)}"


def _without(cell: Cell) -> str:
    return "" if cell.values else ", ".join(cell.without)


def _short(cell: Cell) -> str:
    """Say how many of a cell's seeds have a value; "" where all have."""
    told = ", ".join(f"{count} {outcome}" for outcome, count in cell.without.items())
    if not told:
        return ""
    return f"n={len(cell.values)} of {cell.planned} seeds ({told})" if cell.values else f"no result ({told})"
