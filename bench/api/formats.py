"""The formats of reports and of their figures, by name: light to import, for `bench report --help`."""

from bench.reports.formats import FORMATS

__all__ = ["FORMATS", "IMAGES"]

IMAGES = ("svg", "pdf", "png")
"""The formats of a report's figures."""
