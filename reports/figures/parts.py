"""What several kinds of figures show: arms, and one quantity by seed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PlotArm:
    """What has one colour. place: its place among the arms of the whole suite, so that every figure gives it the same one."""

    label: str
    place: int


@dataclass(frozen=True)
class Sample:
    """One quantity by seed. mean: None of none. low, high: the mean's t-interval, None where it has none.

    note: why there is no value at all, where somebody knows.
    """

    values: tuple[float, ...] = ()
    planned: int = 0
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""

    @property
    def spread(self) -> bool:
        """Whether its seeds differ."""
        return len(set(self.values)) > 1
