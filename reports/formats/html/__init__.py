"""One HTML page, for people."""

from bench.reports.formats.html.read import read
from bench.reports.formats.html.write import render

__all__ = ["read", "render", "shown"]


def shown(text: str) -> str:
    return " ".join(text.split())
