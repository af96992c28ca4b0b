"""From what a suite wants drawn to figures as data, and to images. Matplotlib is imported when the first one is drawn."""

import io
from typing import TYPE_CHECKING, Any, Literal

from bench.reports.figures.base import Figure, FigureSource
from bench.reports.figures.drawing.style import applied
from bench.reports.figures.drawing.svg import compact
from bench.reports.figures.kinds import KINDS

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

ImageFormat = Literal["svg", "pdf", "png"]
METADATA = {"svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}
"""What would differ from one writing, or one machine, to the next."""


def build(name: str, spec: Any, source: FigureSource) -> Figure:
    """Return a figure of the suite. spec: of one of the kinds.

    Raises BenchError where the figure's table is not among the tables, or two cells would be drawn as one.
    """
    title, data, caption = KINDS[spec.kind].build(name, spec, source)
    where = [f"{axis} = {', '.join(labels)}" for axis, labels in getattr(spec, "where", {}).items()]
    title = spec.title or title + (f" ({'; '.join(where)})" if where else "")
    of = {part: getattr(spec, part, None) or "" for part in ("table", "stage")}
    return Figure(name, title, f"{title}. {caption}", spec.kind, data, **of)


def draw(figure: Figure) -> "Drawing":
    """Return the drawing of a figure, on a white ground, wide as a column of text."""
    with applied():
        drawing: Drawing = KINDS[figure.kind].draw(figure.data)
        return drawing


def render(figure: Figure, format: ImageFormat) -> bytes:
    """Return a figure as an image file; the same data give the same bytes."""
    with applied():
        drawing = draw(figure)
        content = io.BytesIO()
        drawing.savefig(content, format=format, metadata=METADATA[format])
    return compact(content.getvalue()) if format == "svg" else content.getvalue()
