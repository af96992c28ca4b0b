"""Markdown as GitHub renders it, aligned so that it also reads well as plain text."""

import re

from tabulate import tabulate

from reports import layout
from reports.report import Report

SPECIAL = re.compile(r"([\\`*\[\]<|~$]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;))")


def escape(text: str) -> str:
    """Return text that Markdown shows as it is, on one line; underscores within a word need no help."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def render(report: Report) -> str:
    """Return the report as a Markdown document."""
    parts = [f"# {escape(report.title)}"]
    if not report.complete:
        parts.append("**Incomplete**: the trials at the end have no result.")
    for table in report.tables:
        parts.append(f"## {escape(table.title)}")
        for block in table.blocks:
            parts += _grid(layout.results(table, block))
            if block.contrasts:
                parts += _grid(layout.comparisons(block))
    if (missing := layout.ledger(report)) is not None:
        parts += ["## Trials without a result", *_grid(missing)]
    parts.append("## Provenance")
    parts.append("\n".join(f"- {name}: {escape(text)}" for name, text in layout.provenance(report)))
    return "\n\n".join(parts) + "\n"


def _grid(grid: layout.Grid) -> list[str]:
    parts = [escape(grid.caption)]
    if grid.rows:
        rows = [["<br>".join(map(escape, cell)) for cell in row] for row in grid.rows]
        parts.append(tabulate(rows, [*map(escape, grid.header)], tablefmt="pipe", disable_numparse=True))
    if grid.footnotes:
        parts.append("<br>\n".join(map(escape, grid.footnotes)))
    return parts
