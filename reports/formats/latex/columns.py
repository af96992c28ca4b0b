"""How wide the columns of a LaTeX table are: as wide as their text while it fits the line, else sharing it by what they hold.

Widths of text are estimated in em of Computer Modern; the line is that of the article class at 10 pt, 345 pt. Columns that must
break their lines take a share of \\linewidth, so that another class's line is filled alike.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

from bench.reports.layout.grid import Text
from bench.reports.layout.outline import PlacedGrid

LINE = 345.0
"""Points."""
SIZES = {"footnotesize": (8.5, 3), "scriptsize": (7.97, 2.5)}
"""Points that an em has in each size, and that stand on either side of a column."""
SMALL = SIZES["scriptsize"][0] / SIZES["footnotesize"][0]
"""The second and further lines of a cell are set in the smaller size."""
NARROW, WIDE = frozenset("ijl.,:;'|!()[]I/ t†*¹²³⁴⁵⁶⁷⁸⁹"), frozenset("mwMW±×−→←↓↑≤≥≈%@&=+<>–")
GLUE = "\xa0\\1\xa0"
NUMBER = re.compile(r"[-−+]?[\d.]+(e[-+]?\d+)?\W*")


@lru_cache(maxsize=8192)
def ems(text: str) -> float:
    """Return about how wide a text is in em."""
    return sum(0.33 if c in NARROW else 0.8 if c in WIDE else 0.72 if c.isupper() else 0.5 if c < "\x7f" else 0.6 for c in text)


@lru_cache(maxsize=8192)
def longest(text: str, whole: bool) -> float:
    """Return the width of the longest piece that must not be broken. whole: an interval in parentheses is one piece."""
    text = re.sub(r" (±) (?=[\d−])", GLUE, text)
    text = re.sub(r"(?<=\d) (to) (?=[\d−])", GLUE if whole else GLUE.replace("\xa0", " ", 1), text)
    pieces = []
    for word in re.split(r"[ \t]+", text):
        pieces += [word] if NUMBER.fullmatch(word) else re.split(r"(?<=[-/_])(?=\w)", word)
    return max(map(ems, pieces), default=0.0)


def _title(text: str) -> float:
    """Return the least width of a column's title: short ones stay whole, TeX may hyphenate long words."""
    if len(text) <= 8:
        return ems(text)
    return max((ems(word) * (0.85 if len(word) > 8 else 1.0) for word in text.split()), default=0.0)


@dataclass(frozen=True)
class LatexRow:
    """A row, and the texts that stand above and below it over all columns, as they would be too long beside the others."""

    cells: list[Text]
    above: Text | None = None
    below: tuple[str, ...] = ()


@dataclass(frozen=True)
class ColumnPlan:
    """Which columns of a grid stand in a table, in which size. widths: as a share of the line; None where no line breaks.

    whole: whether intervals stay on one line.
    """

    chosen: list[int]
    size: str
    whole: bool
    widths: list[float | None]

    @property
    def gap(self) -> float:
        """Points on either side of a column."""
        return SIZES[self.size][1]

    def height(self, row: LatexRow) -> float:
        """Return about how many lines a row takes."""
        line = LINE / SIZES[self.size][0]
        beyond = _height(row.above.lines, line) if row.above else 0.0
        beyond += sum(_height(("", text), line) - 1 for text in row.below)
        cells = (row.cells[i].lines for i in self.chosen)
        return beyond + max(
            _height(texts, width * line if width else 1e9) for texts, width in zip(cells, self.widths, strict=True)
        )


def lines(texts: Sequence[str]) -> float:
    """Return about how many lines such paragraphs take."""
    return sum(_height([text], LINE / SIZES["footnotesize"][0]) for text in texts)


def rows(part: PlacedGrid) -> list[LatexRow]:
    """Return the rows of a grid. What a claim says, and why its verdict is so, stand over all columns."""
    if part.kind != "claims":
        return [LatexRow(cells) for cells in part.grid.rows]
    verdict = part.grid.header.index("verdict")
    latex_rows = []
    for row in part.grid.rows:
        cells = list(row)
        above = row[0] if row[0].bold else None
        cells[0] = Text(("",)) if above else row[0]
        cells[verdict] = Text(row[verdict].lines[:1], row[verdict].bold)
        latex_rows.append(LatexRow(cells, above, row[verdict].lines[1:]))
    return latex_rows


def plans(part: PlacedGrid) -> list[ColumnPlan]:
    """Return one plan, or several with the key columns in each where the grid is too wide for any size."""
    header = part.grid.header
    kept = [i for i, title in enumerate(header) if title in part.keys] or [0]
    every = [*range(len(header))]
    cells = [row.cells for row in rows(part)]
    for size, whole in (("footnotesize", True), ("scriptsize", True), ("scriptsize", False)):
        columns = [_Column.of(header[i], [row[i] for row in cells], whole) for i in every]
        if _fits(columns, size):
            return [_plan(columns, every, size, whole)]
    chunks: list[list[int]] = [[]]
    for i in every:
        if i in kept:
            continue
        if chunks[-1] and not _fits([columns[j] for j in (*kept, *chunks[-1], i)], size):
            chunks.append([])
        chunks[-1].append(i)
    return [_plan(columns, sorted([*kept, *chunk]), size, whole) for chunk in chunks]


@dataclass(frozen=True)
class _Column:
    """In em: least: of the longest piece; full: without a break. mass: the sum of the squared lengths of its cells."""

    least: float
    full: float
    mass: float
    several: bool

    @classmethod
    def of(cls, title: str, cells: Sequence[Text], whole: bool) -> "_Column":
        texts = [[(line, SMALL if k else 1.1 if cell.bold else 1.0) for k, line in enumerate(cell.lines)] for cell in cells]
        return cls(
            max([factor * longest(line, whole) for cell in texts for line, factor in cell] + [_title(title)]),
            max([factor * ems(line) for cell in texts for line, factor in cell] + [ems(title)]),
            sum(sum(factor * ems(line) for line, factor in cell) ** 2 for cell in texts) + ems(title) ** 2,
            any(len(cell) > 1 for cell in texts),
        )


def _room(columns: Sequence[_Column], size: str) -> float:
    em, gap = SIZES[size]
    return 0.98 * (LINE - 2 * gap * (len(columns) - 1)) / em


def _fits(columns: Sequence[_Column], size: str) -> bool:
    return sum(column.least for column in columns) <= _room(columns, size)


def _plan(columns: Sequence[_Column], chosen: list[int], size: str, whole: bool) -> ColumnPlan:
    """Share the line: the widths that make the sum of the squared heights of all cells least, within least and full."""
    taken = [columns[i] for i in chosen]
    room, line = _room(taken, size), LINE / SIZES[size][0]

    def shared(factor: float) -> list[float]:
        return [min(max(factor * column.mass ** (1 / 3), column.least), max(column.full, column.least)) for column in taken]

    low, high = 0.0, 1e3
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(shared(middle)) <= room else (low, middle)
    em_widths = shared(low)
    free = min(room / max(sum(em_widths), 1e-9), 1.06)  # a little more than estimated, where there is room
    widths = [
        None if width >= column.full and not column.several else width * max(free, 1.0) / line
        for width, column in zip(em_widths, taken, strict=True)
    ]
    return ColumnPlan(chosen, size, whole, widths)


def _height(texts: Sequence[str], width: float) -> float:
    """Return about how many lines a cell takes that is so many em wide."""
    first, *rest = texts or ("",)
    return max(1, ceil(1.08 * ems(first) / width)) + sum(SMALL * max(1, ceil(1.08 * SMALL * ems(text) / width)) for text in rest)
