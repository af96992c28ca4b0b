"""Tables as data: cells with their values by seed, and the comparisons between rows and between columns."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

from bench.errors import BenchError
from reports.collect import Record
from reports.statistics import Comparison, Summary, holm, paired_t, summary

if TYPE_CHECKING:
    from bench.suite.schema import Table as TableSpec

FACTORS = {"": 1.0, "%": 100.0, "s": 1.0, "min": 1 / 60, "h": 1 / 3600}
TIMES = ("wall_clock", "images_per_second")
CONDITIONS = ("device", "workers", "threads")
"""Tags that must agree before times are compared: the machine, and what else ran on it."""
BETWEEN = " / "


@dataclass(frozen=True)
class Cell:
    """One place of a table. `values` are by seed, in the unit shown."""

    planned: int = 0
    values: dict[int, float] = field(default_factory=dict)
    published: float | None = None
    without: dict[str, int] = field(default_factory=dict)
    """outcome → number of planned trials that gave no value."""
    why: str = ""
    """Why it is unavailable."""
    run_ids: dict[int, str] = field(default_factory=dict)
    """seed → the run that the value comes from."""
    conditions: frozenset[tuple[str, ...]] = frozenset()

    @property
    def summary(self) -> Summary:
        return summary(self.values.values())


@dataclass(frozen=True)
class Contrast:
    """The difference left - right within one family, and its p-value corrected within that family."""

    family: str
    left: str
    right: str
    result: Comparison
    holm: float | None


@dataclass(frozen=True)
class Block:
    """One metric of a table: cells by (row, column), and every contrast."""

    metric: str
    unit: str
    cells: dict[tuple[str, str], Cell]
    contrasts: list[Contrast]

    @property
    def family_sizes(self) -> list[int]:
        """The different sizes of its families, counting the comparisons that could be tested."""
        return sorted(set(Counter(contrast.family for contrast in self.contrasts if contrast.holm is not None).values()))


@dataclass(frozen=True)
class Table:
    """A table of the suite: rows and columns in the suite's order, one block a metric."""

    name: str
    title: str
    stage: str
    row_axes: list[str]
    column_axes: list[str]
    rows: list[str]
    columns: list[str]
    planned: int
    """Seeds planned a cell (the most, where cells differ)."""
    blocks: list[Block]


def build(spec: "TableSpec", records: Sequence[Record], name: str = "") -> Table:
    """Lay out the records of a table's stage. BenchError where two cells would fall on one place."""
    placed: dict[tuple[str, str], dict[int, Record]] = {}
    for record in records:
        if record.stage == spec.stage and all(record.labels.get(axis) in labels for axis, labels in spec.where.items()):
            place = _label(record, spec.rows), _label(record, spec.columns)
            seeds = placed.setdefault(place, {})
            if record.seed in seeds:
                raise BenchError(
                    f"two cells fall on row {place[0]!r}, column {place[1]!r}: {seeds[record.seed].cell} and {record.cell}",
                    where=f"table {name or spec.title or spec.stage}",
                    mend="pin the other axes with `where`, or add them to the rows or columns",
                )
            seeds[record.seed] = record
    table = Table(
        name=name,
        title=spec.title or name or spec.stage,
        stage=spec.stage,
        row_axes=list(spec.rows),
        column_axes=list(spec.columns),
        rows=list(dict.fromkeys(row for row, _ in placed)),
        columns=list(dict.fromkeys(column for _, column in placed)),
        planned=max(map(len, placed.values()), default=0),
        blocks=[],
    )
    for shown in spec.values:
        published = spec.published.get(shown.metric, {})
        cells = {
            (row, column): _cell(seeds, shown.metric, shown.unit, published.get(row, {}).get(column))
            for (row, column), seeds in placed.items()
        }
        table.blocks.append(Block(shown.metric, shown.unit, cells, _contrasts(table, shown.metric, cells)))
    return table


def _label(record: Record, axes: Sequence[str]) -> str:
    return BETWEEN.join(record.labels.get(axis, "–") for axis in axes)


def _cell(seeds: dict[int, Record], metric: str, unit: str, published: float | None) -> Cell:
    values, run_ids, without, why, conditions = {}, {}, Counter(), "", set()
    for seed, record in seeds.items():
        value = record.value(metric)
        if value is None:
            without["not measured" if record.outcome == "finished" else record.outcome] += 1
            why = why or record.unavailable
        else:
            values[seed] = FACTORS[unit] * value
            run_ids[seed] = record.run.run_id
            conditions.add(tuple(record.run.tags.get(tag, "") for tag in CONDITIONS))
    return Cell(len(seeds), values, published, dict(without), why, run_ids, frozenset(conditions))


def _contrasts(table: Table, metric: str, cells: dict[tuple[str, str], Cell]) -> list[Contrast]:
    """Compare all pairs of columns within each row, and all pairs of rows within each column; each row or column is a family."""
    contrasts = []
    for row in table.rows:
        arms = {column: cells[row, column] for column in table.columns if (row, column) in cells}
        contrasts += _family(f"{BETWEEN.join(table.row_axes)} = {row}", metric, arms)
    for column in table.columns:
        arms = {row: cells[row, column] for row in table.rows if (row, column) in cells}
        contrasts += _family(f"{BETWEEN.join(table.column_axes)} = {column}", metric, arms)
    return contrasts


def _family(name: str, metric: str, arms: dict[str, Cell]) -> list[Contrast]:
    pairs = [(later, earlier) for earlier, later in combinations(arms, 2)]
    results = [_compare(metric, arms[left], arms[right]) for left, right in pairs]
    corrected = holm([result.p for result in results])
    return [Contrast(name, left, right, result, p) for (left, right), result, p in zip(pairs, results, corrected, strict=True)]


def _compare(metric: str, left: Cell, right: Cell) -> Comparison:
    if not left.values or not right.values:
        return Comparison(reason="no finished trial on one side")
    if metric in TIMES and (reason := unlike(left.conditions | right.conditions)):
        return Comparison(reason=reason)
    return paired_t(left.values, right.values)


def unlike(conditions: frozenset[tuple[str, ...]]) -> str:
    """Say why times taken under these conditions cannot be compared; "" if they can."""
    if any(not all(condition) for condition in conditions):
        return "the runs do not say on what device, with how many workers and threads they were timed"
    if len(conditions) > 1:
        told = " and ".join(f"{device} ({workers} × {threads})" for device, workers, threads in sorted(conditions))
        return f"timed under unlike conditions, device (workers × threads): {told}"
    return ""
