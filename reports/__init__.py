"""From stored runs to a report: collect, summarise and compare, lay out, render. Knows nothing of how trials are run."""

from collections.abc import Callable

from bench.reports import csv, html, json, latex, markdown
from bench.reports.check import Disagreement, check
from bench.reports.collect import Expected, Record, collect
from bench.reports.report import Report, assemble

__all__ = ["FORMATS", "Disagreement", "Expected", "Record", "Report", "assemble", "check", "collect"]

FORMATS: dict[str, tuple[str, Callable[..., str]]] = {
    "markdown": ("md", markdown.render),
    "latex": ("tex", latex.render),
    "html": ("html", html.render),
    "json": ("json", json.render),
    "csv": ("csv", csv.render),
}
"""format → file name extension, and what renders it: render(report, figures), figures being name → relative path of the image."""
