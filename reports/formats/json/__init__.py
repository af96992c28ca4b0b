"""JSON, for programs."""

from bench.reports.formats.json.read import read
from bench.reports.formats.json.write import render

__all__ = ["read", "render", "shown"]

shown = None
