"""Box plots: the arms of each line side by side, with a dot a seed."""

from collections.abc import Mapping

from bench.reports.figures.data import Arm, Box, Boxes
from bench.reports.figures.drawing import slots
from bench.reports.figures.drawing.marks import seeds_on
from bench.reports.figures.drawing.sheet import NOTHING, Key, Sheet
from bench.reports.figures.drawing.style import GREY, colour, tint

TALL = 1.9
"""Inches of a panel, without its labels."""
SPREAD = 0.6
"""Share of a box's place over which its seeds stand beside each other."""
CAP = 0.25
"""Half the width of a whisker's end, as a share of the box's."""


def draw(data: Boxes):
    """Return the drawing of the box plots of a table; where one line has all arms, each arm has a place of its own."""
    alone = len(data.lines) == 1 and len(data.arms) > 1
    has = {arm.label for arm in data.arms for _, _, label in data.boxes if label == arm.label}
    empty = [arm.label for arm in data.arms if arm.label not in has]
    key = None if alone or len(data.arms) == 1 else Key(data.arm_title, data.arms, "bar", empty)
    if not data.boxes:
        sheet = Sheet(0.4, key, data.notes)
        sheet.say(NOTHING)
        return sheet.figure
    shown = [arm for arm in data.arms if arm.label in has]

    def paint(ax, number: int, arm: Arm, at: Mapping[str, float], wide: float) -> None:
        panel = data.panels[number]
        for name, x in at.items():
            one = next(other for other in data.arms if other.label == name) if alone else arm
            place = (data.lines[0] if alone else name), one.label
            sample = panel.samples.get(place)
            if sample is None or sample.mean is None:
                ax.plot([x], [0.02], "x", transform=ax.get_xaxis_transform(), color=GREY, markersize=3, markeredgewidth=0.7)
                continue
            _box(ax, data.boxes[panel.label, *place], x, 0.8 * wide, one.place)
            step = SPREAD * wide / len(sample.values)
            beside = [x + step * (i - (len(sample.values) - 1) / 2) for i in range(len(sample.values))]
            seeds_on(ax, beside, list(sample.values), colour(one.place))

    names = [arm.label for arm in data.arms] if alone else data.lines
    panels = [slots.Panel("", panel.label, panel.range) for panel in data.panels]
    axis = data.arm_title if alone else data.line_title
    return slots.draw(names, panels, data.arms[:1] if alone else shown, key, data.notes, TALL, paint, axis)


def _box(ax, box: Box, x: float, wide: float, place: int) -> None:
    line = {"color": colour(place), "zorder": 2}  # a box can be too flat to show its own colour
    bar = {"bottom": [box.first], "color": tint(place), "edgecolor": colour(place), "linewidth": 0.7, "zorder": 2}
    ax.bar([x], [box.third - box.first], width=wide, **bar)
    ax.hlines([box.median], x - wide / 2, x + wide / 2, linewidth=1.5, **line | {"zorder": 3})
    ax.vlines([x, x], [box.low, box.third], [box.first, box.high], linewidth=0.7, **line)
    ax.hlines([box.low, box.high], x - CAP * wide, x + CAP * wide, linewidth=0.7, **line)
