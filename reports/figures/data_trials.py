"""What a figure of a search shows."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.reports.figures.ranges import Range

Points = tuple[tuple[int, float], ...]
"""(epoch, value), …"""


@dataclass(frozen=True)
class Course:
    """One trial of a search, epoch by epoch. ended: whether the search ended it early. place: among all, the best first."""

    label: str
    place: int
    train: Points
    val: Points
    ended: bool


@dataclass(frozen=True)
class Trials:
    """All trials of a search, the best first; a panel a search, with a key of its own. metric: without its split."""

    metric: str
    panels: Mapping[str, tuple[Course, ...]]
    range: Range
    notes: tuple[str, ...] = ()
