"""LaTeX, for papers."""

from bench.reports.formats.latex.read import read
from bench.reports.formats.latex.text import escape, unescape
from bench.reports.formats.latex.write import render

__all__ = ["read", "render", "shown"]


def shown(text: str) -> str:
    return unescape(escape(text))
