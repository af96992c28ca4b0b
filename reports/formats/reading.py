"""What a reader returns."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Value = str | float | None
SUMMARY_KEYS, CONTRAST_KEYS = ("row", "column"), ("family", "left", "right")
"""What tells apart the cells of a table, and its comparisons, in the formats for programs."""


@dataclass
class ReadTable:
    """A table as it stands in a file.

    caption: the text that introduces it. rows: column → value, each. keys: the columns that tell rows apart, and name: that of
    the table in the suite, where the format itself says so.
    """

    caption: str
    header: list[str]
    rows: list[dict[str, Value]] = field(default_factory=list)
    keys: tuple[str, ...] = ()
    name: str = ""


@dataclass
class Reading:
    """All that was found in a file.

    runs: lines as `bench.reports.formats.run_ids` writes them. sources: `SUITE, profile PROFILE` of each report that stands in
    it. whole: whether it is a whole report, not a text with single tables in it.
    """

    tables: list[ReadTable]
    runs: list[dict[str, Any]] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    whole: bool = True


def clean(text: str) -> str:
    """Return text with single spaces."""
    return " ".join(text.split())


def cell(lines: Iterable[str], bold: bool) -> str:
    """Return a cell as text: its lines, the first between `**` where it is bold."""
    first, *rest = map(clean, lines)
    return "\n".join([f"**{first}**" if bold and first else first, *rest])


def table(caption: str, header: Iterable[str], rows: Iterable[list[str]]) -> ReadTable:
    """Return a table of text. Equal column titles get a number; cells beyond the header, or lacking, are empty text."""
    seen: Counter[str] = Counter()
    titles = []
    for title in map(clean, header):
        seen[title] += 1
        titles.append(title if seen[title] == 1 else f"{title} ({seen[title]})")
    padded = (row[: len(titles)] + [""] * (len(titles) - len(row)) for row in rows)
    return ReadTable(clean(caption), titles, [dict(zip(titles, row, strict=True)) for row in padded])


def records(caption: str, rows: list[dict[str, Value]], keys: tuple[str, ...], name: str = "") -> ReadTable:
    """Return a table of records. keys, name: see `ReadTable`."""
    return ReadTable(clean(caption), list(dict.fromkeys(column for row in rows for column in row)), rows, keys, clean(name))
