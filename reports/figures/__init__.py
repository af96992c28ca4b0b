"""Figures of a report: what to draw (`build`), as data, and the drawing itself (`draw`, `render`)."""

from reports.figures.build import build
from reports.figures.cells import Store
from reports.figures.data import Figure
from reports.figures.draw import draw, render

__all__ = ["Figure", "Store", "build", "draw", "render"]
