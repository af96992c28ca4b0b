"""Images from before and after denoising: a column an image, a row a version of it."""

import math

from bench.reports.figures.data_images import Images, Picture
from bench.reports.figures.drawing.sheet import MARGIN, NOTHING, Sheet
from bench.reports.figures.drawing.style import GREY, LINE, SMALL, WIDTH
from bench.reports.figures.drawing.text import rows, width, wrap

LABEL = 0.95
"""Most inches of a row's label."""
SMALLEST, LARGEST = 0.38, 0.85
"""Inches of an image's width."""
GAP = 0.05
"""Between two images."""
BETWEEN = 0.2
"""Between two panels."""
UNDER = 0.16
"""Inches of the text under an image."""
PIXELS = 128
"""Least pixels of a stored image's width: with fewer, viewers blur it where they enlarge it."""


def draw(data: Images):
    """Return the drawing of panels side by side, as many as fit."""
    if not data.panels:
        sheet = Sheet(0.4, notes=data.notes)
        sheet.say(NOTHING)
        return sheet.figure
    strips = [strip for one in data.panels for strip in one.strips]
    names = {strip.label: wrap(strip.label, LABEL, SMALL, most=3) for strip in strips}  # the rows of every panel
    label = 0.08 + max(width(line, SMALL) for text in names.values() for line in text.split("\n"))
    columns = max(len(strip.pictures) for strip in strips)
    room = WIDTH - 2 * MARGIN - label
    across = max(1, min(len(data.panels), int((room + BETWEEN) / (columns * (SMALLEST + GAP) - GAP + BETWEEN))))
    size = min(LARGEST, ((room + BETWEEN) / across - BETWEEN + GAP) / columns - GAP)
    slot = columns * (size + GAP) - GAP
    high = size * max(picture.height / picture.width for strip in strips for picture in strip.pictures)
    told = {strip.label for strip in strips if any(picture.told for picture in strip.pictures)}
    steps = [max(high, LINE * rows(text)) + (UNDER if name in told else GAP) for name, text in names.items()]
    below = [sum(steps[:row]) for row in range(len(steps))]
    titles = [wrap(one.label, slot, most=3) for one in data.panels]
    head = LINE * max(map(rows, titles)) + 0.06 if any(titles) else 0.02
    tall = head + sum(steps)
    sheet = Sheet(math.ceil(len(data.panels) / across) * tall, notes=data.notes)
    for number, one in enumerate(data.panels):
        line, place = divmod(number, across)
        left, top = MARGIN + label + place * (slot + BETWEEN), line * tall + head
        known = {strip.label: strip.pictures for strip in one.strips}
        for row, name in enumerate(names):
            for column, picture in enumerate(known.get(name, ())):
                ax = _picture(sheet, picture, left + column * (size + GAP), top + below[row], size)
                if row == column == 0:
                    ax.set_title(titles[number], pad=4)
                    if place == 0:
                        tall_one = size * picture.height / picture.width
                        for down, text in zip(below, names.values(), strict=True):
                            at = -label / size, 0.5 - down / tall_one
                            ax.text(*at, text, va="center", transform=ax.transAxes, size=SMALL)
    return sheet.figure


def _picture(sheet: Sheet, picture: Picture, left: float, top: float, size: float):
    """Draw one image, with what stands under it; return its axes."""
    ax = sheet.place(left, top, size, size * picture.height / picture.width)
    ax.imshow(_enlarged(picture), interpolation="none", aspect="auto")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    ax.annotate(
        picture.told,
        (0.5, 0),
        xytext=(0, -1.5),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="center",
        va="top",
        size=SMALL - 1,
        color=GREY,
    )
    return ax


def _enlarged(picture: Picture):
    """Return the pixels as an array, each a square of several."""
    import numpy as np

    pixels = np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 3)
    times = math.ceil(PIXELS / picture.width)
    return pixels.repeat(times, 0).repeat(times, 1)
