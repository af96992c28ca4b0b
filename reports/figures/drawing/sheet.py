"""The sheet that a figure is drawn on: the key to its colours on top, notes below, and room for panels between them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.reports.figures.drawing.style import GREY, INK, LINE, SMALL, WIDTH, colour, dash, marker, tint
from bench.reports.figures.drawing.text import rows, shown, width, wrap
from bench.reports.figures.parts import PlotArm

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARGIN = 0.06
MARK = {"line": 0.32, "dot": 0.17, "bar": 0.2}
"""Room for a mark in the key, by its kind."""
BETWEEN = 0.18
"""Between two entries of the key."""
STEP = 0.185
"""Between two rows of the key."""
NOTHING = "no result"


@dataclass(frozen=True)
class Key:
    """Which arm has which colour. kind: what is drawn of an arm, a dot, a line or a bar. empty: arms without any result."""

    title: str
    arms: Sequence[PlotArm]
    kind: str
    empty: Iterable[str] = ()


class Sheet:
    """A figure of some inches. body: the height of the room for panels; wide: the width of it all."""

    def __init__(self, body: float, key: Key | None = None, notes: Sequence[str] = (), wide: float = WIDTH):
        from matplotlib.figure import Figure

        entries = _flow(key, wide) if key else []
        text = "\n".join(wrap(note, wide - 2 * MARGIN, SMALL, most=6) for note in notes)
        top = MARGIN + STEP * len(entries) + (0.05 if entries else 0)
        bottom = MARGIN + (0.9 * LINE * rows(text) + 0.06 if text else 0)
        self.body, self.wide, self.tall = body, wide, top + body + bottom
        self._bottom = bottom
        self.figure = Figure(figsize=(wide, self.tall))
        for number, row in enumerate(entries):
            self._row(key.kind if key else "", row, 1 - (MARGIN + STEP * (number + 0.5)) / self.tall)
        if text:
            at = MARGIN / wide, MARGIN / self.tall
            self.figure.text(*at, text, size=SMALL, color=GREY, va="bottom", linespacing=1.25)

    def grid(self, down: int, across: int, **options):
        """Return axes [down][across] that share the room, with space for all their text."""
        share = (0, self._bottom / self.tall, 1, self.body / self.tall)
        self.figure.set_layout_engine("constrained", w_pad=0.04, h_pad=0.04, wspace=0.02, hspace=0.02, rect=share)
        return self.figure.subplots(down, across, squeeze=False, **options)

    def place(self, left: float, top: float, wide: float, tall: float) -> "Axes":
        """Return axes of a size, at a distance from the left end and from the top of the room, all in inches."""
        low = self._bottom + self.body - top - tall
        return self.figure.add_axes((left / self.wide, low / self.tall, wide / self.wide, tall / self.tall))

    def say(self, text: str, top: float = 0.0, tall: float | None = None) -> None:
        """Say in the middle of a part of the room why there are no panels."""
        ax = self.place(0, top, self.wide, self.body if tall is None else tall)
        ax.set_axis_off()
        ax.text(0.5, 0.5, wrap(text, self.wide - 0.4), ha="center", va="center", color=GREY)

    def _row(self, kind: str, row: "_Entries", y: float) -> None:
        """Draw a row of the key."""
        for x, label, arm in row:
            if arm is not None:
                self._mark(kind, arm, x, y)
            at = (x if arm is None else x + MARK[kind]) / self.wide
            self.figure.text(at, y, label, va="center_baseline", color=GREY if arm is None else INK)

    def _mark(self, kind: str, arm: PlotArm, x: float, y: float) -> None:
        from matplotlib.lines import Line2D
        from matplotlib.patches import Rectangle

        if kind == "bar":
            size = 0.1
            corner = ((x + 0.04) / self.wide, y - size / 2 / self.tall)
            tone = tint(arm.place)
            self.figure.add_artist(Rectangle(corner, size / self.wide, size / self.tall, facecolor=tone, edgecolor="none"))
            return
        ends = [(x + 0.02) / self.wide, (x + MARK[kind] - 0.06) / self.wide]
        tone = colour(arm.place)
        if kind == "line":
            self.figure.add_artist(Line2D(ends, [y, y], color=tone, linewidth=1.6, linestyle=dash(arm.place)))
        else:
            x, look = sum(ends) / 2, marker(arm.place)
            dot = Line2D([x], [y], color=tone, marker=look, markersize=5, markeredgecolor="white", markeredgewidth=0.5)
            self.figure.add_artist(dot)


_Entries = list[tuple[float, str, PlotArm | None]]
"""A row of the key: (distance from the left in inches, text, arm; None of the title)."""


def _flow(key: Key, wide: float) -> list[_Entries]:
    """Return the key's entries, row by row."""
    title = wrap(key.title, 0.4 * wide, most=1)
    result: list[_Entries] = [[(MARGIN, title, None)] if title else []]
    start = x = MARGIN + (width(title) + BETWEEN if title else 0)
    room = wide - MARGIN
    mark = MARK[key.kind]
    for arm in key.arms:
        label = shown(arm.label) + (f" ({NOTHING})" if arm.label in key.empty else "")
        label = wrap(label, room - start - mark, most=1)
        if x + mark + width(label) > room and x > start:
            result.append([])
            x = start
        result[-1].append((x, label, arm))
        x += mark + width(label) + BETWEEN
    return result
