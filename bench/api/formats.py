"""The formats of reports and of their figures, by name: light to import, for `bench report --help`."""

from bench.reports.formats import COMPARED, FORMATS

__all__ = ["COMPARED", "FORMATS", "IMAGES"]

IMAGES = ("svg", "pdf", "png")
"""The formats of a report's figures."""
