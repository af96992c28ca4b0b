"""Draw figures and write them as images. Matplotlib is imported when the first one is drawn."""

import io
from importlib import import_module
from typing import TYPE_CHECKING, Literal

from bench.reports.figures.data import Figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

Format = Literal["svg", "pdf", "png"]
MODULES = {
    "dots": "dots",
    "boxes": "boxes",
    "curves": "curves",
    "classes": "classes",
    "trials": "trials",
    "scatter": "scatter",
    "confusion": "confusion",
    "images": "images",
    "forest": "forest",
    "critical-difference": "ranks",
}
METADATA = {"svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}
"""What would differ from one writing, or one machine, to the next."""


def draw(figure: Figure) -> "Drawing":
    """Return the drawing of a figure, on a white ground, wide as a column of text."""
    from bench.reports.figures.drawing.style import applied

    with applied():
        return import_module(f"bench.reports.figures.draw_{MODULES[figure.kind]}").draw(figure.data)


def render(figure: Figure, format: Format) -> bytes:
    """Return a figure as an image file; the same data give the same bytes."""
    from bench.reports.figures.drawing.style import applied

    with applied():
        drawing = draw(figure)
        content = io.BytesIO()
        drawing.savefig(content, format=format, metadata=METADATA[format])
    return content.getvalue()
