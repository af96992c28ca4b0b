"""Reads the tables of a report back from a file, in each of the formats, with whatever prose and other tables stand around."""

from collections.abc import Callable

from bench.reports.reading import data, html, latex, markdown
from bench.reports.reading.found import Found, Reading, Value

__all__ = ["READERS", "Found", "Reading", "Value"]

READERS: dict[str, Callable[[str], Reading]] = {
    "markdown": markdown.read,
    "latex": latex.read,
    "html": html.read,
    "json": data.read_json,
    "csv": data.read_csv,
}
"""format → what reads it. BenchError where the text is not of that format at all."""
