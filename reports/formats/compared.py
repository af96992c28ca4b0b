"""Two sets of results compared, as Markdown, JSON, or a table that fits a terminal."""

import json
from dataclasses import asdict
from io import StringIO
from textwrap import fill
from typing import Any

from bench.reports.compare import Row, SidesCompared, Verdict
from bench.reports.formats.markdown.write import escape, grid_parts
from bench.reports.layout import compare as layout
from bench.reports.layout.grid import TextGrid

LONGEST = 14
"""Characters of a word that is never broken, at most."""


def render(compared: SidesCompared, format: str = "text", *, width: int = 100) -> str:
    """Return a comparison as text in one of `bench.reports.formats.COMPARED`. width: of the terminal, in characters."""
    if format == "json":
        return json.dumps(_data(compared), indent=2, ensure_ascii=False)
    title = f"{compared.suite}: {compared.candidate} against {compared.baseline}"
    told, grids = layout.sentences(compared), layout.grids(compared)
    if format == "markdown":
        parts = [f"# {escape(title)}", *map(escape, told)]
        return "\n\n".join([*parts, *(part for grid in grids for part in grid_parts(grid))]) + "\n"
    return "\n\n".join(
        [fill(title, width), "\n".join(fill(sentence, width) for sentence in told), *(_terminal(grid, width) for grid in grids)]
    )


def _terminal(grid: TextGrid, width: int) -> str:
    """Return a grid as columns; where it is too wide, its wide columns are wrapped."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="")
    rows = [[cell.lines[0] for cell in row] for row in grid.rows]
    for head, *column in zip(grid.header, *rows, strict=True):
        longest = max(len(word) for text in (head, *column) for word in text.split())
        table.add_column(head, min_width=min(longest, LONGEST), overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    told = StringIO()
    Console(file=told, width=width, color_system=None).print(table)
    lines = [line.rstrip() for line in told.getvalue().splitlines()]
    return "\n".join([fill(grid.caption, width), "", *lines, *(fill(note, width) for note in grid.footnotes)])


def _data(compared: SidesCompared) -> dict[str, Any]:
    return {
        "suite": compared.suite,
        "baseline": compared.baseline,
        "candidate": compared.candidate,
        "alpha": compared.alpha,
        "tests": compared.tests,
        "verdicts": {str(verdict): len(compared.having(verdict)) for verdict in Verdict},
        "repeats": asdict(compared.repeats),
        "changes": [asdict(change) for change in compared.changes],
        "only_baseline": compared.only_baseline,
        "only_candidate": compared.only_candidate,
        "left_out": compared.left_out,
        "rows": [_row(row) for row in compared.rows],
    }


def _row(row: Row) -> dict[str, Any]:
    result = row.result
    return {
        "stage": row.stage,
        "cell": row.cell,
        "metric": row.metric,
        "unit": row.known.unit,
        "better": row.known.better,
        **{
            name: {**asdict(side.summary), "values": side.values, "run_ids": side.run_ids}
            for name, side in (("baseline", row.baseline), ("candidate", row.candidate))
        },
        **{name: getattr(result, name) for name in ("n", "test", "ratio", "difference", "ci_low", "ci_high", "confidence", "p")},
        "holm": row.holm,
        "margin": row.margin,
        "no_worse": row.no_worse,
        "verdict": str(row.verdict),
        "why": row.why,
        "unpaired": row.unpaired,
    }
