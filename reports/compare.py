"""Two sets of results of one suite: cell by cell and metric by metric, how the candidate differs from the baseline, and whether
it is worse.

Differences are candidate minus baseline, of times their ratio. "Better" and "worse" are two-sided tests of no difference, "no
worse" is non-inferiority at a margin: the interval's end on the worse side lies within it. Source: Piaggio et al. (2012),
Reporting of noninferiority and equivalence randomized trials, JAMA 308.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bench.grammar.metrics import Metric, of_differences
from bench.reports.changes import Change, Pair, Repeats, changes, repeats
from bench.reports.claims.rules import LEAST_SEEDS
from bench.reports.records.arms import Records, overlapping, unlike
from bench.reports.sides import Seeds, Side, labels_of, name_of
from bench.reports.statistics import ALPHA, Comparison, above, below, edge_of, holm, interval, paired, welch
from bench.reports.tables import blocks
from bench.reports.tables import comparisons as of_tables
from bench.reports.tables.comparisons import TableCell
from bench.trackers.record import classes, items, parameters, redrawn_parts

BY_CLASS = "/*"


class Verdict(StrEnum):
    """How the candidate stands against the baseline, in one metric of one cell."""

    WORSE = "worse"
    NOT_KNOWN = "not known"
    BETTER = "better"
    NO_WORSE = "no worse"
    NOT_JUDGED = "not judged"
    """Of a metric of which neither end is better, and of what cannot be compared at all."""


@dataclass(frozen=True)
class Row:
    """One metric of one cell on both sides, in the metric's unit.

    result: candidate minus baseline; its interval is Bonferroni's, at 1 - alpha / m. margin: the largest loss that does not
    matter. holm: p of no difference, corrected over all rows. no_worse: p, on the two-sided scale, of a loss of the margin or
    more, corrected over all rows that have one. why: of the verdict. unpaired: why the test is not over pairs of seeds.
    """

    stage: str
    cell: str
    metric: str
    known: Metric
    baseline: TableCell
    candidate: TableCell
    result: Comparison
    margin: float | None = None
    holm: float | None = None
    no_worse: float | None = None
    verdict: Verdict = Verdict.NOT_KNOWN
    why: str = ""
    unpaired: str = ""

    @property
    def unit(self) -> str:
        """The unit of its difference; "" of a ratio."""
        return "" if self.known.is_ratio else of_differences(self.known.unit)


@dataclass(frozen=True)
class SidesCompared:
    """Two sets of results compared. only_baseline, only_candidate: cells that one of them alone has. left_out: metrics of tables
    that are not compared."""

    suite: str
    baseline: str
    candidate: str
    rows: list[Row]
    changes: list[Change]
    repeats: Repeats
    only_baseline: list[str]
    only_candidate: list[str]
    left_out: list[str]
    alpha: float = ALPHA

    def having(self, verdict: Verdict) -> list[Row]:
        """Return the rows with a verdict."""
        return [row for row in self.rows if row.verdict is verdict]

    @property
    def tests(self) -> int:
        """How many differences were tested, and corrected together."""
        return sum(row.holm is not None for row in self.rows)

    def passes(self, *, strict: bool = False) -> bool:
        """Whether nothing is worse. strict: nor unknown, and no cell of the baseline is missing."""
        worse, unknown = self.having(Verdict.WORSE), self.having(Verdict.NOT_KNOWN)
        return not worse and not (strict and (unknown or self.only_baseline))


def compare(
    suite: str, baseline: Side, candidate: Side, *, margins: Mapping[str, float] = {}, alpha: float = ALPHA
) -> SidesCompared:
    """Compare each cell that both sides have, in each metric of the tables of its stage.

    margins: metric → the largest loss that does not matter, in its unit (of times the share); "" → that of all others; else what
    the suite declares. Without a margin a metric is better, worse, or not known.
    """
    before, after = baseline.cells(), candidate.cells()
    pairs: list[Pair] = [(place, before[place], after[place]) for place in after if place in before]
    trials, metrics = Records(candidate.records), _metrics(candidate, baseline)
    rows = []
    for place, first, second in pairs:
        for metric in metrics.get(place[0], ()):
            if metric.endswith(BY_CLASS):
                continue
            known = trials.described(metric)
            margin = margins.get(metric, margins.get("", known.margin)) if known.better else None
            row = Row(place[0], labels_of(place), metric, known, *_cells(first, second, metric, known), Comparison(), margin)
            rows.append(_compared(row, baseline, candidate, first, second, alpha))
    return SidesCompared(
        suite=suite,
        baseline=baseline.name,
        candidate=candidate.name,
        rows=_judged(rows, alpha),
        changes=changes(baseline, candidate, pairs),
        repeats=repeats(baseline, candidate, pairs),
        only_baseline=[name_of(place) for place in before if place not in after],
        only_candidate=[name_of(place) for place in after if place not in before],
        left_out=sorted({metric for of_stage in metrics.values() for metric in of_stage if metric.endswith(BY_CLASS)}),
        alpha=alpha,
    )


def _metrics(*sides: Side) -> dict[str, list[str]]:
    """Return stage → the metrics of its tables, those of whole classes as `PREFIX/*`."""
    found: dict[str, dict[str, None]] = {}
    for side in sides:
        for table in side.tables.values():
            names = [value.metric for value in table.values] + [metric for also in table.also.values() for metric in also]
            found.setdefault(table.stage, {}).update(dict.fromkeys(names))
    return {stage: list(names) for stage, names in found.items()}


def _cells(first: Seeds, second: Seeds, metric: str, known: Metric) -> tuple[TableCell, TableCell]:
    """Return a metric of both sides of a cell, in its unit."""
    unit = "%" if known.factor != 1 else ""
    return blocks.cell(first, metric, unit, None), blocks.cell(second, metric, unit, None)


def _compared(row: Row, baseline: Side, candidate: Side, first: Seeds, second: Seeds, alpha: float) -> Row:
    """Return a row with the test of its difference; or with its verdict, where none is needed or possible."""
    a, b = row.baseline, row.candidate
    runs = baseline.runs(first), candidate.runs(second)
    if not a.values or not b.values:
        side = "neither side has" if not a.values and not b.values else f"the {'candidate' if a.values else 'baseline'} lacks"
        return replace(row, why=f"{side} a result", result=Comparison(reason="no result"))
    if {at: run.run_id for at, run in runs[0].items()} == {at: run.run_id for at, run in runs[1].items()}:
        return replace(row, verdict=Verdict.NO_WORSE, why="the same runs", result=_equal(row, "the same runs"))
    if any(parameters(run) != parameters(runs[1][at]) for at, run in runs[0].items() if at in runs[1]):
        why = "the search drew other parameters"
        return replace(row, verdict=Verdict.NOT_JUDGED, why=why, result=Comparison(reason=why))
    if reason := _unlike(row):
        return replace(row, verdict=Verdict.NOT_JUDGED, why=reason, result=Comparison(reason=reason))
    if a.values == b.values and not _resolution(row, runs[0].values()):
        return replace(row, verdict=Verdict.NO_WORSE, why="identical", result=_equal(row, "identical for every seed"))
    if a.values == b.values and _same_fingerprints(*runs):
        return replace(row, verdict=Verdict.NO_WORSE, why="identical", result=_equal(row, "identical for every seed"))
    unpaired = _unpaired(row, *runs)
    return replace(row, result=_tested(row, bool(unpaired), runs[0].values(), 1 - alpha), unpaired=unpaired)


def _equal(row: Row, reason: str) -> Comparison:
    ratio = row.known.is_ratio
    return Comparison(n=len(row.candidate.values), difference=1.0 if ratio else 0.0, ratio=ratio, reason=reason)


def _same_fingerprints(before: Mapping, after: Mapping) -> bool:
    said = [{at: run.tags.get("fingerprint") for at, run in side.items()} for side in (before, after)]
    return said[0] == said[1] and all(said[0].values())


def _unlike(row: Row) -> str:
    """Say why a metric that depends on the machine cannot be compared; "" where it can."""
    return unlike(row.baseline.conditions | row.candidate.conditions, row.metric) if row.known.is_ratio else ""


def _unpaired(row: Row, before: Mapping, after: Mapping) -> str:
    """Say why seeds are not pairs: a seed fixes what a trial draws, but from images that must be the same on both sides."""
    seeds = row.baseline.values.keys() & row.candidate.values.keys()
    if not seeds:
        return "no seed in common"
    if len(seeds) < min(LEAST_SEEDS, len(row.baseline.values), len(row.candidate.values)):
        return f"only {len(seeds)} in common"
    for at in before.keys() & after.keys():
        images = [
            ({name: text for name, text in run.tags.items() if name.startswith("images.")}, classes(run), redrawn_parts(run))
            for run in (before[at], after[at])
        ]
        if images[0] != images[1]:
            return "the splits have other sizes or classes"
    return ""


def _tested(row: Row, unpaired: bool, runs: Iterable, confidence: float) -> Comparison:
    known, a, b = row.known, row.baseline, row.candidate
    if unpaired:
        return welch(b.values, a.values, ratio=known.is_ratio, confidence=confidence)
    if a.by_split and b.by_split:
        return of_tables.compare(row.metric, b, a, "t", confidence)
    resolution = _resolution(row, runs)
    tested = paired(b.values, a.values, ratio=known.is_ratio, confidence=confidence, resolution=resolution)
    return overlapping(tested, max(a.redrawn, b.redrawn))


def _resolution(row: Row, runs: Iterable) -> float:
    """Return the step of a metric that counts images; 0 of one that has none, or where the runs do not say how many."""
    if row.known.is_ratio or row.known.counts != "images":
        return 0.0
    sizes = {items(run, row.metric) for run in runs}
    return row.known.factor / min(sizes) if sizes and all(sizes) else 0.0


def _judged(rows: Sequence[Row], alpha: float) -> list[Row]:
    """Return the rows with corrected p-values, intervals and verdicts."""
    corrected = holm([row.result.p for row in rows])
    no_worse = holm([_no_worse(row) for row in rows])
    m = max(1, sum(p is not None for p in corrected))
    judged = []
    for row, p, within in zip(rows, corrected, no_worse, strict=True):
        ends = interval(row.result, 1 - alpha / m) if row.result.p is not None else None
        result = replace(row.result, ci_low=ends[0], ci_high=ends[1], confidence=1 - alpha / m) if ends else row.result
        row = replace(row, result=result, holm=p, no_worse=within)
        judged.append(row if row.why else _with_verdict(row, alpha))
    return judged


def _side(row: Row) -> int:
    """Return 1 where a higher value is better, -1 where a lower one is, 0 where nobody says."""
    return {"higher": 1, "lower": -1}.get(row.known.better, 0)


def _no_worse(row: Row) -> float | None:
    """Return the p of a loss of the margin or more; None without a test, or a margin."""
    side = _side(row)
    if row.result.p is None or row.margin is None or not side:
        return None
    edge = edge_of(row.result, row.margin)
    return above(row.result, -edge) if side > 0 else below(row.result, edge)


def _with_verdict(row: Row, alpha: float) -> Row:
    result, side = row.result, _side(row)
    if not side:
        return replace(row, verdict=Verdict.NOT_JUDGED, why="neither end is known to be better")
    if row.holm is None or result.difference is None:
        return replace(row, why=result.reason)
    if min(len(row.baseline.values), len(row.candidate.values)) < LEAST_SEEDS or (not row.unpaired and result.n < LEAST_SEEDS):
        return replace(row, why=f"fewer than {LEAST_SEEDS} seeds")
    gain = side * result.tested(result.difference)
    if row.holm <= alpha and gain > 0:
        return replace(row, verdict=Verdict.BETTER)
    if row.no_worse is not None and row.no_worse <= alpha:
        return replace(row, verdict=Verdict.NO_WORSE, why="worse by less than the margin" if row.holm <= alpha else "")
    if row.holm <= alpha:
        return replace(row, verdict=Verdict.WORSE)
    return replace(row, why="no margin, and no difference found" if row.margin is None else "the interval holds the margin")
