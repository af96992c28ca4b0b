"""Tables as data: which cell stands where, and what is compared with what."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.grammar.cells import SPLIT
from bench.grammar.derived import described
from bench.reports.records.arms import Records
from bench.reports.records.collect import Record
from bench.reports.records.derived import of_classes
from bench.reports.statistics import ALPHA
from bench.reports.tables.blocks import How, Line, MetricBlock, cell, compare
from bench.trackers.record import Outcome

if TYPE_CHECKING:
    from bench.reports.tables.grammar import Table as TableSpec
    from bench.reports.tables.grammar import Value

BETWEEN, ABSENT = " / ", "–"

Stack = tuple[MetricBlock, ...]
"""One value of a table: a block with all of its rows; or one of the classes, and below it one for each metric of the whole."""


@dataclass(frozen=True)
class TableData:
    """A table of the suite: rows and columns in the suite's order, a stack of blocks for each value.

    rows: where they are classes, these and then the rows of the whole. columns: without axes of theirs each value is a column,
    and its cells are in column "". arms: whether columns or rows compete. alpha: the level of each family. looks: at how many
    looks it may be tested.
    """

    name: str
    title: str
    stage: str
    row_axes: list[str]
    column_axes: list[str]
    rows: list[str]
    columns: list[str]
    planned: int
    """Seeds planned a cell (the most, where cells differ)."""
    stacks: list[Stack]
    arms: str = "columns"
    baseline: str | None = None
    test: str = "t"
    alpha: float = ALPHA
    looks: int = 1
    by_class: bool = False
    vary: tuple[str, ...] = ()
    """What its seeds draw beside training."""

    @property
    def blocks(self) -> list[MetricBlock]:
        return [block for stack in self.stacks for block in stack]


def build(spec: "TableSpec", trials: Records, name: str = "", *, alpha: float = ALPHA, looks: int = 1) -> TableData:
    """Lay out the trials of a table's stage. BenchError where two cells, or two rows, would fall on one place."""
    asked_by = f"table {name or spec.title or spec.stage}"
    row_axes = [] if spec.by_class else spec.rows
    placed = trials.placed(
        spec.stage,
        spec.where,
        lambda labels: (place_label(labels, row_axes), place_label(labels, spec.columns)),
        asked_by,
        "pin the other axes with `where`, or add them to the rows or columns",
        over_splits=SPLIT not in (*row_axes, *spec.columns, *spec.where),
    )
    columns = list(dict.fromkeys(column for _, column in placed))
    table = TableData(
        name=name,
        title=spec.title or name or spec.stage,
        stage=spec.stage,
        row_axes=list(spec.rows),
        column_axes=list(spec.columns),
        rows=_classes(spec, placed.values(), asked_by) if spec.by_class else list(dict.fromkeys(row for row, _ in placed)),
        columns=columns,
        planned=max(map(len, placed.values()), default=0),
        stacks=[],
        arms=spec.arms or ("columns" if len(columns) > 1 or spec.by_class else "rows"),
        baseline=spec.baseline,
        test=spec.test,
        alpha=alpha,
        looks=looks,
        by_class=spec.by_class,
        vary=next((record.vary for by_seed in placed.values() for record in by_seed.values()), ()),
    )
    for number, shown in enumerate(spec.values):
        table.stacks.append(tuple(_stack(table, spec, shown, number, placed, trials)))
    return table


def _stack(table: TableData, spec: "TableSpec", shown: "Value", number: int, placed, trials: Records) -> Iterable[MetricBlock]:
    """Yield the blocks of one value."""
    how = How(table.test, table.alpha, table.baseline)
    printed = spec.published.get(shown.metric, {})

    def block(metric: str, better: str, cells: Mapping[tuple[str, str], tuple[Mapping[int, Record], str]], lines) -> MetricBlock:
        """cells: place → trials by seed, and the metric of theirs that stands there."""
        table_cells = {
            at: cell(seeds, cell_metric, shown.unit, _published(printed, *at)) for at, (seeds, cell_metric) in cells.items()
        }
        return compare(metric, shown.unit, better, table_cells, list(lines), how)

    better = shown.better or described(shown.metric, trials.derived).better
    if not table.by_class:
        yield block(shown.metric, better, {at: (seeds, shown.metric) for at, seeds in placed.items()}, _lines(table))
        return
    prefix = shown.metric.removesuffix("/*")
    rows = [row for row in table.rows if row not in spec.also]
    by_class = {(row, column): (seeds, f"{prefix}/{row}") for row in rows for (_, column), seeds in placed.items()}
    yield block(
        shown.metric, better, by_class, _across(table, {row: f"{table.row_axes[0]} = {row}" for row in rows}, context=False)
    )
    for label, metrics in spec.also.items():
        whole = {(label, column): (seeds, metrics[number]) for (_, column), seeds in placed.items()}
        yield block(metrics[number], described(metrics[number], trials.derived).better, whole, _across(table, {label: label}))


def _lines(table: TableData) -> Iterable[Line]:
    """Yield each row, whose columns are compared, and each column, whose rows are."""
    if table.column_axes:
        yield from _across(table, {row: f"{BETWEEN.join(table.row_axes)} = {row}" for row in table.rows})
    for column in table.columns:
        family = f"{BETWEEN.join(table.column_axes)} = {column}" if table.column_axes else BETWEEN.join(table.row_axes)
        yield Line(column, family, {row: (row, column) for row in table.rows}, table.arms == "rows")


def _across(table: TableData, families: Mapping[str, str], *, context: bool = True) -> Iterable[Line]:
    """Yield some rows, whose columns are compared. families: row → what its family is called."""
    for row, family in families.items():
        if table.column_axes:
            yield Line(row, family, {column: (row, column) for column in table.columns}, table.arms == "columns", context)


def _classes(spec: "TableSpec", cells: Iterable[Mapping[int, Record]], asked_by: str) -> list[str]:
    """Return the rows of a table of classes: all that the runs have, or the suite printed; and then those of the whole."""
    prefixes = [value.metric.removesuffix("/*") for value in spec.values]
    runs = [record.run for seeds in cells for record in seeds.values() if record.run and record.outcome is Outcome.FINISHED]
    classes = {name for run in runs for prefix in prefixes for name in of_classes(run.metrics, prefix)}
    if both := sorted(classes & set(spec.also)):
        raise BenchError(f"{both[0]!r} is a class, and a row below the classes", where=asked_by, mend="rename it in `also`")
    printed = {row for block in spec.published.values() for row in block if row not in spec.also}
    return [*sorted(classes | printed, key=natural), *spec.also]


def _published(printed: Mapping[str, Mapping[str, float | None] | float | None], row: str, column: str) -> float | None:
    numbers = printed.get(row)
    return numbers.get(column) if isinstance(numbers, Mapping) else numbers


def natural(name: str) -> list[tuple[bool, int, str]]:
    """Sort key by which class10 comes after class9."""
    return [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", name)]


def place_label(labels: Mapping[str, str], axes: Sequence[str]) -> str:
    """Return the labels on some axes as a table writes them."""
    return BETWEEN.join(labels.get(axis, ABSENT) for axis in axes)
