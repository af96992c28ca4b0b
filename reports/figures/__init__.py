"""Figures of a report: what to draw (`build`), as data, and the drawing itself (`draw`, `render`)."""

from bench.reports.figures.build import build
from bench.reports.figures.cells import Store
from bench.reports.figures.data import Figure
from bench.reports.figures.draw import draw, render

__all__ = ["Figure", "Store", "build", "draw", "render"]
