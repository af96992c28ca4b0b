"""From data to text, the same for every format: rounding, notes, captions. Renderers only escape and arrange it."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from reports.report import Report
from reports.statistics import ALPHA
from reports.tables import TIMES, Block, Cell, Table, unlike

NOTHING = "–"
MOST_DECIMALS = 6
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass
class Grid:
    """A table of text: a cell is a tuple of lines. Notes are numbered from 1, the others stand below them."""

    caption: str
    header: list[str]
    rows: list[list[tuple[str, ...]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def mark(self, note: str) -> str:
        """Return the superscript of a note, adding the note if it is new."""
        if note not in self.notes:
            self.notes.append(note)
        return str(self.notes.index(note) + 1).translate(SUPERSCRIPTS)

    @property
    def footnotes(self) -> list[str]:
        return [f"{str(i).translate(SUPERSCRIPTS)} {note}" for i, note in enumerate(self.notes, 1)] + self.remarks


def results(table: Table, block: Block) -> Grid:
    """Lay out a block: mean ± SD by row and column, and the published number below."""
    grid = Grid(_caption(table, block), [f"{' / '.join(table.row_axes)} ↓, {' / '.join(table.column_axes)} →", *table.columns])
    places = {column: _decimals(cell for (_, c), cell in block.cells.items() if c == column) for column in table.columns}
    for row in table.rows:
        texts = [_cell(grid, table, block, block.cells.get((row, column), Cell()), places[column]) for column in table.columns]
        grid.rows.append([(row,), *texts])
    return grid


def comparisons(block: Block) -> Grid:
    """Lay out every contrast of a block; those without any shared seed stand as remarks, by reason."""
    unit = {"": "", "%": " (percentage points)"}.get(block.unit, f" ({block.unit})")
    grid = Grid(
        f"Comparisons of {block.metric}{unit}, first minus second: two-sided paired t-test over seeds; Holm within each "
        f"family of m; * Holm p below {ALPHA:g}.",
        ["family", "m", "contrast", "difference (95 % CI)", "t", "p", "Holm p", "n"],
    )
    sizes = Counter(contrast.family for contrast in block.contrasts if contrast.holm is not None)
    untested = defaultdict(list)
    for contrast in block.contrasts:
        result, name = contrast.result, f"{contrast.left} vs {contrast.right}"
        if result.difference is None:
            untested[result.reason].append(f"{name} ({contrast.family})")
            continue
        if result.p is None:
            tested = [number(result.difference, _digits(result.difference, 3), sign=True) + grid.mark(result.reason)]
            tested += [NOTHING] * 3
        else:
            places = _digits((result.ci_high - result.ci_low) / 2, 2)
            interval = f"({number(result.ci_low, places)} to {number(result.ci_high, places)})"
            star = "*" if contrast.holm < ALPHA else ""
            tested = [
                f"{number(result.difference, places, sign=True)} {interval}",
                number(result.t, 2),
                probability(result.p),
                probability(contrast.holm) + star,
            ]
        row = [contrast.family, str(sizes[contrast.family] or NOTHING), name, *tested, str(result.n)]
        grid.rows.append([(text,) for text in row])
    for reason, names in untested.items():
        which = "any pair" if len(names) == len(block.contrasts) else "; ".join(names)
        grid.remarks.append(f"Not compared ({reason}): {which}.")
    return grid


def ledger(report: Report) -> Grid | None:
    """Lay out the trials without a result; None where every trial finished."""
    if not report.ledger:
        return None
    missing = sum(entry.trials for entry in report.ledger)
    grid = Grid(
        f"Trials without a result: {missing} of {report.summary.trials}.",
        ["stage", "cell", "seeds", "outcome", "trials", "message"],
    )
    for entry in report.ledger:
        seeds = ", ".join(map(str, entry.seeds))
        row = [entry.stage, entry.cell, seeds, entry.outcome, str(entry.trials), " ".join(entry.message.split()) or NOTHING]
        grid.rows.append([(text,) for text in row])
    return grid


def provenance(report: Report) -> list[tuple[str, str]]:
    """Return what stands at the end of a report: name and text of each line."""
    source = report.summary
    lines = [
        ("suite", f"{report.suite}, profile {report.profile}"),
        ("trials", f"{source.trials}: " + ", ".join(f"{n} {outcome}" for outcome, n in source.outcomes.items())),
    ]
    if source.first is not None:
        lines.append(("recorded", f"{_when(source.first)} to {_when(source.last)}"))
    for name, values in (("device", source.devices), ("commit", source.commits), ("versions", source.versions)):
        if values:
            lines.append((name, "; ".join(values)))
    return lines


def number(value: float, places: int, sign: bool = False) -> str:
    """Return a number with a true minus sign, and never a negative zero."""
    text = f"{value:{'+' if sign else ''}.{places}f}"
    if not text.strip("+-0."):
        text = text.lstrip("+-")
    return text.replace("-", "−")


def probability(p: float) -> str:
    """Return a p-value to three decimals, or a small one to two significant digits."""
    return f"{p:.3f}" if p >= 0.001 else f"{p:.1e}" if p >= 1e-12 else "< 1e-12"


def _caption(table: Table, block: Block) -> str:
    what = f"{table.title}: {block.metric}" + (f" ({block.unit})" if block.unit else "")
    if table.planned == 1:
        how = "One seed (n=1): no spread and no test."
    else:
        how = f"Mean ± sample SD (ddof=1) over n={table.planned} seeds"
        if sizes := block.family_sizes:
            m = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
            how += f"; paired t-test, Holm, m={m} a family, alpha={ALPHA:g}."
        else:
            how += "; nothing could be tested."
    printed = any(cell.published is not None for cell in block.cells.values())
    return f"{what}. {how}" + (" In parentheses: what the report printed." if printed else "")


def _cell(grid: Grid, table: Table, block: Block, cell: Cell, places: int) -> tuple[str, ...]:
    if not cell.planned:
        return (NOTHING,)
    lines = _value(table, cell, places) if cell.values else [_nothing(grid, cell)]
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
        return _digits(max((abs(s.mean) for s in summaries), default=0.0), 3)
    places = _digits(max(spreads), 2)
    return min(places + (round(min(spreads), places) == 0), MOST_DECIMALS)


def _digits(value: float, significant: int) -> int:
    """Return the decimals that show so many significant digits of a value."""
    if not value:
        return 0
    return min(max(significant - 1 - math.floor(math.log10(abs(value))), 0), MOST_DECIMALS)


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
