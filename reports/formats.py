"""The formats that a report can be written in."""

from collections.abc import Callable

from bench.reports import csv, html, json, latex, markdown

FORMATS: dict[str, tuple[str, Callable[..., str]]] = {
    "markdown": ("md", markdown.render),
    "latex": ("tex", latex.render),
    "html": ("html", html.render),
    "json": ("json", json.render),
    "csv": ("csv", csv.render),
}
"""format → file name extension, and what renders it: render(report, figures), figures being name → relative path of the image."""
