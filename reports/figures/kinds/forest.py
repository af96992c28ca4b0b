"""Forest plots: the comparisons of a table, or of all claims, each with its interval."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from bench.grammar.metrics import by_name, of_differences
from bench.reports.claims.results import ClaimResult, ContrastResult
from bench.reports.figures.base import (
    FigureSource,
    FigureSpec,
    Kind,
    check_table,
    table_of,
)
from bench.reports.figures.cells import by_metric
from bench.reports.figures.drawing.forest import ForestData, ForestPanel, ForestRow, draw
from bench.reports.figures.quantities import Quantity, shown, with_unit
from bench.reports.figures.ranges import ANY, Range, axis_range, is_cut
from bench.reports.numbers import probability
from bench.reports.records.collect import Record
from bench.reports.statistics import Comparison
from bench.reports.tables.build import TableData
from bench.reports.tables.comparisons import TableContrast

NONE = "–"
MOST_ROWS = 60
"""From which on a forest is thinned out."""


class Forest(FigureSpec):
    """The contrasts of a table, or all claims, each with its interval."""

    kind: Literal["forest"]
    table: str | None = None


def of_table(table: TableData, records: Sequence[Record] = ()) -> tuple[ForestData, str]:
    """Return every contrast of a table that has an estimate, a panel a metric, and the caption; the others stand in notes."""
    panels = []
    drawn, left_out = _drawn(table)
    for stack in table.stacks:
        block = stack[0]
        what, ratio = shown(block, records), by_name(block.metric).is_ratio
        factor = 1.0 if ratio else what.factor
        compared = [contrast for contrast in drawn[block.metric] if contrast.result.difference is not None]
        rows = [_contrast(contrast, table.alpha, factor) for contrast in compared]
        if rows:
            widest = ANY if ratio else (what.bounds[0] - what.bounds[1], what.bounds[1] - what.bounds[0])
            panels.append(_panel(_difference(what, ratio), rows, ("n", "Holm p"), ratio, widest))
    results = [contrast.result for contrasts in drawn.values() for contrast in contrasts]
    notes = by_metric({metric: _left_out(contrasts) for metric, contrasts in drawn.items()}) + left_out
    data = ForestData(tuple(panels), notes)
    if not panels:
        return data, "Nothing could be compared."
    corrected = any(contrast.m > 1 for contrasts in drawn.values() for contrast in contrasts)
    level = " Intervals are Bonferroni's, at 1 − alpha/m of each family." if corrected else ""
    return data, f"{_what(results)}{_reading(results, panels)}{level} Filled: Holm p at or below {table.alpha:.3g}."


def of_claims(claims: Sequence[ClaimResult]) -> tuple[ForestData, str]:
    """Return every part of every claim, a panel for each kind of quantity, and the caption."""
    grouped: dict[tuple[str, bool], list[ForestRow]] = defaultdict(list)
    many = sum(len(claim.parts) for claim in claims) > MOST_ROWS  # then seeds would be a crowd of dots
    for claim in claims:
        for part in claim.parts:
            row = _claimed(claim, part)
            grouped[part.quantity, part.result.ratio].append(replace(row, deltas=()) if many else row)
    panels = [_panel(label, rows, ("n", "Holm p", "verdict"), ratio) for (label, ratio), rows in grouped.items()]
    results = [part.result for claim in claims for part in claim.parts]
    caption = f"Estimates{_reading(results, panels)}"
    if any(part.reference not in (0.0, 1.0) for claim in claims for part in claim.parts):
        caption += " Upright line: no difference, or the ratio that is claimed."
    if any(claim.margin is not None for claim in claims):
        caption += " Shaded: the declared margin, inside which a difference does not matter."
    if any(part.result.difference is None for claim in claims for part in claim.parts):
        caption += " Why a claim has no result stands with its verdict."
    alphas = " or ".join(sorted({f"{claim.alpha:.3g}" for claim in claims}))
    caption += " Intervals are Bonferroni's, at 1 − alpha/m of each family." if any(claim.m > 1 for claim in claims) else ""
    return ForestData(tuple(panels)), f"{caption} Filled: Holm p at or below {alphas}." if claims else "The suite makes no claim."


def _drawn(table: TableData) -> tuple[dict[str, list[TableContrast]], tuple[str, ...]]:
    """Return what is drawn of each metric, and what is not.

    Of very many contrasts these are the ones between the arms that compete; of still too many, those with the baseline (the
    first arm, where the table names none).
    """
    drawn, subset = {stack[0].metric: [contrast for block in stack for contrast in block.contrasts] for stack in table.stacks}, ""
    across, arms = ("columns", table.rows) if table.arms == "rows" else ("rows", table.columns)
    baseline = table.baseline or next(iter(arms), "")
    if table.by_class and _size(drawn) > MOST_ROWS:
        whole = {stack[0].metric: [contrast for block in stack[1:] for contrast in block.contrasts] for stack in table.stacks}
        return whole, ("For want of room, no comparisons of single classes are drawn.",)
    if _size(drawn) > MOST_ROWS:
        drawn = {metric: [contrast for contrast in contrasts if contrast.competing] for metric, contrasts in drawn.items()}
        subset = f"those within {across}"
    if _size(drawn) > MOST_ROWS:
        drawn = {
            metric: [contrast for contrast in contrasts if baseline in (contrast.left, contrast.right)]
            for metric, contrasts in drawn.items()
        }
        subset = f"those with {baseline} within {across}"
    return drawn, (f"For want of room, of all comparisons only {subset} are drawn.",) if subset else ()


def _size(drawn: dict[str, list[TableContrast]]) -> int:
    return sum(contrast.result.difference is not None for contrasts in drawn.values() for contrast in contrasts)


def _contrast(contrast: TableContrast, alpha: float, factor: float) -> ForestRow:
    holm = NONE if contrast.holm is None else probability(contrast.holm)
    strong = contrast.holm is not None and contrast.holm <= alpha
    return _row(
        f"{contrast.left} vs {contrast.right}",
        contrast.family,
        _scaled(contrast.result, factor),
        None,
        1.0 if contrast.result.ratio else 0.0,
        (str(contrast.result.n), holm),
        strong,
    )


def _claimed(claim: ClaimResult, part: ContrastResult) -> ForestRow:
    holm = NONE if part.holm is None else probability(part.holm)
    label = part.label if len(claim.parts) > 1 else claim.name
    group = claim.name if len(claim.parts) > 1 else ""
    right = (str(part.result.n), holm, part.verdict)
    strong = part.holm is not None and part.holm <= claim.alpha
    return _row(label, group, part.result, claim.margin, part.reference, right, strong)


def _row(label: str, group: str, result: Comparison, margin: float | None, reference: float, right, strong: bool) -> ForestRow:
    return ForestRow(
        label=label,
        group=group,
        estimate=result.difference,
        low=result.ci_low,
        high=result.ci_high,
        deltas=tuple(value for _, value in sorted(result.deltas.items())) if len(result.deltas) > 1 else (),
        reference=reference,
        band=band(margin, result.ratio, reference),
        right=right,
        strong=strong,
    )


def band(margin: float | None, ratio: bool, reference: float) -> Range | None:
    """Return the ends of what a declared margin covers, around what an estimate is held against."""
    if margin is None:
        return None
    return (reference / (1 + margin), reference * (1 + margin)) if ratio else (reference - margin, reference + margin)


def panel_range(claims: Sequence[ClaimResult]) -> Range:
    """Return the ends of the axis that some claims on one quantity share."""
    rows = [_claimed(claim, part) for claim in claims for part in claim.parts]
    ratio = any(part.result.ratio for claim in claims for part in claim.parts)
    return _panel("", rows, (), ratio).range


def _scaled(result: Comparison, factor: float) -> Comparison:
    """Return a comparison, what is drawn of it in another unit."""
    if factor == 1:
        return result
    difference, low, high = (
        None if value is None else factor * value for value in (result.difference, result.ci_low, result.ci_high)
    )
    deltas = {seed: factor * value for seed, value in result.deltas.items()}
    return replace(result, difference=difference, ci_low=low, ci_high=high, deltas=deltas)


def _panel(label: str, rows: Sequence[ForestRow], headings: tuple[str, ...], ratio: bool, bounds: Range = ANY) -> ForestPanel:
    known = [row for row in rows if row.estimate is not None]
    marks = [mark for row in known for mark in (row.reference, *(row.band or ()), row.estimate, *row.deltas)]
    reach = axis_range(marks, [(row.low, row.high) for row in known], ratio, bounds)
    return ForestPanel(label, tuple(rows), headings, reach, ratio)


def _difference(what: Quantity, ratio: bool) -> str:
    return f"ratio of {what.metric}" if ratio else with_unit(f"difference of {what.metric}", of_differences(what.unit))


def _left_out(contrasts: Sequence[TableContrast]) -> list[str]:
    """Name the contrasts that have no estimate, or no test, by reason."""
    families = Counter(contrast.family for contrast in contrasts)
    by_reason: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for contrast in contrasts:
        if contrast.result.reason:
            what = "Not compared" if contrast.result.difference is None else "Not tested"
            by_reason[what, contrast.result.reason][contrast.family].append(f"{contrast.left} vs {contrast.right}")
    notes = []
    for (what, reason), by_family in by_reason.items():
        alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for family, names in by_family.items():
            alike[("any pair",) if len(names) == families[family] else tuple(names)].append(family)
        whole = list(alike) == [("any pair",)] and len(by_family) == len(families)
        which = "; ".join(f"{', '.join(names)} within {', '.join(family_names)}" for names, family_names in alike.items())
        notes.append(f"{what} ({reason}): {'any pair' if whole else which}.")
    return notes


def _what(results: Sequence[Comparison]) -> str:
    kinds = {result.ratio for result in results if result.difference is not None}
    phrases = ["differences, first minus second"] if kinds != {True} else []
    phrases += ["ratios, first divided by second"] if True in kinds else []
    return ", and ".join(phrases).capitalize()


def _reading(results: Sequence[Comparison], panels: Sequence[ForestPanel]) -> str:
    """Say what the marks are."""
    levels = " or ".join(sorted({f"{100 * result.confidence:.4g} %" for result in results if result.ci_low is not None}))
    text = f", with their {levels} intervals" if levels else ""
    text += "; small dots: a seed each." if any(row.deltas for panel in panels for row in panel.rows) else "."
    if any(is_cut(panel.range, row.low, row.high) for panel in panels for row in panel.rows):
        text += " An arrowhead: the interval goes on."
    return text


def build(name: str, figure: Forest, source: FigureSource) -> tuple[str, ForestData, str]:
    if not figure.table:
        return "Claims", *of_claims(source.claims)
    table = table_of(name, figure.table, source)
    return f"{table.title}: differences", *of_table(table, source.records)


KIND = Kind(Forest, check_table, build, draw)
