"""LaTeX fragments: tables ready to `\\input` into a document that loads booktabs (and graphicx, where there are figures)."""

from collections.abc import Iterable, Mapping

from bench.reports.about import About
from bench.reports.formats import run_ids as runs
from bench.reports.formats.latex import columns
from bench.reports.formats.latex.text import breakable, escape
from bench.reports.layout import outline
from bench.reports.layout.ends import provenance
from bench.reports.layout.grid import Text
from bench.reports.report import ReportData

LINES_A_PAGE = 48
"""Lines of \\footnotesize, caption and notes included, that a float may fill."""
MOST_FLOATS = 40
"""Floats after which a page is ended: TeX gives up where too many in a row wait for their place."""
NEWLINE = r" \newline "
RAGGED = r"\raggedright\hspace{0pt}"
"""Begins a cell that breaks lines; after the (empty) space TeX may hyphenate the first word too."""


def render(report: ReportData, figures: Mapping[str, str] = {}) -> str:
    """Return claims, tables, comparisons, figures and ledger as one string of floats; where they come from stands in comments.

    figures: name of a figure → relative path of its image (pdf, png); figures without one are left out.
    """
    shown = [figure for figure in report.figures if figures.get(figure.name)]
    packages = r"\usepackage{booktabs}" + (r" and \usepackage{graphicx}" if shown else "")
    parts = [_paragraph(report.about)] if report.about else []
    parts.append(_comment(f"{report.title}: needs {packages}; write \\input with this file's name"))
    parts += [_comment(f"{name}: {text}") for name, text in provenance(report)]
    parts += [_comment(f"{word.upper()}: {text}") for word, text in outline.banners(report)[bool(report.about) :]]
    floats = [float_ for section in outline.sections(report) for part in section.parts for float_ in _floats(part)]
    floats += [_figure(figure.name, figure.caption, figures[figure.name]) for figure in shown]
    if (missing := outline.ledger(report)) is not None:
        floats += [float_ for part in missing.parts for float_ in _floats(part)]
    for i, float_ in enumerate(floats, 1):
        parts += [float_] if i % MOST_FLOATS else [float_, r"\clearpage"]
    if run_lines := list(runs.lines(report)):
        parts += [_comment(line) for line in ("runs: the MLflow runs behind each number", *run_lines)]
    return "\n".join(parts) + "\n"


def _paragraph(about: About) -> str:
    """Return what the profile is as text that is set: floats stand in other documents, far from any comment."""
    return rf"\noindent\textbf{{{escape(about.name)}}}: {escape(about.sentence)}\par"


def _comment(text: str) -> str:
    return f"% {' '.join(text.split())}"


def _figure(name: str, caption: str, path: str) -> str:
    size = r"width=\linewidth,height=.85\textheight,keepaspectratio"
    lines = [
        r"\begin{figure}[htbp]",
        r"\centering",
        rf"\includegraphics[{size}]{{{path}}}",
        rf"\caption{{{escape(caption)}\label{{fig:{outline.slug(name)}}}}}",
        r"\end{figure}",
    ]
    return "\n".join(lines)


def _floats(part: outline.PlacedGrid) -> list[str]:
    """Return a grid as one float, or as several where it is too wide for a line or too long for a page."""
    pieces = [(plan, rows) for plan in columns.plans(part) for rows in _pages(part, plan)]
    return [_float(part, plan, rows, first=i == 0, last=i == len(pieces) - 1) for i, (plan, rows) in enumerate(pieces)]


def _pages(part: outline.PlacedGrid, plan: columns.ColumnPlan) -> list[list[columns.LatexRow]]:
    """Cut rows where a page is full; caption and notes are counted in."""
    start = columns.lines([part.grid.caption]) + 3
    pages: list[list[columns.LatexRow]] = [[]]
    used: float = start
    for row in columns.rows(part):
        height = plan.height(row)
        if pages[-1] and used + height > LINES_A_PAGE:
            pages.append([])
            used = start
        pages[-1].append(row)
        used += height
    if len(pages[-1]) > 1 and used + columns.lines(part.grid.footnotes) > LINES_A_PAGE:
        middle = len(pages[-1]) // 2
        pages[-1:] = [pages[-1][:middle], pages[-1][middle:]]
    return pages


def _float(part: outline.PlacedGrid, plan: columns.ColumnPlan, rows: list[columns.LatexRow], first: bool, last: bool) -> str:
    grid = part.grid
    caption = escape(grid.caption) + (rf"\label{{tab:{part.name}}}" if first else " (continued)")
    lines = [
        r"\begin{table}[htbp]",
        rf"\centering\{plan.size}\setlength{{\tabcolsep}}{{{plan.gap}pt}}",
        rf"\caption{{{caption}}}",
    ]
    if rows:
        kinds = "".join("l" if width is None else rf"p{{{width:.3f}\linewidth}}" for width in plan.widths)
        lines += [
            rf"\begin{{tabular}}{{@{{}}{kinds}@{{}}}}",
            r"\toprule",
            _line(([escape(grid.header[i])] for i in plan.chosen), plan),
        ]
        lines.append(r"\midrule")
        between = r"\addlinespace[2pt]" if any(plan.widths) else ""
        for i, row in enumerate(rows):
            lines += [between] if between and i else []
            lines += _row(row, plan)
        lines += [r"\bottomrule", r"\end{tabular}"]
    if last and grid.footnotes:
        notes = r"\\ ".join(map(escape, grid.footnotes))
        lines += [r"\par\smallskip", rf"\parbox{{\linewidth}}{{\raggedright {notes}}}"]
    return "\n".join([*lines, r"\end{table}"])


def _lines(cell: Text) -> list[str]:
    first, *rest = map(escape, cell.lines or ("",))
    return [rf"\textbf{{{first}}}" if cell.bold and first else first, *(rf"{{\scriptsize {line}}}" for line in rest)]


def _row(row: columns.LatexRow, plan: columns.ColumnPlan) -> list[str]:
    lines = [_line((_lines(row.cells[j]) for j in plan.chosen), plan)]
    if row.above:
        lines = [r"\addlinespace[2pt]", _over_all(_lines(row.above), plan, "0pt"), *lines]
    if row.below:
        lines.append(_over_all([rf"{{\scriptsize {escape(text)}}}" for text in row.below], plan, "1.5em"))
    return lines


def _over_all(texts: list[str], plan: columns.ColumnPlan, indent: str) -> str:
    kind = rf"@{{\hspace{{{indent}}}}}p{{\dimexpr\linewidth-{indent}\relax}}@{{}}"
    return rf"\multicolumn{{{len(plan.chosen)}}}{{{kind}}}{{{RAGGED}{NEWLINE.join(texts)}}} \tabularnewline"


def _line(cells: Iterable[Iterable[str]], plan: columns.ColumnPlan) -> str:
    """Return a row. It ends in \\tabularnewline, as \\raggedright gives \\\\ another meaning."""
    texts = []
    for cell, width in zip(cells, plan.widths, strict=True):
        text = NEWLINE.join(cell)
        texts.append(text if width is None else RAGGED + breakable(text, plan.whole))
    return " & ".join(texts) + r" \tabularnewline"
