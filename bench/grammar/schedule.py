"""Which seeds a stage was declared to run with."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """The seeds of a stage at each look (one look, where nothing else is declared), and the level of all tests together."""

    looks: list[list[int]]
    total_alpha: float

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
        if self.sequential:
            return f"looks {', '.join(str(len(seeds)) for seeds in self.looks)} at alpha {self.total_alpha:g}"
        return ", ".join(map(str, self.looks[0]))
