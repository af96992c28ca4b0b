"""How figures look: sizes, colours and marks, the same in all of them. Sizes are in inches, type in points."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.reports.figures.drawing.fonts import families

WIDTH = 6.5
"""The width of a text column."""
SIZE, SMALL = 8.0, 7.0
LINE = 0.15
"""From one line of SIZE type to the next."""

INK, GREY, PALE = "#1a1a1a", "#5c5c5c", "#d9d9d9"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D00")
"""Okabe and Ito's colours, told apart by all kinds of colour vision; their yellow, too pale for lines on white, is darker."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "h")
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (5, 1.2, 1.2, 1.2)))
TINT = 0.6
SPREAD = 0.45
"""Opacity of single seeds."""

SETTINGS = {
    "font.size": SIZE,
    "axes.titlesize": SIZE,
    "axes.labelsize": SIZE,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SIZE,
    "legend.title_fontsize": SIZE,
    "legend.frameon": False,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.grid": False,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "axes.unicode_minus": True,
    "grid.color": PALE,
    "grid.linewidth": 0.5,
    "text.color": INK,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.solid_capstyle": "butt",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "savefig.dpi": 200,
    "text.parse_math": False,  # labels are data: a dollar is a dollar
    "svg.fonttype": "none",  # text as text: a third of the size, and it can be read out, searched and copied
    "svg.hashsalt": "bench",
    "pdf.fonttype": 42,
    "figure.constrained_layout.use": False,
}


@contextmanager
def applied() -> Iterator[None]:
    """Draw with these settings, whatever the user's own matplotlibrc says; afterwards all is as it was."""
    from matplotlib import style

    with style.context([SETTINGS | {"font.family": list(families())}], after_reset=True):
        yield


def colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]


def tint(place: int) -> str:
    """Return a lighter shade of an arm's colour, on which black marks stand out."""
    parts = [int(colour(place)[i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(255 - TINT * (255 - part)):02x}" for part in parts)


def marker(place: int) -> str:
    return MARKERS[(place + place // len(COLOURS)) % len(MARKERS)]


def dash(place: int):
    return DASHES[(place // len(COLOURS)) % len(DASHES)]
