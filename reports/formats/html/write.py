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
from bench.reports.figures.base import Figure
from bench.reports.formats import run_ids as runs
from bench.reports.formats.html import forest
from bench.reports.formats.html import style as html_style
from bench.reports.layout import outline
from bench.reports.layout.ends import provenance
from bench.reports.layout.facts import facts
from bench.reports.layout.grid import Text, TextGrid
from bench.reports.layout.summary import SummaryGroup, counts, summary
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


LONG = 240
"""Characters from which on a notice shows its first sentence, and the rest on demand."""
SHORT = 8
"""Digits of a run's id that are shown."""


def render(report: ReportData, figures: Mapping[str, str] = {}) -> str:
    """Return the report as an HTML page without scripts or outside files; figures stand in it as SVG, whatever was written."""
    page = _Page(report)
    sections = [(section.name, section.heading, page.content(section), section.folded) for section in page.sections()]
    lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in provenance(report))
    sections.append(("provenance", "Provenance", f"<dl>{lines}</dl>", True))
    title = escape(f"{report.title} – {report.suite}, profile {report.profile}")
    links = "".join(f'<li><a href="#{name}">{escape(heading)}</a></li>' for name, heading, _, _ in sections)
    told = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in facts(report))
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title}</title>',
        f"<style>\n{html_style.STYLE}\n</style>\n</head>\n<body>",
        f"<header><h1>{escape(report.title)}</h1>",
        *(_banner(word, text) for word, text in outline.banners(report)),
        f'<dl class="facts">{told}</dl>' if told else "",
        page.verdicts(),
        "</header>\n<main>",
        page.summary(),
        f'<nav aria-label="Contents"><ul>{links}</ul></nav>',
        f'<p class="hint">{page.hint()}</p>' if page.seeds else "",
        *(_section(*section) for section in sections),
        "</main>\n</body>\n</html>\n",
    ]
    return "\n".join(filter(None, parts))


def _banner(word: str, text: str) -> str:
    first, stop, rest = text.partition(". ")
    if len(text) <= LONG or not rest:
        return f'<p class="banner"><b>{word}</b>: {escape(text)}</p>'
    return f'<div class="banner"><b>{word}</b>: {escape(first + stop)}{_more("More", rest)}</div>'


def _section(name: str, heading: str, content: str, folded: bool) -> str:
    title = f"<h2>{escape(heading)}</h2>"
    if folded:
        # a link to what is within opens it, a link to itself does not
        return f'<details class="section"><summary>{title}</summary>\n<div id="{name}">\n{content}\n</div></details>'
    return f'<section id="{name}">{title}\n{content}\n</section>'


def _folded(told: str, content: str, extra: bool = False) -> str:
    kind = "fold extra" if extra else "fold"
    return f'<details class="{kind}"><summary>{escape(told)}</summary>\n{content}\n</details>'


def _more(told: str, text: str) -> str:
    return f'<details class="more"><summary>{told}</summary>{escape(text)}</details>'


def _caption(figure: Figure) -> str:
    """Return the caption of a figure: its title, and how to read it on demand."""
    rest = figure.caption.removeprefix(f"{figure.title}. ")
    if rest == figure.caption:
        return f"<figcaption>{escape(rest)}</figcaption>"
    return f"<figcaption>{escape(figure.title)}. {_more('How to read it', rest)}</figcaption>"


