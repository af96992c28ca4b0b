"""Every seed of a table, as dots and box plots show them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.reports.figures.cells import arms, sample
from bench.reports.figures.parts import PlotArm, Sample
from bench.reports.figures.quantities import shown
from bench.reports.figures.ranges import ANY, Range, axis_range
from bench.reports.records.collect import Record
from bench.reports.tables.build import BETWEEN, Stack, TableData
from bench.reports.tables.comparisons import TableCell


@dataclass(frozen=True)
class DotPanel:
    """One metric. samples: (line, arm label) → sample."""

    label: str
    samples: Mapping[tuple[str, str], Sample]
    range: Range
    bounds: Range = ANY
    """The lowest and the highest that it can be."""


@dataclass(frozen=True)
class TableSeeds:
    """Every seed of a table: lines one below the other, the arms of each line together, a panel a metric."""

    line_title: str
    lines: tuple[str, ...]
    arm_title: str
    arms: tuple[PlotArm, ...]
    panels: tuple[DotPanel, ...]

    of_splits: bool = field(default=False, kw_only=True)
    """Whether a seed's value is its mean over several splits."""

    @property
    def is_one_line(self) -> bool:
        """Whether one line has all arms, so that each can have a place and a label of its own."""
        return len(self.lines) == 1 and len(self.arms) > 1


def seeds_of_table(table: TableData, records: Sequence[Record]) -> TableSeeds:
    """Return the seeds of every cell of a table: the lines, the arms that compete, and a panel a value."""
    by_columns = table.arms == "columns"
    lines, arm_labels = (table.rows, table.columns) if by_columns else (table.columns, table.rows)
    line_axes, axes = (table.row_axes, table.column_axes) if by_columns else (table.column_axes, table.row_axes)
    panels = []
    for stack in table.stacks:
        what = shown(stack[0], records)
        samples = {
            place: sample(what.of(cell.values), cell.planned, _without(cell), cell.redrawn)
            for place, cell in placed(table, stack)
        }
        values = [value for cell_sample in samples.values() for value in cell_sample.values]
        intervals = [(cell_sample.low, cell_sample.high) for cell_sample in samples.values()]
        panels.append(DotPanel(what.label, samples, axis_range(values, intervals, bounds=what.bounds), what.bounds))
    return TableSeeds(
        line_title=BETWEEN.join(line_axes),
        lines=tuple(lines),
        arm_title=BETWEEN.join(axes),
        arms=arms(records, axes, arm_labels),
        panels=tuple(panels),
        of_splits=any(cell.by_split for stack in table.stacks for _, cell in placed(table, stack)),
    )


def placed(table: TableData, stack: Stack) -> Iterator[tuple[tuple[str, str], TableCell]]:
    """Yield (line, arm) and the cell there."""
    for block in stack:
        for (row, column), cell in block.cells.items():
            yield ((row, column) if table.arms == "columns" else (column, row)), cell


def _without(cell: TableCell) -> str:
    return "" if cell.values else ", ".join(cell.without)
