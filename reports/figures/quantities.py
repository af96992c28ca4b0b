"""What an axis shows of a metric: its name with its unit, the numbers in that unit, and how far they can go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.grammar.derived import described
from bench.reports.figures.ranges import Range
from bench.reports.records.collect import Record
from bench.reports.tables.blocks import FACTORS, MetricBlock


@dataclass(frozen=True)
class Quantity:
    """A metric in a unit.

    factor: what its values are multiplied by to be in it. bounds: the lowest and the highest that it can be. better: its better
    end, "" where nobody knows.
    """

    metric: str
    unit: str
    factor: float
    bounds: Range
    better: str = ""

    @property
    def label(self) -> str:
        """What stands at its axis."""
        return with_unit(self.metric, self.unit)

    def of(self, values: Mapping[int, float]) -> dict[int, float]:
        """Return values by seed in its unit."""
        return {seed: self.factor * value for seed, value in values.items()}


def quantity(metric: str, records: Sequence[Record]) -> Quantity:
    """Return a metric in the unit that the suite declares for it, else in its own; "%" of a share in percent."""
    name = metric.removesuffix("/*")
    known = described(name, records[0].derived if records else {})
    low, high = (end * known.factor for end in known.range)
    return Quantity(name, known.unit, known.factor, (low, high), known.better)


def shown(block: MetricBlock, records: Sequence[Record]) -> Quantity:
    """Return what a table shows, in its unit; where it names none, as `quantity` does. factor: of the numbers in its cells."""
    known = quantity(block.metric, records)
    if not block.unit:
        return known
    factor = FACTORS[block.unit]
    low, high = (end * factor / known.factor for end in known.bounds)
    return Quantity(known.metric, block.unit, 1.0, (low, high), known.better)


def with_unit(text: str, unit: str) -> str:
    return f"{text} ({unit})" if unit else text
