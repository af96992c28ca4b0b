"""One self-contained HTML page, light or dark as the reader's system is; each number opens to the runs that it comes from."""

from collections.abc import Mapping, Sequence
from html import escape

from bench.reports.claims.rules import (
    DESCRIPTIVE,
    EQUIVALENT,
    IDENTICAL,
    INSUFFICIENT,
    NEGLIGIBLE,
    NOT_ASKED,
    REFUTED,
    REGIME,
    SELECTED,
    SUPPORTED,
    SURVIVORS,
    UNRESOLVED,
)
from bench.reports.formats import run_ids as runs
from bench.reports.formats.html import style as html_style
from bench.reports.layout import outline
from bench.reports.layout.ends import provenance
from bench.reports.layout.grid import Text
from bench.reports.report import ReportData

VERDICTS = {
    SUPPORTED: ("yes", "✓"),
    REFUTED: ("no", "✗"),
    EQUIVALENT: ("same", "≈"),
    NEGLIGIBLE: ("same", "≈"),
    IDENTICAL: ("same", "="),
    UNRESOLVED: ("open", "?"),
    DESCRIPTIVE: ("open", "–"),
    REGIME: ("open", "⊘"),
    SURVIVORS: ("open", "†"),
    SELECTED: ("open", "○"),
    INSUFFICIENT: ("few", "…"),
    NOT_ASKED: ("few", "∅"),
}
"""verdict → its class and its sign: a colour alone tells some readers nothing."""


def render(report: ReportData, figures: Mapping[str, str] = {}) -> str:
    """Return the report as an HTML page without scripts or outside files; figures stand in it as SVG, whatever was written."""
    page = _Page(report)
    sections = [(section.name, section.heading, page.grids(section)) for section in outline.sections(report)]
    if report.figures:
        sections.append(("figures", "Figures", "\n".join(page.drawing(figure) for figure in report.figures)))
    if (missing := outline.ledger(report)) is not None:
        sections.append((missing.name, missing.heading, page.grids(missing)))
    lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in provenance(report))
    sections.append(("provenance", "Provenance", f"<dl>{lines}</dl>"))
    title = escape(f"{report.title} – {report.suite}, profile {report.profile}")
    links = "".join(f'<li><a href="#{name}">{escape(heading)}</a></li>' for name, heading, _ in sections)
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title}</title>',
            f"<style>\n{html_style.STYLE}\n</style>\n</head>\n<body>",
            f"<header><h1>{escape(report.title)}</h1>",
            *(f'<p class="banner"><b>{word}</b>: {escape(text)}</p>' for word, text in outline.banners(report)),
            *([f'<p class="hint">{HINT}</p>'] if page.seeds else []),
            f'</header>\n<nav aria-label="Contents"><ul>{links}</ul></nav>\n<main>',
            *(f'<section id="{name}"><h2>{escape(heading)}</h2>\n{content}\n</section>' for name, heading, content in sections),
            "</main>\n</body>\n</html>\n",
        ]
    )


HINT = "A number with a dotted line opens to the runs that it comes from, one a seed."


class _Page:
    """What the cells of one page share: where runs are found."""

    def __init__(self, report: ReportData):
        self.url = report.run_url or (lambda run_id: None)
        self.seeds = runs.seeds(report)

    def grids(self, section: outline.ReportSection) -> str:
        return "\n".join(self._grid(part) for part in section.parts)

    def drawing(self, figure) -> str:
        from bench.reports.figures.build import render  # draws, and so takes its time to import
        from bench.reports.formats.html.svg import inline

        name = f"fig-{outline.slug(figure.name)}"
        image = inline(render(figure, "svg"), name, figure.title)
        return f'<figure class="drawing" id="{name}">\n{image}\n<figcaption>{escape(figure.caption)}</figcaption>\n</figure>'

    def _grid(self, part: outline.PlacedGrid) -> str:
        grid = part.grid
        parts = [f"<figcaption>{escape(grid.caption)}</figcaption>"]
        if grid.rows:
            head = "".join(f'<th scope="col">{escape(text)}</th>' for text in grid.header)
            rows = "\n".join(self._row(row) for row in grid.rows)
            parts.append(f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table></div>')
        if grid.footnotes:
            parts.append(f'<div class="notes">{"<br>".join(map(escape, grid.footnotes))}</div>')
        return f'<figure class="{part.kind}" id="tab-{part.name}">\n' + "\n".join(parts) + "\n</figure>"

    def _row(self, row: Sequence[Text]) -> str:
        kind = ' class="head"' if row[0].bold else ""
        return f"<tr{kind}>{''.join(map(self._cell, row))}</tr>"

    def _cell(self, cell: Text) -> str:
        first, *rest = map(escape, cell.lines or ("",))
        if cell.verdict:
            kind, sign = VERDICTS[cell.verdict]
            first = f'<span class="verdict {kind}"><span aria-hidden="true">{sign}</span> {first}</span>'
        if cell.bold:
            first = f"<b>{first}</b>"
        if cell.runs:
            first = f"<details><summary>{first}</summary>{self._runs(cell.runs)}</details>"
        return f"<td>{first}{''.join(f'<small>{line}</small>' for line in rest)}</td>"

    def _runs(self, ids: Sequence[str]) -> str:
        """Return the runs as links, named by their seeds (by the begin of the id where no table shows the run)."""
        links: list[str] = []
        before = -1
        for run_id in ids:
            seed = self.seeds.get(run_id)
            if links and seed is not None and seed <= before:
                links.append("·")  # the next arm begins
            before = -1 if seed is None else seed
            text = escape(run_id[:6] if seed is None else str(seed))
            title = escape(f"run {run_id}" + ("" if seed is None else f", seed {seed}"))
            url = self.url(run_id)
            links.append(f'<a href="{escape(url)}" title="{title}">{text}</a>' if url else f'<span title="{title}">{text}</span>')
        return f'<span class="runs">runs {" ".join(links)}</span>'
