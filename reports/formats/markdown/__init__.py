"""Markdown, for people."""

from bench.reports.formats.markdown.read import read
from bench.reports.formats.markdown.write import escape, render, unescape

__all__ = ["read", "render", "shown"]


def shown(text: str) -> str:
    return unescape(escape(text))
