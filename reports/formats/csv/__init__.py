"""CSV, for programs."""

from bench.reports.formats.csv.read import read
from bench.reports.formats.csv.write import render

__all__ = ["read", "render", "shown"]

shown = None
