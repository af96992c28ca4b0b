"""The tables of results: mean ± SD by row and column."""

from collections.abc import Iterable

from reports.arms import TIMES, unlike
from reports.contrasts import Cell
from reports.layout.grid import NOTHING, TESTS, Grid, Text
from reports.numbers import MOST_DECIMALS, digits, number
from reports.tables import Block, Table


def results(table: Table, block: Block) -> Grid:
    """Lay out a block: mean ± SD by row and column, the best in bold, and the published number below."""
    title, how = _caption(table, block)
    corner = f"{' / '.join(table.row_axes)} ↓, {' / '.join(table.column_axes)} →"
    grid = Grid(title, f"{title}. {how}", [corner, *table.columns])
    places = {column: _decimals(cell for (_, c), cell in block.cells.items() if c == column) for column in table.columns}
    for row in table.rows:
        texts = [Text((row,))]
        for column in table.columns:
            cell = block.cells.get((row, column), Cell())
            dagger = "†" if (row, column) in block.daggers else ""
            lines = _cell(grid, table, block, cell, places[column], dagger)
            texts.append(Text(lines, (row, column) in block.best, tuple(cell.run_ids.values())))
        grid.rows.append(texts)
    grid.remarks += _legend(table, block)
    return grid


def _legend(table: Table, block: Block) -> list[str]:
    line = "row" if table.arms == "columns" else "column"
    remarks = []
    if block.best:
        remarks.append(
            f"Bold: the best of its {line} ({block.better} is better) and all that were tested against it and are not "
            f"significantly worse (Holm p above {table.alpha:.3g})."
        )
    if table.baseline is not None and any(one.holm is not None for one in block.contrasts):
        remarks.append(f"† significantly different from {table.baseline} in the same {line}.")
    return remarks


def _caption(table: Table, block: Block) -> tuple[str, str]:
    title = f"{table.title}: {block.metric}" + (f" ({block.unit})" if block.unit else "")
    if table.planned == 1:
        how = "One seed (n=1): no spread and no test."
    else:
        how = f"Mean ± sample SD (ddof=1) over n={table.planned} seeds"
        if sizes := block.family_sizes:
            m = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
            how += f"; {TESTS[table.test]}, Holm, m={m} a family, alpha={table.alpha:.3g}"
            how += f" (a share of {table.looks} looks)." if table.looks > 1 else "."
        else:
            how += "; nothing could be tested."
    printed = any(cell.published is not None for cell in block.cells.values())
    return title, how + (" In parentheses: what the report printed." if printed else "")


def _cell(grid: Grid, table: Table, block: Block, cell: Cell, places: int, dagger: str) -> tuple[str, ...]:
    if not cell.planned:
        return (NOTHING,)
    lines = _value(table, cell, places) if cell.values else [_nothing(grid, cell)]
    lines[0] += dagger
    if block.metric in TIMES and len(cell.conditions) > 1:
        lines[0] += grid.mark(unlike(cell.conditions))
    if cell.published is not None:
        lines.append(f"(report: {cell.published:.10g})".replace("-", "−"))
    return tuple(lines)


def _value(table: Table, cell: Cell, places: int) -> list[str]:
    n, mean, sd = cell.summary.n, cell.summary.mean, cell.summary.sd
    text = number(mean, places) + (f" ± {number(sd, places)}" if sd is not None else "")
    remarks = [f"n={n}"] if n != table.planned else []
    remarks += [f"{count} {outcome}" for outcome, count in cell.without.items()]
    return [text, f"({', '.join(remarks)})"] if remarks else [text]


def _nothing(grid: Grid, cell: Cell) -> str:
    def told(outcome: str, count: int) -> str:
        mark = grid.mark(cell.why) if outcome == "unavailable" and cell.why else ""
        whole = count == cell.planned and outcome in ("missing", "unavailable", "running", "not measured")
        return outcome + mark + ("" if whole else f" ({count}/{cell.planned})")

    return ", ".join(told(outcome, count) for outcome, count in cell.without.items())


def _decimals(column: Iterable[Cell]) -> int:
    """Return the decimals of a column: the largest SD to two significant digits, or one more where the smallest would vanish."""
    summaries = [cell.summary for cell in column if cell.values]
    spreads = [s.sd for s in summaries if s.sd]
    if not spreads:
        return digits(max((abs(s.mean) for s in summaries), default=0.0), 3)
    places = digits(max(spreads), 2)
    return min(places + (round(min(spreads), places) == 0), MOST_DECIMALS)
