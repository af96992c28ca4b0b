"""One metric of a table: its cells, and the comparisons within its rows and columns."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bench.grammar.metrics import by_name, of_differences
from bench.reports.records.arms import conditions, redrawn, resplit
from bench.reports.records.collect import Record
from bench.reports.records.derived import NEVER
from bench.reports.records.origins import origins
from bench.reports.tables.comparisons import FamilyOmnibus, TableCell, TableContrast, differing, family, leaders, omnibus
from bench.trackers.record import Outcome

FACTORS = {"": 1.0, "%": 100.0, "s": 1.0, "min": 1 / 60, "h": 1 / 3600, "MB": 1.0, "GB": 1 / 1000}


@dataclass(frozen=True)
class MetricBlock:
    """One metric of a table: cells by (row, column), and every contrast.

    metric: `PREFIX/*` where the rows are classes. better: higher, lower, or "" where nobody said. best: the arm of each line
    with the best mean, or those that tie. near: those that are not significantly worse. daggers: arms that differ significantly
    from the baseline.
    """

    metric: str
    unit: str
    better: str
    cells: dict[tuple[str, str], TableCell]
    contrasts: list[TableContrast]
    best: frozenset[tuple[str, str]] = frozenset()
    near: frozenset[tuple[str, str]] = frozenset()
    daggers: frozenset[tuple[str, str]] = frozenset()
    context: tuple[FamilyOmnibus, ...] = ()

    @property
    def name(self) -> str:
        """The metric as a reader sees it."""
        return self.metric.removesuffix("/*")

    @property
    def label(self) -> str:
        """The metric with the unit that it is shown in."""
        return self.name + (f" ({self.unit})" if self.unit else "")

    @property
    def difference_unit(self) -> str:
        """The unit of differences of its values; "" of times, which are compared by their ratio."""
        if by_name(self.metric).is_ratio:
            return ""
        return of_differences(self.unit)

    @property
    def family_sizes(self) -> list[int]:
        """The different sizes of its families, counting the comparisons that could be tested."""
        return sorted({contrast.m for contrast in self.contrasts if contrast.m})

    @property
    def baseline_sizes(self) -> list[int]:
        """The different numbers of tested comparisons with the baseline in a line."""
        tested = Counter(contrast.line for contrast in self.contrasts if contrast.against_baseline is not None)
        return sorted(set(tested.values()))


class Line(NamedTuple):
    """A row or a column whose arms are compared with each other.

    name: its own. family: what its comparisons are called. places: arm → (row, column). competing: whether its arms compete.
    """

    name: str
    family: str
    places: Mapping[str, tuple[str, str]]
    competing: bool
    context: bool = True


class How(NamedTuple):
    """How the arms of a line are compared."""

    test: str
    alpha: float
    baseline: str | None


def compare(
    metric: str, unit: str, better: str, cells: dict[tuple[str, str], TableCell], lines: Sequence[Line], how: How
) -> MetricBlock:
    """Compare all pairs of arms of each line, a family each, and mark the best and what differs from the baseline."""
    contrasts: list[TableContrast] = []
    best, near, daggers, context = set(), set(), set(), []
    for line in lines:
        arms = {arm: cells[place] for arm, place in line.places.items() if place in cells}
        tested = family(
            line.family,
            metric,
            arms,
            how.test,
            how.alpha,
            line=line.name,
            competing=line.competing,
            baseline=how.baseline if line.competing else None,
        )
        contrasts += tested
        if line.context and how.test != "welch":
            context.append(omnibus(line.family, metric, arms))
        if line.competing:
            leading, as_good = leaders(arms, better, tested, how.alpha)
            best |= {line.places[arm] for arm in leading}
            near |= {line.places[arm] for arm in as_good}
            daggers |= {line.places[arm] for arm in differing(how.baseline, tested, how.alpha)}
    marks = {"best": frozenset(best), "near": frozenset(near), "daggers": frozenset(daggers)}
    return MetricBlock(metric, unit, better, cells, contrasts, **marks, context=tuple(filter(None, context)))


def cell(seeds: Mapping[int, Record], metric: str, unit: str, published: float | None) -> TableCell:
    """Return a metric of some trials as a cell of a table."""
    values: dict[int, float] = {}
    run_ids: dict[int, str] = {}
    without: Counter[str] = Counter()
    why: dict[str, str] = {}
    timed: set[tuple[str, ...]] = set()
    run_origins: dict[str, None] = {}
    by_split: dict[int, dict[str, float]] = {}
    test_to_train = overlap = 0.0
    for seed, record in seeds.items():
        value = record.value(metric)
        if value is None:
            outcome, reason = str(record.outcome), record.unavailable
            if record.outcome is Outcome.FINISHED:
                reason = record.why(metric)
                outcome = NEVER if NEVER in reason else "not measured"
            without[outcome] += 1
            why |= {outcome: reason} if reason and outcome not in why else {}
        elif record.run:
            values[seed] = FACTORS[unit] * value
            run_ids[seed] = record.run.run_id
            timed.update(map(conditions, record.trials))
            if len(record.trials) > 1:
                by_split[seed] = {trial.split: FACTORS[unit] * (trial.value(metric) or 0.0) for trial in record.trials}
            overlap = max(overlap, resplit(record, metric))
            test_to_train = max(test_to_train, redrawn(record, metric))
            run_origins |= dict.fromkeys(origins(record.start, record.run))
    return TableCell(
        planned=len(seeds),
        values=values,
        published=published,
        without=dict(without),
        why=why,
        run_ids=run_ids,
        conditions=frozenset(timed),
        origins=tuple(run_origins),
        redrawn=test_to_train,
        by_split=by_split,
        resplit=overlap,
        splits=frozenset(trial.split for record in seeds.values() for trial in record.trials if trial.split),
    )
