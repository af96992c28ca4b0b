"""The critical-difference diagram (Demsar 2006): mean ranks on a line, and bars that join what does not differ."""

import math

from bench.reports.figures.data import RankPanel, Ranks
from bench.reports.figures.drawing.sheet import MARGIN, Sheet
from bench.reports.figures.drawing.style import GREY, INK, SMALL, WIDTH, colour
from bench.reports.figures.drawing.text import width, wrap
from bench.reports.numbers import number
from bench.reports.statistics.tasks import LOW_POWER

SAID = 0.4
"""Inches of a sentence in the place of a diagram."""
LABEL = 1.5
"""Most inches of a method's name."""
STEP, WRAPPED = 0.2, 0.29
"""Inches between two names, one below the other; and where one has two lines."""
BAR = 0.09
"""Inches between two bars."""
HEADING, CRITICAL, NUMBERS, LINE = 0.1, 0.3, 0.46, 0.62
"""Inches from the top: the metric, the critical difference, the numbers on the line, the line."""


def draw(data: Ranks):
    """Return the drawing of critical-difference diagrams, one below the other."""
    tall = [_tall(panel) for panel in data.panels] or [SAID]
    sheet = Sheet(sum(tall), notes=data.notes)
    places = {arm.label: arm.place for arm in data.arms}
    top = 0.0
    for panel, high in zip(data.panels, tall, strict=False):
        if panel.ranks:
            _diagram(sheet.place(0, top, WIDTH, high), panel, places, high)
        else:
            sheet.say(f"{panel.label}: {panel.note}", top, high)
        top += high
    if not data.panels:
        sheet.say("nothing to rank")
    return sheet.figure


def _tall(panel: RankPanel) -> float:
    if not panel.ranks:
        return SAID
    return LINE + BAR * (len(panel.cliques) + 1) + _step(panel) * math.ceil(len(panel.ranks) / 2) + 0.2


def _step(panel: RankPanel) -> float:
    return WRAPPED if any("\n" in wrap(name, LABEL, SMALL, most=2) for name, _ in panel.ranks) else STEP


def _diagram(ax, panel: RankPanel, places: dict[str, int], high: float) -> None:
    """Draw one diagram on axes whose units are inches from the left and from the top."""
    ax.set(xlim=(0, WIDTH), ylim=(high, 0))
    ax.set_axis_off()
    names = {name: wrap(name, LABEL, SMALL, most=2) for name, _ in panel.ranks}
    wide = max(width(number(rank, 2), SMALL) for _, rank in panel.ranks) + 0.08
    side = MARGIN + max(width(part, SMALL) for text in names.values() for part in text.split("\n")) + wide + 0.2
    k = len(panel.ranks)

    def at(rank: float) -> float:
        return side + (WIDTH - 2 * side) * (rank - 1) / (k - 1)

    told = f"{panel.label}: mean rank over {panel.tasks} task{'s' * (panel.tasks != 1)}, 1 is best"
    told += "; low power" * (panel.tasks < LOW_POWER)
    ax.text(MARGIN, HEADING, wrap(told, WIDTH - 2 * MARGIN, most=1), va="center_baseline")
    _critical(ax, panel.critical, at, k)
    ax.plot([at(1), at(k)], [LINE, LINE], color=INK, linewidth=0.8)
    for tick in range(1, k + 1):
        ax.plot([at(tick)] * 2, [LINE - 0.05, LINE], color=INK, linewidth=0.8)
        ax.text(at(tick), NUMBERS + 0.03, str(tick), ha="center", va="center_baseline", size=SMALL)
    ranks = dict(panel.ranks)
    for i, clique in enumerate(panel.cliques):
        y = LINE + BAR * (i + 1)
        ax.plot([at(ranks[clique[0]]) - 0.04, at(ranks[clique[-1]]) + 0.04], [y, y], color=INK, linewidth=2.6, zorder=3)
    first = LINE + BAR * (len(panel.cliques) + 1) + _step(panel) / 2
    left = math.ceil(k / 2)
    for i, (name, rank) in enumerate(panel.ranks):
        y = first + _step(panel) * (i if i < left else k - 1 - i)
        edge = side - 0.1 if i < left else WIDTH - side + 0.1
        tone = colour(places.get(name, i))
        ax.plot([at(rank), at(rank), edge], [LINE, y, y], color=tone, linewidth=1.1, zorder=2)
        ax.plot([at(rank)], [LINE], "o", color=tone, markersize=4, markeredgecolor="white", markeredgewidth=0.5, zorder=4)
        near, far = ("right", -0.04) if i < left else ("left", 0.04)
        ax.text(edge + far, y, number(rank, 2), ha=near, va="center", size=SMALL, color=GREY)
        away = far + math.copysign(wide, far)
        ax.text(edge + away, y, names[name], ha=near, va="center", size=SMALL)


def _critical(ax, critical: float, at, k: int) -> None:
    """Draw the critical difference above the line; longer than that, it ends with an arrowhead."""
    end = at(min(1 + critical, k))
    ax.plot([at(1), end], [CRITICAL] * 2, color=INK, linewidth=1.2)
    ax.plot([at(1)], [CRITICAL], "|", color=INK, markersize=6)
    ax.plot([end], [CRITICAL], "|" if 1 + critical <= k else ">", color=INK, markersize=6 if 1 + critical <= k else 4)
    ax.text(end + 0.08, CRITICAL, f"CD = {number(critical, 2)}", va="center_baseline", size=SMALL)
