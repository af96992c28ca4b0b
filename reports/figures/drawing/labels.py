"""Names beside points, where no name lies on another name or point; all in inches."""

import math
from collections.abc import Sequence
from typing import NamedTuple

ANGLES = (0, 180, 90, 270, 45, 315, 135, 225)
"""Where a name may stand, seen from its point, the best first."""
STEPS = (0.09, 0.16, 0.26, 0.4, 0.55, 0.75, 1.0)
"""How far from its point."""
NEAR = 0.2
"""From which distance on a line leads to the point."""
CLEAR = 0.045
"""Half the width that a point takes."""


class Box(NamedTuple):
    left: float
    low: float
    right: float
    high: float

    def meets(self, other: "Box") -> bool:
        return self.left < other.right and other.left < self.right and self.low < other.high and other.low < self.high


class Spot(NamedTuple):
    """Where a name stands: its middle. leads: whether it stands so far off that a line should lead to its point."""

    x: float
    y: float
    leads: bool


def spots(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    room: tuple[float, float],
    taken: Sequence[Box] = (),
) -> list[Spot | None]:
    """Return where the name of each point stands, None of one that finds no place.

    sizes: width and height of each name. room: width and height of all. taken: what no name may lie on, but if there is no other
    place.

    Greedy: each name takes the nearest free place, in the order of the points.
    """
    solid = [Box(x - CLEAR, y - CLEAR, x + CLEAR, y + CLEAR) for x, y in points]
    found: list[Spot | None] = []
    for (x, y), (wide, tall) in zip(points, sizes, strict=True):
        tries = [_at(x, y, wide, tall, angle, step) for step in STEPS for angle in ANGLES]
        free = [(spot, box) for spot, box in tries if _inside(box, room) and not any(map(box.meets, solid))]
        best = next((one for one in free if not any(map(one[1].meets, taken))), free[0] if free else None)
        if best:
            solid.append(best[1])
        found.append(best[0] if best else None)
    return found


def _at(x: float, y: float, wide: float, tall: float, angle: int, step: float) -> tuple[Spot, Box]:
    across, up = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    beside, above = (0.0 if abs(part) < 0.1 else math.copysign(0.5, part) for part in (across, up))
    middle = x + across * step + beside * wide, y + up * step + above * tall
    box = Box(middle[0] - wide / 2, middle[1] - tall / 2, middle[0] + wide / 2, middle[1] + tall / 2)
    return Spot(*middle, step > NEAR), box


def _inside(box: Box, room: tuple[float, float]) -> bool:
    return box.left >= 0 and box.low >= 0 and box.right <= room[0] and box.high <= room[1]
