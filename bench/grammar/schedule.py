"""Which seeds a stage was declared to run with."""

from collections.abc import Sequence
from dataclasses import dataclass, field

PILOT_FROM = 1_000_000
"""The first seed of every pilot, far above those that count: so these keep their numbers with a pilot or without, and a pilot
keeps its own when the sizes change. Stages share them, since claims compare arms of several stages seed by seed."""

MOST_PILOTS = 1_000
"""How many seeds a pilot may have: so many from `PILOT_FROM` on never count, in any suite, since a pilot may have seen them."""


def pilot_seeds(number: int) -> range:
    """Return the seeds of a pilot of so many."""
    return range(PILOT_FROM, PILOT_FROM + number)


@dataclass(frozen=True)
class Schedule:
    """The seeds of a stage at each look (one look, where nothing else is declared), and the level of all tests together. pilot:
    the seeds that set sizes and never count."""

    looks: list[list[int]]
    total_alpha: float
    pilot: Sequence[int] = field(default=(), compare=False)

    @property
    def alpha(self) -> float:
        """The level at each look, by Bonferroni's inequality: the looks together keep the total."""
        return self.total_alpha / len(self.looks)

    @property
    def sequential(self) -> bool:
        """Whether a first look may ask for more seeds."""
        return len(self.looks) > 1

    @property
    def text(self) -> str:
        """What was declared, in a few words."""
        return (f"pilot of {len(self.pilot)}, then " if self.pilot else "") + self.counting

    @property
    def counting(self) -> str:
        """What was declared of the seeds that count, in a few words."""
        if self.sequential:
            return f"looks {', '.join(str(len(seeds)) for seeds in self.looks)} at alpha {self.total_alpha:g}"
        return ", ".join(map(str, self.looks[0]))
