"""Markdown as GitHub renders it, aligned so that it also reads well as plain text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from html import escape as html
from urllib.parse import quote

from tabulate import tabulate

from bench.reports.formats import run_ids as runs
from bench.reports.layout import outline
from bench.reports.layout.ends import provenance
from bench.reports.layout.facts import facts
from bench.reports.layout.grid import Text, TextGrid
from bench.reports.layout.summary import counts
from bench.reports.report import ReportData

SPECIAL = re.compile(r"([\\`*\[\]<|~$]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;))")
FOLDED = ("declaration", "claims", "variance", "comparisons", "search", "ledger")
"""Kinds of tables that open on demand."""
MOST_PARTS = 40
"""Comparisons of all claims up to which each has a row."""
MOST_COMPARISONS = 24
"""Of all tables; further ones are left to the other formats."""
ELSEWHERE = "stand in the HTML, JSON and CSV reports."


@lru_cache(4096)  # a long report says "0.250" and "–" ten thousand times
def escape(text: str) -> str:
    """Return text that Markdown shows as it is, on one line; underscores within a word need no help."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def unescape(text: str) -> str:
    """Return what escaped text shows."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)


def render(report: ReportData, figures: Mapping[str, str] = {}, *, with_runs: bool = True) -> str:
    """Return the report as a Markdown document: the answer first, then the tables; details are folded, as GitHub shows them.
    Comparisons that nobody asks for are left to the other formats.

    figures: name of a figure → relative path of its image; others are left out. with_runs: end with the ids of the runs behind
    each number, in a comment.
    """
    room = _Room(sum(len(claim.parts) for claim in report.claims) <= MOST_PARTS)
    parts = [f"# {escape(report.title)}"]
    parts += [f"**{word}**: {escape(text)}" for word, text in outline.banners(report)]
    parts.append("\n".join(f"- {name}: {escape(text)}" for name, text in facts(report)))
    parts.append("\n".join(f"- **{count} {escape(verdict)}**" for verdict, count in counts(report)))
    if (first := outline.at_a_glance(report)) is not None:
        parts += grid_parts(first.grid)
    for section in outline.sections(report):
        parts += _section(section, figures, room)
    if (missing := outline.ledger(report)) is not None:
        parts += _section(missing, figures, room)
    parts.append("## Provenance")
    parts.append("\n".join(f"- {name}: {escape(text)}" for name, text in provenance(report)))
    if with_runs and (run_lines := list(runs.lines(report))):
        parts.append("\n".join(["<!-- runs: the MLflow runs behind each number", *run_lines, "-->"]))
    return "\n\n".join(part for part in parts if part) + "\n"


@dataclass
class _Room:
    """What a document has room for. parts: the comparisons of claims. comparisons: so many more of those of tables. told: remarks
    that need no second time."""

    parts: bool
    comparisons: int = MOST_COMPARISONS
    told: set[str] = field(default_factory=set)

    def shortened(self, part: outline.PlacedGrid) -> TextGrid:
        """Return a grid without what there is no room for."""
        grid = part.grid
        rows, remarks = grid.rows, [remark for remark in grid.remarks if remark not in self.told]
        self.told |= set(remarks)
        if part.kind == "claims" and not self.parts:
            rows = [row for row in rows if row[0].bold]
            remarks.append(f"The single comparisons of claims that have several ({len(grid.rows) - len(rows)}) {ELSEWHERE}")
        return replace(grid, rows=rows, remarks=remarks)

    def takes(self, part: outline.PlacedGrid) -> bool:
        """Whether there is room for a grid, which then takes it."""
        if part.kind != "comparisons":
            return True
        if part.extra or len(part.grid.rows) > self.comparisons:
            return False
        self.comparisons -= len(part.grid.rows)
        return True


def _section(section: outline.ReportSection, figures: Mapping[str, str], room: _Room) -> list[str]:
    """Return the paragraphs of a section; none where nothing stands in it."""
    parts: list[str] = []
    left = 0
    for part in section.parts:
        if not room.takes(part):
            left += len(part.grid.rows)
        elif part.kind in FOLDED:
            parts += [
                f"<details><summary>{html(part.folded or part.grid.title)}</summary>",
                *grid_parts(room.shortened(part), aligned=False),
                "</details>",
            ]
        else:
            parts += grid_parts(room.shortened(part))
    if left:
        parts.append(f"{left} comparisons that are not listed here {ELSEWHERE}")
    for figure in section.figures:
        if path := figures.get(figure.name):
            parts += [f"![{escape(figure.title)}](<{quote(path)}>)", _paragraph(figure.caption)]
    return [f"## {escape(section.heading)}", *parts] if parts else []


def grid_parts(grid: TextGrid, *, aligned: bool = True) -> list[str]:
    """Return the paragraphs of a grid: its caption, its table and its notes, as far as there are. aligned: whether its columns
    are padded, for whoever reads it as plain text."""
    parts = [_paragraph(grid.caption)]
    if grid.rows:
        rows = [[_cell(cell) for cell in row] for row in grid.rows]
        header = [*map(escape, grid.header)]
        if aligned:
            parts.append(tabulate(rows, header, tablefmt="pipe", disable_numparse=True))
        else:
            parts.append("\n".join(f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows)))
    if grid.footnotes:
        parts.append("<br>\n".join(map(_paragraph, grid.footnotes)))
    return parts


def _cell(cell: Text) -> str:
    first, *rest = map(escape, cell.lines or ("",))
    return "<br>".join([f"**{first}**" if cell.bold and first else first, *rest])


def _paragraph(text: str) -> str:
    """Return escaped text that cannot begin any other kind of block."""
    escaped = escape(text)
    start = re.match(r"[#>+=-]|\d+[.)]", escaped)
    return escaped if start is None else f"{escaped[: start.end() - 1]}\\{escaped[start.end() - 1 :]}"
