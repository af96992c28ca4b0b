"""Two sets of results compared, in words and as tables of text: the same for every format."""

from collections.abc import Sequence

from bench.reports.compare import Row, SidesCompared, Verdict
from bench.reports.layout.contrasts import STEPWISE
from bench.reports.layout.grid import NOTHING, SHORT, Text, TextGrid
from bench.reports.numbers import digits, number, probability
from bench.reports.statistics import Moments
from bench.reports.tables.comparisons import TableCell

TITLE, CHANGED = "Candidate against baseline", "What changed"


def sentences(compared: SidesCompared) -> list[str]:
    """Return what is said first: how many rows have each verdict, what was expected to be the same, and what is on one side."""
    counts = [f"{len(rows)} {verdict}" for verdict in Verdict if (rows := compared.having(verdict))]
    told = [f"{', '.join(counts)}." if counts else "Nothing to compare: no table shows a metric of a cell that both sides have."]
    told.append(_repeated(compared))
    for whose, cells in (("baseline", compared.only_baseline), ("candidate", compared.only_candidate)):
        if cells:
            told.append(f"Only the {whose} has {'; '.join(cells[:6])}{f' and {len(cells) - 6} more' if len(cells) > 6 else ''}.")
    if compared.left_out:
        told.append(f"Not compared, as they are of single classes: {', '.join(compared.left_out)}.")
    return told


def grids(compared: SidesCompared) -> list[TextGrid]:
    """Return what changed, where something did, and the comparisons."""
    return [*([_changed(compared)] if compared.changes else []), *([_rows(compared)] if compared.rows else [])]


def _repeated(compared: SidesCompared) -> str:
    repeats = compared.repeats
    if not repeats.matched:
        return "No cell has the same seed on both sides."
    parts = [f"{repeats.same_run} the very same run"] if repeats.same_run else []
    if repeats.same:
        parts.append(
            f"{repeats.same} of equal fingerprints, which should give the same result: {repeats.identical} do to the bit"
        )
    other = repeats.matched - repeats.same_run - repeats.same
    parts += [f"{other} configured otherwise"] if other else []
    differing = f" Other results: {'; '.join(repeats.differing)}." if repeats.differing else ""
    return f"Of {repeats.matched} trials that match by cell and seed: {', '.join(parts)}.{differing}"


def _changed(compared: SidesCompared) -> TextGrid:
    grid = TextGrid(CHANGED, f"{CHANGED}:", ["what", "baseline", "candidate", "cells"])
    for change in compared.changes:
        cells = NOTHING if change.cells is None else str(change.cells)
        grid.rows.append([Text((text,)) for text in (change.what, change.baseline, change.candidate, cells)])
    return grid


def _rows(compared: SidesCompared) -> TextGrid:
    grid = TextGrid(
        TITLE,
        f"{TITLE}: mean ± sample SD of each; candidate minus baseline, of times the ratio, {_tested(compared)}",
        ["cell", "metric", "baseline", "candidate", "difference", "margin", "Holm p", "verdict"],
    )
    several = len({row.stage for row in compared.rows}) > 1
    for row in compared.rows:
        cell = f"{row.stage}: {row.cell}" if several and row.cell else row.cell or row.stage
        unit = f" ({row.known.unit})" if row.known.unit else ""
        places = _places((row.baseline, row.candidate))
        means = [_mean(side.summary, places) for side in (row.baseline, row.candidate)]
        verdict = row.verdict + (grid.mark(row.why) if row.why else "")
        margin = NOTHING if row.margin is None else f"{row.margin:.3g}{_short(row)}"
        holm = NOTHING if row.holm is None else probability(row.holm)
        texts = [cell, row.metric + unit, *means, _difference(grid, row, compared.alpha), margin, holm]
        runs = (*row.baseline.run_ids.values(), *row.candidate.run_ids.values())
        grid.rows.append([*[Text((text,)) for text in texts], Text((verdict,), bold=row.verdict is Verdict.WORSE, runs=runs)])
    return grid


def _tested(compared: SidesCompared) -> str:
    if not compared.tests:
        return "none of which could be tested."
    level = f"{100 * (1 - compared.alpha / compared.tests):.4g} %"
    return (
        f"with its {level} interval: paired by seed where the seeds match; Holm over all m={compared.tests}, "
        f"alpha={compared.alpha:.3g}. No worse: a loss of the margin or more is ruled out, corrected (Holm) among the rows that "
        "have one."
    )


def _difference(grid: TextGrid, row: Row, alpha: float) -> str:
    result = row.result
    if result.difference is None:
        return NOTHING
    sign, short = not result.ratio, _short(row)
    if result.ci_low is None or result.ci_high is None:
        return number(result.difference, digits(result.difference, 3), sign=sign) + short
    places = digits((result.ci_high - result.ci_low) / 2, 2)
    text = f"{number(result.difference, places, sign=sign)}{short} ({number(result.ci_low, places)} to "
    text += f"{number(result.ci_high, places)})"
    zero = 1.0 if result.ratio else 0.0
    if row.holm is not None and row.holm <= alpha and result.ci_low <= zero <= result.ci_high:
        text += grid.mark(STEPWISE)
    if row.unpaired:
        text += grid.mark(f"Welch's t-test, as seeds are no pairs: {row.unpaired}")
    return text


def _short(row: Row) -> str:
    unit = SHORT.get(row.unit, row.unit)
    return f" {unit}" if unit else ""


def _mean(moments: Moments, places: int) -> str:
    if moments.mean is None:
        return NOTHING
    return number(moments.mean, places) + (f" ± {number(moments.sd, places)}" if moments.sd is not None else "")


def _places(cells: Sequence[TableCell]) -> int:
    """Return the decimals of two means: the larger SD to two significant digits."""
    spreads = [cell.summary.sd for cell in cells if cell.summary.sd]
    means = [abs(cell.summary.mean) for cell in cells if cell.summary.mean]
    return digits(max(spreads), 2) if spreads else digits(max(means), 4) if means else 0
