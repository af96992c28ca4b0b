"""What depends on several parts of a suite together: tables and figures must fit the cells."""

from collections.abc import Mapping

from bench.errors import did_you_mean
from bench.suite.document import DocPath, Document
from bench.suite.expand import Cell, Cells
from bench.suite.figures import Figure
from bench.suite.schema import Table


def check_table(document: Document, name: str, table: Table, stages: Mapping[str, Cells]) -> None:
    """Check that a table's axes and labels exist and that each of its places is one cell."""
    at = ("tables", name)
    known = _known(document, at, table.stage, stages)
    _check_axes(document, at, {"rows": table.rows, "columns": table.columns}, table.where, table.stage, known)
    if both := set(table.rows) & set(table.columns):
        raise document.error((*at, "columns"), f"axis {min(both)!r} is in rows and columns", "leave it in one of them")
    places: dict[tuple[str, ...], Cell] = {}
    shown = stages[table.stage].where(table.where)
    for cell in shown:
        place = tuple(cell.labels.get(axis, "") for axis in (*table.rows, *table.columns))
        if place in places:
            loose = [axis for axis in known if cell.labels.get(axis) != places[place].labels.get(axis)]
            mend = f"add {loose[0]!r} to rows or columns, or pin it: `where: {{{loose[0]}: {known[loose[0]][0]}}}`"
            raise document.error(at, f"axis {loose[0]!r} varies within a cell of table {name!r}", mend)
        places[place] = cell
    rows = {" / ".join(cell.labels.get(axis, "") for axis in table.rows) for cell in shown}
    columns = {" / ".join(cell.labels.get(axis, "") for axis in table.columns) for cell in shown}
    kind, arms = ("row", rows) if table.arms == "rows" or (table.arms is None and len(columns) == 1) else ("column", columns)
    if table.baseline is not None and table.baseline not in arms:
        mend = did_you_mean(table.baseline, arms)
        raise document.error((*at, "baseline"), f"the table has no {kind} {table.baseline!r}", mend)
    metrics = [value.metric for value in table.values]
    for metric, block in table.published.items():
        if metric not in metrics:
            raise document.error((*at, "published", metric), f"the table shows no {metric!r}", did_you_mean(metric, metrics))
        for row, numbers in block.items():
            if row not in rows:
                raise document.error((*at, "published", metric, row), f"the table has no row {row!r}", did_you_mean(row, rows))
            for column in numbers:
                if column not in columns:
                    mend = did_you_mean(column, columns)
                    raise document.error((*at, "published", metric, row, column), f"the table has no column {column!r}", mend)


def check_figure(document: Document, name: str, figure: Figure, stages: Mapping[str, Cells], tables: Mapping[str, Table]) -> None:
    """Check that what a figure draws exists."""
    at = ("figures", name)
    table = getattr(figure, "table", None)
    if table is not None and table not in tables:
        raise document.error((*at, "table"), f"no table {table!r}", did_you_mean(table, tables))
    if (stage := getattr(figure, "stage", None)) is not None:
        known = _known(document, at, stage, stages)
        axes = {part: getattr(figure, part, []) for part in ("lines", "bars", "panels")}
        _check_axes(document, at, axes, figure.where, stage, known)
        shown = stages[stage].where(figure.where)
        placed = {axis for part in axes.values() for axis in part}
        loose = [a for a in known if a not in placed and len({cell.labels.get(a) for cell in shown}) > 1]
        if loose:
            mend = f"add {loose[0]!r} to `panels`, or pin it: `where: {{{loose[0]}: {known[loose[0]][0]}}}`"
            raise document.error(at, f"axis {loose[0]!r} varies within what figure {name!r} draws", mend)


def _known(document: Document, at: DocPath, stage: str, stages: Mapping[str, Cells]) -> dict[str, list[str]]:
    """Return the labels of each axis of a stage."""
    if stage not in stages:
        raise document.error((*at, "stage"), f"no stage {stage!r}", did_you_mean(stage, stages))
    return stages[stage].levels


def _check_axes(document: Document, at: DocPath, parts: Mapping[str, list[str]], where, stage: str, known) -> None:
    """Check that axes and labels exist."""
    for part, axes in (*parts.items(), ("where", list(where))):
        for axis in axes:
            if axis not in known:
                raise document.error((*at, part), f"stage {stage!r} has no axis {axis!r}", did_you_mean(axis, known))
    for axis, labels in where.items():
        for text in labels:
            if text not in known[axis]:
                mend = did_you_mean(text, known[axis])
                raise document.error((*at, "where", axis), f"axis {axis!r} has no level {text!r}", mend)