class _Page:
    """What the cells of one page share: where runs are found."""

    def __init__(self, report: ReportData):
        self.report = report
        self.url = report.run_url or (lambda run_id: None)
        self.seeds = runs.seeds(report)

    def hint(self) -> str:
        """Say how one gets from a number to its runs."""
        text = "A number with a dotted line opens to the runs that it comes from, one a seed"
        if self.report.run_url:
            return f"{text}."
        command = f". To open them: <code>{escape(self.report.open_runs)}</code>" if self.report.open_runs else "."
        return f"{text}, with the first characters of its id{command}"

    def sections(self) -> list[outline.ReportSection]:
        missing = outline.ledger(self.report)
        return [*outline.sections(self.report), *([missing] if missing else [])]

    def verdicts(self) -> str:
        """Return how many claims have each verdict."""
        told = [
            f'<li class="verdict {VERDICTS[verdict][0]}"><span aria-hidden="true">{VERDICTS[verdict][1]}</span> '
            f"{count} {escape(verdict)}</li>"
            for verdict, count in counts(self.report)
        ]
        return f'<ul class="counts" aria-label="Verdicts">{"".join(told)}</ul>' if told else ""

    def summary(self) -> str:
        """Return the forest of claims: a row each, by what they estimate."""
        found = summary(self.report)
        if found is None:
            return ""
        head = "".join(f'<th scope="col">{escape(text)}</th>' for text in [*found.grid.header, "interval"])
        body = "\n".join(self._group(group) for group in found.groups)
        return (
            f'<figure class="summary" id="summary">\n<figcaption>{escape(found.grid.caption)}</figcaption>\n'
            f'<div class="wide" tabindex="0"><table>\n<thead><tr>{head}</tr></thead>\n{body}\n</table></div>\n'
            f"{_notes(found.grid)}</figure>"
        )

    def _group(self, group: SummaryGroup) -> str:
        rows = [
            f'<tr class="axis"><th scope="rowgroup" colspan="3">{escape(group.quantity)}</th><td>{forest.axis(group)}</td></tr>'
        ]
        for row in group.rows:
            (name,), estimate = row.cells[0].lines, row.cells[-1].lines[0]
            drawn = forest.bar(row, group, f"{name}: {estimate}")
            says = f'<span class="says" aria-hidden="true">“{escape(row.says)}”</span>'
            first = f'<th scope="row"><a href="#{row.cells[0].link}">{escape(name)}</a> {says}</th>'
            rows.append(f"<tr>{first}{''.join(map(self._cell, row.cells[1:]))}<td>{drawn}</td></tr>")
        return "<tbody>\n" + "\n".join(rows) + "\n</tbody>"

    def content(self, section: outline.ReportSection) -> str:
        """Return the tables of a section, its figures beside the first one."""
        figures = [self.drawing(figure) for figure in section.figures if figure.kind != "forest" or figure.table]
        texts = [self._part(part) for part in section.parts]
        if texts and figures and not section.parts[0].folded:
            texts[0] = f'<div class="pair">{texts[0]}\n{figures.pop(0)}</div>'
        if figures:
            shown = "\n".join(figures)
            texts.append(_folded("Further figures", shown) if texts else shown)
        return "\n".join(texts)

    def drawing(self, figure: Figure) -> str:
        from bench.reports.figures.build import render  # draws, and so takes its time to import
        from bench.reports.formats.html.svg import inline

        name = f"fig-{outline.slug(figure.name)}"
        image = inline(render(figure, "svg"), name, figure.title)
        return f'<figure class="drawing" id="{name}">\n{image}\n{_caption(figure)}\n</figure>'

    def _part(self, part: outline.PlacedGrid) -> str:
        return _folded(part.folded, self._grid(part), part.extra) if part.folded else self._grid(part)

    def _grid(self, part: outline.PlacedGrid) -> str:
        grid = part.grid
        parts = [f"<figcaption>{escape(grid.caption)}</figcaption>"]
        if grid.rows:
            head = "".join(f'<th scope="col">{escape(text)}</th>' for text in grid.header)
            rows = "\n".join(self._row(row, part.kind != "comparisons") for row in grid.rows)
            table = f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"
            parts.append(f'<div class="wide" tabindex="0">{table}</div>')
        parts.append(_notes(grid))
        return f'<figure class="{part.kind}" id="tab-{part.name}">\n' + "\n".join(filter(None, parts)) + "\n</figure>"

    def _row(self, row: Sequence[Text], with_runs: bool) -> str:
        """Return a row. with_runs: not of comparisons, whose runs stand with the cells that they compare."""
        kind = ' class="head"' if row[0].bold else ""
        first, *rest = row if with_runs else [cell._replace(runs=()) for cell in row]
        return f"<tr{kind}>{self._cell(first, head=True)}{''.join(map(self._cell, rest))}</tr>"

    def _cell(self, cell: Text, *, head: bool = False) -> str:
        first, *rest = map(escape, cell.lines or ("",))
        if cell.verdict:
            kind, sign = VERDICTS[cell.verdict]
            first = f'<span class="verdict {kind}"><span aria-hidden="true">{sign}</span> {first}</span>'
        if cell.bold:
            first = f"<b>{first}</b>"
        if cell.runs:
            first = f"<details><summary>{first}</summary>{self._runs(cell.runs)}</details>"
        content = f"{first}{''.join(f'<small>{line}</small>' for line in rest)}"
        place = f' id="{cell.anchor}"' if cell.anchor else ""
        return f'<th scope="row"{place}>{content}</th>' if head else f"<td{place}>{content}</td>"

    def _runs(self, ids: Sequence[str]) -> str:
        """Return the runs, named by their seeds: as links; with the first characters of their ids where pages have no address."""
        told: list[str] = []
        before = -1
        for run_id in ids:
            seed = self.seeds.get(run_id)
            if told and seed is not None and seed <= before:
                told.append("·")  # the next arm begins
            before = -1 if seed is None else seed
            short = escape(run_id[:SHORT])
            if url := self.url(run_id):
                title = escape(f"run {run_id}" + ("" if seed is None else f", seed {seed}"))
                told.append(f'<a href="{escape(url)}" title="{title}">{short if seed is None else seed}</a>')
            else:
                told.append(short if seed is None else f"{seed}: {short}")
        return f'<span class="runs">runs {" ".join(told)}</span>'


def _notes(grid: TextGrid) -> str:
    """Return what stands below a table: its notes, and what explains it on demand."""
    notes = "<br>".join(map(escape, grid.numbered))
    notes += _folded("How to read it", "<br>".join(map(escape, grid.remarks))) if grid.remarks else ""
    return f'<div class="notes">{notes}</div>' if notes else ""
