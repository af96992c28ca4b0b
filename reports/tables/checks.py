"""Whether a table fits the cells of its stage."""

from collections.abc import Mapping

from bench.errors import did_you_mean
from bench.grammar.cells import Cell, Cells
from bench.grammar.checks import check_axes, levels_of
from bench.grammar.document import DocPath, Document
from bench.reports.tables.grammar import Table

CLASS = "class"
"""What stands for an axis where the rows of a table are classes."""


def check_table(document: Document, name: str, table: Table, stages: Mapping[str, Cells]) -> None:
    """Check that a table's axes and labels exist and that each of its places is one cell."""
    at = ("tables", name)
    known = levels_of(document, at, table.stage, stages)
    _check_class_rows(document, at, table)
    axes = {"rows": [] if table.by_class else table.rows, "columns": table.columns}
    check_axes(document, at, axes, table.where, table.stage, known)
    if both := set(table.rows) & set(table.columns):
        raise document.error((*at, "columns"), f"axis {min(both)!r} is in rows and columns", "leave it in one of them")
    places: dict[tuple[str, ...], Cell] = {}
    shown = stages[table.stage].where(table.where)
    for cell in shown:
        place = tuple(cell.labels.get(axis, "") for part in axes.values() for axis in part)
        if place in places and not places[place].is_other_split(cell):
            loose = [axis for axis in known if cell.labels.get(axis) != places[place].labels.get(axis)]
            mend = f"add {loose[0]!r} to rows or columns, or pin it: `where: {{{loose[0]}: {known[loose[0]][0]}}}`"
            raise document.error(at, f"axis {loose[0]!r} varies within a cell of table {name!r}", mend)
        places[place] = cell
    rows, columns = ({" / ".join(cell.labels.get(axis, "") for axis in part) for cell in shown} for part in axes.values())
    _check_arms(document, at, table, rows, columns)
    _check_published(document, at, table, rows, columns)


def _check_class_rows(document: Document, at: DocPath, table: Table) -> None:
    """Check that rows are classes if the metrics are those of classes."""
    if not table.by_class:
        if table.rows == [CLASS]:
            mend = f"show metrics of classes, such as `values: {table.values[0].metric}/*`"
            raise document.error((*at, "rows"), "rows of classes need values `PREFIX/*`", mend)
        if table.also:
            raise document.error((*at, "also"), "`also` stands below rows of classes, and this table has none", "take it out")
        return
    if whole := [value.metric for value in table.values if not value.metric.endswith("/*")]:
        raise document.error(
            (*at, "values"), f"{whole[0]!r} is no metric of classes", f"move it to `also: {{LABEL: {whole[0]}}}`"
        )
    if table.rows != [CLASS]:
        raise document.error((*at, "rows"), "the values are metrics of classes, so each row is a class", "write `rows: class`")
    for label, metrics in table.also.items():
        if len(metrics) != len(table.values):
            message = f"{label!r} needs one metric for each of the {len(table.values)} values, and has {len(metrics)}"
            raise document.error((*at, "also", label), message)


def _check_arms(document: Document, at: DocPath, table: Table, rows: set[str], columns: set[str]) -> None:
    """Check what competes, and its baseline."""
    if table.arms == "columns" and not table.columns:
        raise document.error((*at, "arms"), "the table has no columns that could compete", "name an axis in `columns`")
    if table.arms == "rows" and table.by_class:
        raise document.error((*at, "arms"), "classes do not compete", "leave `arms` out")
    if table.baseline is None:
        return
    by_rows = table.arms == "rows" or (table.arms is None and len(columns) == 1 and not table.by_class)
    kind, arms = ("row", rows) if by_rows else ("column", columns if table.columns else ())
    if table.baseline not in arms:
        mend = did_you_mean(table.baseline, arms)
        raise document.error((*at, "baseline"), f"the table has no {kind} {table.baseline!r}", mend)


def _check_published(document: Document, at: DocPath, table: Table, rows: set[str], columns: set[str]) -> None:
    """Check that printed numbers have a place. Which classes there are is not known before the data are read."""
    metrics = [value.metric for value in table.values]
    for metric, block in table.published.items():
        if metric not in metrics:
            raise document.error((*at, "published", metric), f"the table shows no {metric!r}", did_you_mean(metric, metrics))
        for row, numbers in block.items():
            here = (*at, "published", metric, row)
            if row not in rows and not table.by_class:
                raise document.error(here, f"the table has no row {row!r}", did_you_mean(row, rows))
            if isinstance(numbers, dict) != bool(table.columns) and numbers is not None:
                mend = "write `ROW: {COLUMN: NUMBER}`" if table.columns else "write `ROW: NUMBER`: the table has no columns"
                raise document.error(here, f"row {row!r} has not as many numbers as the table has columns", mend)
            for column in numbers if isinstance(numbers, dict) else ():
                if column not in columns:
                    mend = did_you_mean(column, columns)
                    raise document.error((*here, column), f"the table has no column {column!r}", mend)
