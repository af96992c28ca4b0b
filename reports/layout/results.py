"""The tables of results: mean ± SD by row and column."""

from collections.abc import Iterable, Sequence

from bench.reports.layout.comparisons import comparable
from bench.reports.layout.grid import NOTHING, Text, TextGrid, tests_told
from bench.reports.layout.origins import origins
from bench.reports.layout.scope import listing
from bench.reports.numbers import MOST_DECIMALS, digits, number
from bench.reports.records.arms import unlike
from bench.reports.tables.blocks import MetricBlock
from bench.reports.tables.build import BETWEEN, Stack, TableData
from bench.reports.tables.comparisons import TableCell


def results(table: TableData, stacks: Sequence[Stack]) -> TextGrid:
    """Lay out a value of a table, or all of them side by side where each is a column: mean ± SD by row and column, the best in
    bold, marks for what is as good and for what differs from the baseline, and the published number below."""
    named = [stack[0].label for stack in stacks]
    blocks = [block for stack in stacks for block in stack]
    title = f"{table.title}: {', '.join(named)}"
    corner = f"{BETWEEN.join(table.row_axes)} ↓"
    corner += f", {BETWEEN.join(table.column_axes)} →" if table.column_axes else ""
    header = [(column, column, stacks[0]) for column in table.columns]
    if not table.column_axes:
        header = [(name, "", stack) for name, stack in zip(named, stacks, strict=True)]
    grid = TextGrid(title, f"{title}. {_how(table, blocks)}", [corner, *(name for name, _, _ in header)])
    places = [_decimals(cell for (_, other), cell in stack[0].cells.items() if other == column) for _, column, stack in header]
    for row in table.rows:
        texts = [Text((row,))]
        shown = [next((block for block in stack if (row, column) in block.cells), stack[0]) for _, column, stack in header]
        below = [
            block.cells[row, column] for block, (_, column, stack) in zip(shown, header, strict=True) if block is not stack[0]
        ]
        decimals_below = _decimals(below)
        for (_, column, stack), block, decimals in zip(header, shown, places, strict=True):
            cell = block.cells.get((row, column), TableCell())
            at = row, column
            marks = "≈" * (at in block.near) + "†" * (at in block.daggers)
            lines = _cell(grid, table, block, cell, decimals if block is stack[0] else decimals_below, marks)
            texts.append(Text(lines, at in block.best, tuple(cell.run_ids.values())))
        grid.rows.append(texts)
    constant = [stack[0].name for stack in stacks if stack[0].contrasts and not comparable(stack)] if table.planned > 1 else []
    grid.remarks += [f"Not compared, as it is the same for every seed: {', '.join(constant)}."] if constant else []
    grid.remarks += [*_legend(table, blocks), *origins(table, blocks)]
    return grid


def _legend(table: TableData, blocks: Sequence[MetricBlock]) -> list[str]:
    line = "row" if table.arms == "columns" else "column"
    remarks = []
    ends = {block.better for block in blocks if block.best}
    if ends:
        which = f"{ends.pop()} is better" if len(ends) == 1 else "the highest; of losses, times and epochs the lowest"
        legend = f"Bold: the best mean of its {line} ({which})."
        if any(block.near for block in blocks):
            legend += (
                f" ≈ These seeds cannot tell it from the best of its {line}: tested against it, and not significantly worse "
                f"(Holm over all pairs of the {line}, p above {table.alpha:.3g}). Neither: significantly worse, or not tested."
            )
        remarks.append(legend)
    if sizes := sorted({size for block in blocks for size in block.baseline_sizes}):
        remarks.append(
            f"† Significantly different from {table.baseline} in the same {line}: Holm over the comparisons with "
            f"{table.baseline} alone, m={_range(sizes)}, p at or below {table.alpha:.3g}."
        )
    return remarks


def _range(sizes: Sequence[int]) -> str:
    return f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"


def _how(table: TableData, blocks: Sequence[MetricBlock]) -> str:
    """Say what stands in the cells and how they were tested: the second half of the caption."""
    counts = sorted({len(values) for block in blocks for cell in block.cells.values() for values in cell.by_split.values()})
    splits = f", each the mean of {counts[0]} splits" if counts else ""
    own = [name.replace("_", " ") for name in table.vary if name != "splits"]
    tested = [contrast.result for block in blocks for contrast in block.contrasts]
    if table.planned == 1:
        how = "One seed (n=1): no spread and no test."
    else:
        how = f"Mean ± sample SD (ddof=1) over n={table.planned} seeds"
        how += splits or (f", each with its own {listing(own)}" if own else "")
        if sizes := sorted({size for block in blocks for size in block.family_sizes}):
            how += f"; {tests_told(table.test, tested)}, Holm, m={_range(sizes)} a family, alpha={table.alpha:.3g}"
            how += f" (a share of {table.looks} looks)." if table.looks > 1 else "."
        else:
            how += "; nothing could be tested."
    printed = any(cell.published is not None for block in blocks for cell in block.cells.values())
    return how + (" In parentheses: what the report printed." if printed else "")


def _cell(grid: TextGrid, table: TableData, block: MetricBlock, cell: TableCell, places: int, marks: str) -> tuple[str, ...]:
    if not cell.planned:
        return (NOTHING,)
    lines = _value(table, cell, places) if cell.values else [_nothing(grid, cell)]
    lines[0] += marks
    if len(cell.conditions) > 1 and (reason := unlike(cell.conditions, block.metric)):
        lines[0] += grid.mark(reason)
    if cell.published is not None:
        lines.append(f"(report: {cell.published:.10g})".replace("-", "−"))
    return tuple(lines)


def _value(table: TableData, cell: TableCell, places: int) -> list[str]:
    n, mean, sd = cell.summary.n, cell.summary.mean, cell.summary.sd
    text = NOTHING if mean is None else number(mean, places) + (f" ± {number(sd, places)}" if sd is not None else "")
    remarks = [f"n={n}"] if n != table.planned else []
    remarks += [f"{count} {outcome}" for outcome, count in cell.without.items()]
    return [text, f"({', '.join(remarks)})"] if remarks else [text]


def _nothing(grid: TextGrid, cell: TableCell) -> str:
    def label(outcome: str, count: int) -> str:
        mark = grid.mark(cell.why[outcome]) if outcome in cell.why else ""
        whole = count == cell.planned and outcome in ("missing", "unavailable", "running", "not measured")
        return outcome + mark + ("" if whole else f" ({count}/{cell.planned})")

    return ", ".join(label(outcome, count) for outcome, count in cell.without.items())


def _decimals(column: Iterable[TableCell]) -> int:
    """Return the decimals of a column: the largest SD to two significant digits, or one more where the smallest would vanish."""
    summaries = [cell.summary for cell in column if cell.values]
    means = [s.mean for s in summaries if s.mean is not None]
    spreads = [s.sd for s in summaries if s.sd]
    if not spreads and all(float(mean).is_integer() for mean in means):
        return 0  # sizes, counts
    if not spreads:
        return digits(max(map(abs, means), default=0.0), 3)
    places = digits(max(spreads), 2)
    return min(places + (round(min(spreads), places) == 0), MOST_DECIMALS)
