"""Bars by class, arms beside each other, with intervals and seeds."""

from collections.abc import Mapping

from bench.reports.figures.data import Arm, Classes
from bench.reports.figures.drawing import slots
from bench.reports.figures.drawing.marks import seeds_on, whiskers
from bench.reports.figures.drawing.sheet import NOTHING, Key, Sheet
from bench.reports.figures.drawing.style import GREY, tint
from bench.reports.figures.ranges import SHARE

TALL = 1.35
"""Inches of a panel, without its labels."""


def draw(data: Classes):
    """Return the drawing of bars by class; many classes go on in a further line of bars below."""
    shown = [
        arm for arm in data.arms if any(one.mean is not None for (_, _, name), one in data.samples.items() if name == arm.label)
    ]
    empty = [arm.label for arm in data.arms if arm not in shown]
    key = Key(data.arm_title, data.arms, "bar", empty) if data.arm_title else None
    if not shown:
        sheet = Sheet(0.4, key, data.notes)
        sheet.say(NOTHING)
        return sheet.figure

    def paint(ax, number: int, arm: Arm, at: Mapping[str, float], wide: float) -> None:
        found = {name: data.samples.get((data.panels[number], name, arm.label)) for name in at}
        known = {name: one for name, one in found.items() if one and one.mean is not None}
        without = [at[name] for name in at if name not in known]
        ax.plot(without, [0.02 * data.range[1]] * len(without), "x", color=GREY, markersize=3, markeredgewidth=0.7)
        ax.bar([at[name] for name in known], [one.mean for one in known.values()], width=0.9 * wide, color=tint(arm.place))
        whiskers(ax, [(at[name], one.low, one.high) for name, one in known.items()], arrows=data.range != SHARE)
        several = [(at[name], value) for name, one in known.items() if one.spread for value in one.values]
        seeds_on(ax, [x for x, _ in several], [y for _, y in several])

    panels = [slots.Panel(panel, data.metric, data.range) for panel in data.panels]
    return slots.draw(data.classes, panels, shown, key, data.notes, TALL, paint)
