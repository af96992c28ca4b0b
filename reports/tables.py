"""Tables as data: cells with their values by seed, and the comparisons between rows and between columns."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.errors import BenchError
from reports.arms import Trials, conditions
from reports.collect import Record
from reports.contrasts import Cell, Context, Contrast, differing, family, leaders, omnibus
from reports.statistics import ALPHA

if TYPE_CHECKING:
    from bench.suite.schema import Table as TableSpec
    from bench.suite.schema import Value

FACTORS = {"": 1.0, "%": 100.0, "s": 1.0, "min": 1 / 60, "h": 1 / 3600}
BETWEEN, ABSENT = " / ", "–"
HIGHER, LOWER = ("accuracy", "images_per_second"), ("loss", "wall_clock")
"""Ends of metric names that say which way is better."""


@dataclass(frozen=True)
class Block:
    """One metric of a table: cells by (row, column), and every contrast.

    better: higher, lower, or "" where nobody said. best: the best arm of each line, and those not significantly worse.
    daggers: arms that differ significantly from the baseline.
    """

    metric: str
    unit: str
    better: str
    cells: dict[tuple[str, str], Cell]
    contrasts: list[Contrast]
    best: frozenset[tuple[str, str]] = frozenset()
    daggers: frozenset[tuple[str, str]] = frozenset()
    context: tuple[Context, ...] = ()

    @property
    def family_sizes(self) -> list[int]:
        """The different sizes of its families, counting the comparisons that could be tested."""
        return sorted(set(Counter(contrast.family for contrast in self.contrasts if contrast.holm is not None).values()))


@dataclass(frozen=True)
class Table:
    """A table of the suite: rows and columns in the suite's order, one block a metric.

    arms: whether columns or rows compete. alpha: the level of each family. looks: at how many looks it may be tested.
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
    blocks: list[Block]
    arms: str = "columns"
    baseline: str | None = None
    test: str = "t"
    alpha: float = ALPHA
    looks: int = 1


def build(spec: "TableSpec", trials: Trials, name: str = "", *, alpha: float = ALPHA, looks: int = 1) -> Table:
    """Lay out the trials of a table's stage. BenchError where two cells would fall on one place."""
    placed: dict[tuple[str, str], dict[int, Record]] = {}
    for labels, by_seed in trials.of_stage(spec.stage):
        if not all(labels.get(axis) in allowed for axis, allowed in spec.where.items()):
            continue
        place = place_label(labels, spec.rows), place_label(labels, spec.columns)
        if place in placed:
            first, second = (next(iter(seeds.values())).cell for seeds in (placed[place], by_seed))
            raise BenchError(
                f"two cells fall on row {place[0]!r}, column {place[1]!r}: {first} and {second}",
                where=f"table {name or spec.title or spec.stage}",
                mend="pin the other axes with `where`, or add them to the rows or columns",
            )
        placed[place] = by_seed
    columns = list(dict.fromkeys(column for _, column in placed))
    table = Table(
        name=name,
        title=spec.title or name or spec.stage,
        stage=spec.stage,
        row_axes=list(spec.rows),
        column_axes=list(spec.columns),
        rows=list(dict.fromkeys(row for row, _ in placed)),
        columns=columns,
        planned=max(map(len, placed.values()), default=0),
        blocks=[],
        arms=spec.arms or ("columns" if len(columns) > 1 else "rows"),
        baseline=spec.baseline,
        test=spec.test,
        alpha=alpha,
        looks=looks,
    )
    for shown in spec.values:
        published = spec.published.get(shown.metric, {})
        cells = {
            (row, column): _cell(seeds, shown.metric, shown.unit, published.get(row, {}).get(column))
            for (row, column), seeds in placed.items()
        }
        table.blocks.append(_block(table, shown, cells))
    return table


def _block(table: Table, shown: "Value", cells: dict[tuple[str, str], Cell]) -> Block:
    """Compare all pairs of columns within each row, and all pairs of rows within each column; each row or column is a family."""
    better = shown.better or _better(shown.metric)
    contrasts: list[Contrast] = []
    best, daggers, context = set(), set(), []
    for arms, lines, axes in (("columns", table.rows, table.row_axes), ("rows", table.columns, table.column_axes)):
        for line in lines:
            places = (
                {arm: (line, arm) for arm in table.columns} if arms == "columns" else {arm: (arm, line) for arm in table.rows}
            )
            found = {arm: cells[place] for arm, place in places.items() if place in cells}
            name = f"{BETWEEN.join(axes)} = {line}"
            tested = family(name, shown.metric, found, table.test, table.alpha)
            contrasts += tested
            context += [omnibus(name, shown.metric, found)] if table.test != "welch" else []
            if arms == table.arms:
                best |= {places[arm] for arm in leaders(found, better, tested, table.alpha)}
                daggers |= {places[arm] for arm in differing(table.baseline, tested, table.alpha)}
    return Block(
        shown.metric, shown.unit, better, cells, contrasts, frozenset(best), frozenset(daggers), tuple(filter(None, context))
    )


def _better(metric: str) -> str:
    if metric.endswith(HIGHER) or "accuracy/" in metric:
        return "higher"
    return "lower" if metric.endswith(LOWER) else ""


def place_label(labels: Mapping[str, str], axes: Sequence[str]) -> str:
    """Return the labels on some axes as a table writes them."""
    return BETWEEN.join(labels.get(axis, ABSENT) for axis in axes)


def _cell(seeds: dict[int, Record], metric: str, unit: str, published: float | None) -> Cell:
    values, run_ids, without, why, timed = {}, {}, Counter(), "", set()
    for seed, record in seeds.items():
        value = record.value(metric)
        if value is None:
            without["not measured" if record.outcome == "finished" else record.outcome] += 1
            why = why or record.unavailable
        else:
            values[seed] = FACTORS[unit] * value
            run_ids[seed] = record.run.run_id
            timed.add(conditions(record))
    return Cell(len(seeds), values, published, dict(without), why, run_ids, frozenset(timed))
