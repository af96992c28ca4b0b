"""The table floats of a LaTeX text; those that go on from one float to the next are put together."""

import re

from bench.reports.formats import run_ids as runs
from bench.reports.formats.latex.text import unescape
from bench.reports.formats.reading import Reading, ReadTable, cell, clean, table

FLOAT = re.compile(r"\\begin\{(table\*?)\}(.*?)\\end\{\1\}", re.DOTALL)
TABULAR = re.compile(r"\\begin\{(tabular[x*]?|longtable)\}(.*?)\\end\{\1\}", re.DOTALL)
RULES = re.compile(r"\\(top|mid|bottom)rule|\\hline|\\addlinespace(\[[^]]*\])?|\\cmidrule(\([^)]*\))?\{[^}]*\}")
DRESS = re.compile(r"\\raggedright|\\hspace\{0pt\}|\\scriptsize|\\footnotesize|\\small")
SPANNING = re.compile(r"\s*\\multicolumn\{\d+\}\{")
"""A cell over all columns: in bold what a claim says, else why the verdict above it is so."""
CONTINUED = "(continued)"
SOURCE = re.compile(r"^% suite: (.*)$", re.MULTILINE)


def read(text: str) -> Reading:
    """Return every table float of a LaTeX text that has a caption."""
    code = re.sub(r"(?<!\\)%.*", "", text)
    tables: list[ReadTable] = []
    for float_ in FLOAT.finditer(code):
        caption, rest = _caption(float_[2])
        if (inner := TABULAR.search(rest)) is None:
            continue
        part = _table(caption.removesuffix(CONTINUED), _body(inner[2]))
        if caption.endswith(CONTINUED) and tables and _words(tables[-1].caption) == _words(part.caption):
            _go_on(tables[-1], part)
        else:
            tables.append(part)
    sources = [clean(source) for source in SOURCE.findall(text)]
    return Reading(tables, runs.read(text), sources, whole=bool(sources))


def _words(caption: str) -> str:
    """Return a caption without its numbers, of which somebody may have changed one."""
    return re.sub(r"\d[\d.]*", "", caption)


def _go_on(first: ReadTable, more: ReadTable) -> None:
    """Add rows, or columns of rows that are there already, in their order."""
    if more.header == first.header:
        first.rows += more.rows
        return
    first.header += [title for title in more.header if title not in first.header]
    waiting = (row for row in first.rows if not row.keys() >= set(more.header))
    for row in more.rows:
        if (target := next(waiting, None)) is None:
            first.rows.append(row)
        else:
            target.update(row)


def _caption(text: str) -> tuple[str, str]:
    """Return the caption as it is read, and what follows it."""
    match = re.search(r"\\caption(\[[^]]*\])?\{", text)
    if match is None:
        return "", text
    inside, rest = _group(text, match.end())
    return clean(unescape(re.sub(r"\\label\{[^}]*\}", "", inside))), rest


def _group(text: str, start: int) -> tuple[str, str]:
    """Return what stands from `start` to the brace that closes the group, and what follows."""
    depth = 1
    for token in re.compile(r"\\.|[{}]", re.DOTALL).finditer(text, start):
        depth += {"{": 1, "}": -1}.get(token[0], 0)
        if depth == 0:
            return text[start : token.start()], text[token.end() :]
    return text[start:], ""


def _body(text: str) -> str:
    """Return the rows of a tabular, without the kinds of its columns."""
    start = text.find("{")
    while start >= 0 and not re.search(r"[lcrpX]", _group(text, start + 1)[0]):  # tabularx and tabular* have a width first
        start = text.find("{", len(text) - len(_group(text, start + 1)[1]))
    return text if start < 0 else _group(text, start + 1)[1]


def _table(caption: str, body: str) -> ReadTable:
    rows = [row for row in re.split(r"\\tabularnewline|\\\\(?:\[[^]]*\])?", RULES.sub("", body)) if row.strip()]
    cells: list[list[str]] = []
    head = ""
    for row in rows:
        if match := SPANNING.match(row):
            text = _cell(_group(_group(row, match.end())[1], 1)[0])
            if text.startswith("**"):
                head = text
            elif cells and "verdict" in cells[0] and len(cells[-1]) == len(cells[0]):
                cells[-1][cells[0].index("verdict")] += f"\n{text}"
            continue
        cells.append([_cell(text) for text in re.split(r"(?<!\\)&", row)])
        if head and not cells[-1][0]:
            cells[-1][0] = head
        head = ""
    return table(caption, cells[0] if cells else [], cells[1:])


def _cell(text: str) -> str:
    lines = []
    bold = False
    for line in re.split(r"\\newline(?![A-Za-z])", DRESS.sub("", text)):
        if match := re.search(r"\\textbf\{", line):
            inside, rest = _group(line, match.end())
            line, bold = line[: match.start()] + inside + rest, True
        line = line.strip()
        while line.startswith("{") and _group(line, 1)[1] == "" and not line.startswith(("{[}", "{]}", "{*}")):
            line = line[1:-1].strip()
        lines.append(unescape(line))
    return cell(lines, bold)
