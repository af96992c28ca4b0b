"""From stored runs to a report: collect, summarise and compare, lay out, render. Knows nothing of how trials are run."""

from collections.abc import Callable

from reports import html, json, latex, markdown
from reports.collect import Expected, Record, collect
from reports.report import Report, assemble

__all__ = ["FORMATS", "Expected", "Record", "Report", "assemble", "collect"]

FORMATS: dict[str, tuple[str, Callable[[Report], str]]] = {
    "markdown": ("md", markdown.render),
    "latex": ("tex", latex.render),
    "html": ("html", html.render),
    "json": ("json", json.render),
}
"""format → file name extension, and the function that renders it."""
