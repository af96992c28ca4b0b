"""Bars by class, arms beside each other, with intervals and seeds."""

import math
from itertools import pairwise

from reports.figures.data import SHARE, Arm, Classes
from reports.figures.marks import seeds_on, whiskers
from reports.figures.sheet import NOTHING, Key, Sheet
from reports.figures.style import GREY, INK, LINE, SMALL, WIDTH, tint
from reports.figures.text import rows, width, wrap

TALL = 1.35
"""Inches of a panel, without its labels."""
SLOTS = 60
"""Most bars, counting the gap between classes as one, in a line of panels."""
LABEL = 0.9
"""Most inches of a class's name where it stands upright."""
ROOM = WIDTH - 0.65
"""Inches between a panel's ends."""


def draw(data: Classes):
    """Return the drawing of bars by class; many classes go on in a further line of bars below."""
    shown = [
        arm for arm in data.arms if any(one.mean is not None for (_, _, name), one in data.samples.items() if name == arm.label)
    ]
    key = Key(data.arm_title, data.arms, "bar", [arm.label for arm in data.arms if arm not in shown])
    if not shown:
        sheet = Sheet(0.4, key, data.notes)
        sheet.say(NOTHING)
        return sheet.figure
    slots = len(shown) + 1
    lines = math.ceil(len(data.classes) / max(1, SLOTS // slots))
    each = math.ceil(len(data.classes) / lines)
    parts = [data.classes[first : first + each] for first in range(0, len(data.classes), each)]
    labels, upright = _labels(data.classes, each)
    below = max(width(text, SMALL) for text in labels.values()) if upright else LINE * max(map(rows, labels.values()))
    titled = any(data.panels)
    down = len(data.panels) * len(parts)
    sheet = Sheet(down * (TALL + below + 0.1) + len(data.panels) * 0.2 * titled, key, data.notes)
    grid = sheet.grid(down, 1)[:, 0]
    for number, ax in enumerate(grid):
        panel, part = data.panels[number // len(parts)], parts[number % len(parts)]
        _panel(ax, data, panel, part, shown)
        ax.set_xlim(-0.5, each - 0.5)
        ax.set_xticks(range(len(part)), [labels[name] for name in part], rotation=90 if upright else 0, color=INK)
        ax.set_ylabel(wrap(data.metric, TALL, most=2))
        if titled and number % len(parts) == 0:
            ax.set_title(wrap(panel, ROOM, most=2))
    return sheet.figure


def _labels(classes: tuple[str, ...], each: int) -> tuple[dict[str, str], bool]:
    """Return the labels of the classes, and whether they stand upright because they are too wide for their places."""
    flat = {name: wrap(name, ROOM / each - 0.02, SMALL, most=2) for name in classes}
    cut = [name for name, text in flat.items() if "…" in text or any(_broken(name, *ends) for ends in pairwise(text.split("\n")))]
    return ({name: wrap(name, LABEL, SMALL, most=1) for name in classes}, True) if cut else (flat, False)


def _broken(name: str, end: str, start: str) -> bool:
    """Whether a line break stands within a word."""
    return f"{end}{start}" in name and end[-1:].isalnum() and start[:1].isalnum()


def _panel(ax, data: Classes, panel: str, part: tuple[str, ...], shown: list[Arm]) -> None:
    ax.set_ylim(*data.range)
    ax.grid(axis="y")
    ax.tick_params(axis="x", length=0)
    if data.range[0] < 0:
        ax.axhline(0, color=INK, linewidth=0.6)
    wide = 0.86 / len(shown)
    for place, arm in enumerate(shown):
        at = {name: number + (place - (len(shown) - 1) / 2) * wide for number, name in enumerate(part)}
        found = {name: data.samples.get((panel, name, arm.label)) for name in part}
        known = {name: one for name, one in found.items() if one and one.mean is not None}
        without = [at[name] for name in part if name not in known]
        ax.plot(without, [0.02 * data.range[1]] * len(without), "x", color=GREY, markersize=3, markeredgewidth=0.7)
        ax.bar([at[name] for name in known], [one.mean for one in known.values()], width=0.9 * wide, color=tint(arm.place))
        whiskers(ax, [(at[name], one.low, one.high) for name, one in known.items()], arrows=data.range != SHARE)
        several = [(at[name], value) for name, one in known.items() if len(one.values) > 1 for value in one.values]
        seeds_on(ax, [x for x, _ in several], [y for _, y in several])
