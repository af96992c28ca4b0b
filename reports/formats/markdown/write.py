"""Markdown as GitHub renders it, aligned so that it also reads well as plain text."""

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote

from tabulate import tabulate

from bench.reports.formats import run_ids as runs
from bench.reports.layout import outline
from bench.reports.layout.ends import provenance
from bench.reports.layout.grid import Text, TextGrid
from bench.reports.report import ReportData

SPECIAL = re.compile(r"([\\`*\[\]<|~$]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;))")


@lru_cache(4096)  # a long report says "0.250" and "–" ten thousand times
def escape(text: str) -> str:
    """Return text that Markdown shows as it is, on one line; underscores within a word need no help."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def unescape(text: str) -> str:
    """Return what escaped text shows."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)


def render(report: ReportData, figures: Mapping[str, str] = {}, *, with_runs: bool = True) -> str:
    """Return the report as a Markdown document.

    figures: name of a figure → relative path of its image; others are left out. with_runs: end with the ids of the runs behind
    each number, in a comment.
    """
    parts = [f"# {escape(report.title)}"]
    parts += [f"**{word}**: {escape(text)}" for word, text in outline.banners(report)]
    for section in outline.sections(report):
        parts.append(f"## {escape(section.heading)}")
        for part in section.parts:
            parts += grid_parts(part.grid)
    if shown := [figure for figure in report.figures if figures.get(figure.name)]:
        parts.append("## Figures")
        for figure in shown:
            parts += [f"![{escape(figure.title)}](<{quote(figures[figure.name])}>)", _paragraph(figure.caption)]
    if (missing := outline.ledger(report)) is not None:
        parts.append(f"## {missing.heading}")
        for part in missing.parts:
            parts += grid_parts(part.grid)
    parts.append("## Provenance")
    parts.append("\n".join(f"- {name}: {escape(text)}" for name, text in provenance(report)))
    if with_runs and (run_lines := list(runs.lines(report))):
        parts.append("\n".join(["<!-- runs: the MLflow runs behind each number", *run_lines, "-->"]))
    return "\n\n".join(part for part in parts if part) + "\n"


def grid_parts(grid: TextGrid) -> list[str]:
    """Return the paragraphs of a grid: its caption, its table and its notes, as far as there are."""
    parts = [_paragraph(grid.caption)]
    if grid.rows:
        rows = [[_cell(cell) for cell in row] for row in grid.rows]
        parts.append(tabulate(rows, [*map(escape, grid.header)], tablefmt="pipe", disable_numparse=True))
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
