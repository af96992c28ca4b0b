"""One self-contained HTML page, light or dark as the reader's system is."""

from html import escape

from reports import layout
from reports.report import Report

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --soft: #667; --rule: #ccd; --stripe: #f5f6f9; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #dfe2e8; --paper: #16181c; --soft: #99a; --rule: #3a3e48; --stripe: #1e2126; }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 72rem; margin: 2rem auto;
  padding: 0 1rem; }
figure { margin: 1.5rem 0; overflow-x: auto; }
figcaption { font-size: .9rem; margin-bottom: .5rem; max-width: 60rem; }
table { border-collapse: collapse; border-block: 2px solid var(--ink); font-variant-numeric: tabular-nums; font-size: .92rem; }
thead { border-bottom: 1px solid var(--ink); }
th, td { text-align: left; padding: .3rem .9rem; vertical-align: top; }
tbody tr:nth-child(even) { background: var(--stripe); }
td small, .notes, dl { color: var(--soft); font-size: .85rem; }
dt { float: left; clear: left; min-width: 6rem; }
.incomplete { border-left: 4px solid #c60; padding-left: .8rem; }
""".strip()


def render(report: Report) -> str:
    """Return the report as an HTML page without scripts or outside files."""
    body = [f"<h1>{escape(report.title)}</h1>"]
    if not report.complete:
        body.append('<p class="incomplete"><b>Incomplete</b>: the trials at the end have no result.</p>')
    for table in report.tables:
        body.append(f"<h2>{escape(table.title)}</h2>")
        for block in table.blocks:
            body.append(_grid(layout.results(table, block)))
            if block.contrasts:
                body.append(_grid(layout.comparisons(block)))
    if (missing := layout.ledger(report)) is not None:
        body += ["<h2>Trials without a result</h2>", _grid(missing)]
    lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in layout.provenance(report))
    body += ["<h2>Provenance</h2>", f"<dl>{lines}</dl>"]
    title = escape(f"{report.title} – {report.suite}, profile {report.profile}")
    head = f'<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n<title>{title}</title>'
    content = "\n".join(body)
    head += f"\n<style>\n{STYLE}\n</style>"
    return f'<!doctype html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n{content}\n</body>\n</html>\n'


def _grid(grid: layout.Grid) -> str:
    parts = [f"<figcaption>{escape(grid.caption)}</figcaption>"]
    if grid.rows:
        head = "".join(f'<th scope="col">{escape(text)}</th>' for text in grid.header)
        rows = "\n".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in grid.rows)
        parts.append(f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>")
    if grid.footnotes:
        parts.append(f'<div class="notes">{"<br>".join(map(escape, grid.footnotes))}</div>')
    return "<figure>\n" + "\n".join(parts) + "\n</figure>"


def _cell(lines: tuple[str, ...]) -> str:
    first, *rest = map(escape, lines)
    return f"<td>{first}{''.join(f'<br><small>{line}</small>' for line in rest)}</td>"
