"""LaTeX fragments: tables ready to `\\input` into a document that loads booktabs, and nothing else."""

import re

from reports import layout
from reports.report import Report

ROWS_A_PAGE = 40
WIDE = {"cell": 0.22, "seeds": 0.1, "message": 0.28}
"""Columns of the ledger that break lines, and their share of the line."""
MATH = {
    "±": r"\pm", "−": "-", "×": r"\times", "·": r"\cdot", "≤": r"\le", "≥": r"\ge", "≠": r"\ne", "≈": r"\approx", "∞": r"\infty",
    "→": r"\rightarrow", "←": r"\leftarrow", "↑": r"\uparrow", "↓": r"\downarrow", "↔": r"\leftrightarrow", "√": r"\surd",
    "∈": r"\in", "°": r"^\circ", "<": "<", ">": ">", "|": "|", "¬": r"\neg", "µ": r"\mu",
    "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\epsilon", "η": r"\eta", "θ": r"\theta", "κ": r"\kappa",
    "λ": r"\lambda", "μ": r"\mu", "π": r"\pi", "ρ": r"\rho", "σ": r"\sigma", "τ": r"\tau", "φ": r"\phi", "χ": r"\chi",
    "ω": r"\omega",
    "Γ": r"\Gamma", "Δ": r"\Delta", "Θ": r"\Theta", "Λ": r"\Lambda", "Σ": r"\Sigma", "Φ": r"\Phi", "Ω": r"\Omega",
}  # fmt: skip
TEXT = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", '"': "''", "`": r"\textasciigrave{}",
    "–": "--", "—": "---", "…": r"\ldots{}", "‘": "`", "’": "'", "“": "``", "”": "''",
    "[": "{[}", "]": "{]}", "*": "{*}",  # after \\ these would be read as its arguments
}  # fmt: skip
LATIN = frozenset("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿĂăĆćČčĎďĚěĞğİıŁłŃńŇňŐőŒœŘřŚśŞşŠšŤťŮůŰűŸŹźŻżŽž")
"""Letters that pdflatex's standard font encoding can compose."""
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


def escape(text: str) -> str:
    """Return text that pdflatex prints as it is; a character that its standard fonts lack is given by its code point."""
    return re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹]+|.", lambda found: _escaped(found[0]), " ".join(text.split()))


def _escaped(piece: str) -> str:
    if piece[0] in "⁰¹²³⁴⁵⁶⁷⁸⁹":
        return rf"\textsuperscript{{{piece.translate(SUPERSCRIPTS)}}}"
    if piece in MATH:
        return f"${MATH[piece]}$"
    if piece in TEXT:
        return TEXT[piece]
    if piece in "&%$#_{}":
        return f"\\{piece}"
    return piece if (piece.isascii() and piece.isprintable()) or piece in LATIN else rf"{{[}}U+{ord(piece):04X}{{]}}"


def render(report: Report) -> str:
    """Return every table, its comparisons and the ledger as one string of floats; where they come from stands in comments."""
    parts = [_comment(f"{report.title}: needs \\usepackage{{booktabs}}; write \\input with this file's name")]
    parts += [_comment(f"{name}: {text}") for name, text in layout.provenance(report)]
    if not report.complete:
        parts.append(_comment("INCOMPLETE: some trials have no result"))
    for table in report.tables:
        for block in table.blocks:
            name = re.sub(r"[^A-Za-z0-9]+", "-", f"{table.name or table.stage}-{block.metric}")
            parts += _floats(layout.results(table, block), f"tab:{name}")
            if block.contrasts:
                parts += _floats(layout.comparisons(block), f"tab:{name}-comparisons")
    if (missing := layout.ledger(report)) is not None:
        parts += _floats(missing, "tab:trials-without-a-result")
    return "\n".join(parts) + "\n"


def _comment(text: str) -> str:
    return f"% {' '.join(text.split())}"


def _floats(grid: layout.Grid, label: str) -> list[str]:
    """Return the grid as one float, or as several where it is too long for a page."""
    chunks = [grid.rows[i : i + ROWS_A_PAGE] for i in range(0, len(grid.rows), ROWS_A_PAGE)] or [[]]
    return [_float(grid, rows, label if i == 0 else "", last=i == len(chunks) - 1) for i, rows in enumerate(chunks)]


def _float(grid: layout.Grid, rows: list, label: str, last: bool) -> str:
    caption = escape(grid.caption) + (rf"\label{{{label}}}" if label else " (continued)")
    lines = [r"\begin{table}[htbp]", r"\centering\footnotesize\setlength{\tabcolsep}{3pt}", rf"\caption{{{caption}}}"]
    if rows:
        kinds = "".join(rf"p{{{WIDE[name]}\linewidth}}" if name in WIDE else "l" for name in grid.header)
        lines += [rf"\begin{{tabular}}{{{kinds}}}", r"\toprule", _line(grid.header), r"\midrule"]
        for row in rows:
            for i in range(max(map(len, row))):
                lines.append(_line(cell[i] if i < len(cell) else "" for cell in row))
        lines += [r"\bottomrule", r"\end{tabular}"]
    if last and grid.footnotes:
        notes = r"\\ ".join(map(escape, grid.footnotes))
        lines += [r"\par\smallskip", rf"\parbox{{\linewidth}}{{{notes}}}"]
    return "\n".join([*lines, r"\end{table}"])


def _line(cells) -> str:
    return " & ".join(map(escape, cells)) + r" \\"
