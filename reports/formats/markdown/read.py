"""Pipe tables, each with the paragraph above it."""

import re

from bench.reports.formats import run_ids as runs
from bench.reports.formats.markdown.write import unescape
from bench.reports.formats.reading import Reading, ReadTable, cell, clean, table

RULE = re.compile(r"\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*")
TOKEN = re.compile(r"\\[!-/:-@\[-`{-~]|<br\s*/?>|\*\*|[^\\<*|]+|.", re.DOTALL)
SOURCE = re.compile(r"^- suite: (.*)$", re.MULTILINE)


def read(text: str) -> Reading:
    """Return every pipe table of a Markdown text."""
    lines = text.split("\n")
    sources = [clean(unescape(source)) for source in SOURCE.findall(text)]
    return Reading(_tables(lines), runs.read(text), sources, whole=bool(sources) and text.lstrip("\ufeff\n ").startswith("# "))


def _tables(lines: list[str]) -> list[ReadTable]:
    tables = []
    for i in range(1, len(lines)):
        if "|" in lines[i] and RULE.fullmatch(lines[i].strip()) and "|" in lines[i - 1]:
            body = []
            for line in lines[i + 1 :]:
                if not line.strip().startswith("|"):
                    break
                body.append([_cell(tokens) for tokens in _split(line)])
            header = [_cell(tokens) for tokens in _split(lines[i - 1])]
            tables.append(table(_paragraph(lines[: i - 1]), header, body))
    return tables


def _paragraph(above: list[str]) -> str:
    """Return the last paragraph of the lines above a table."""
    while above and not above[-1].strip():
        above = above[:-1]
    start = len(above)
    while start and above[start - 1].strip():
        start -= 1
    return unescape(" ".join(above[start:]).lstrip("# "))


def _split(line: str) -> list[list[str]]:
    """Return the tokens of each cell of a row: an escaped character is one, so that it never is a pipe, a `<br>` or bold."""
    cells: list[list[str]] = [[]]
    for token in TOKEN.findall(line.strip().removeprefix("|")):
        if token == "|":
            cells.append([])
        else:
            cells[-1].append(token)
    if not "".join(cells[-1]).strip() and len(cells) > 1:
        cells.pop()
    return cells


def _cell(tokens: list[str]) -> str:
    lines: list[str] = [""]
    bold = "**" in tokens
    for token in tokens:
        if token.startswith("<br"):
            lines.append("")
        elif token != "**":
            lines[-1] += token[1:] if token[0] == "\\" and len(token) > 1 else token
    return cell(lines, bold)
