"""One tidy CSV file; the column `kind` says what a line holds. `pandas.read_csv(path, dtype={"row": str, "column": str})`
reads it with the labels as they are.

- value: one trial's value of a metric, with its row, column, seed and run_id
- summary: a cell; value is the mean over its n of m planned seeds, beside sd and the published number; marks are `best` of its
  row or column, `near` (not significantly worse than the best), `dagger` (significantly different from the table's baseline)
- contrast: left against right within a family of m; value is the difference (of times the ratio), ci_low and ci_high its interval
  at `confidence`, against_baseline the Holm p among the comparisons with the baseline alone, r the correlation of both arms over
  their seeds, relative_efficiency the variance that the difference would have with independent seeds by its own, superiority
  P(left > right)
- claim: a claim's part (`row`: the level, where it has several); value is the difference, ratio or correlation, margin what was
  declared, p that of the verdict's hypothesis, run_id every run behind it, with `;` between them; one that is not asked has
  verdict and why alone

`table` is the table's name in the suite, or the claim's. Numbers are in the unit that the table shows and are not rounded. The
trials of searches, and what a pilot says of sizes, stand in the JSON report.
"""

import csv
import io
import math
from collections.abc import Iterator, Mapping
from typing import Any

from bench.reports.claims.results import ClaimResult
from bench.reports.claims.rules import NOT_ASKED
from bench.reports.report import ReportData
from bench.reports.statistics import Comparison
from bench.reports.tables.blocks import MetricBlock

COLUMNS = (
    *("kind", "table", "metric", "unit", "row", "column", "family", "left", "right", "seed", "value", "sd", "n", "m"),
    *("published", "marks", "test", "confidence", "ci_low", "ci_high", "t", "df", "p", "holm", "against_baseline", "detectable"),
    *("r", "relative_efficiency", "superiority", "margin", "verdict", "why", "run_id"),
)


def render(report: ReportData, figures: Mapping[str, str] = {}) -> str:
    """Return the report's values, summaries, contrasts and claims as CSV; figures have no place in it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for line in lines(report):
        writer.writerow({name: _text(value) for name, value in line.items()})
    return text.getvalue()


def lines(report: ReportData) -> Iterator[dict[str, Any]]:
    """Yield the lines, only the columns that each kind has."""
    for table in report.tables:
        for block in table.blocks:
            shared = {"table": table.name, "metric": block.metric, "unit": block.unit}
            yield from (shared | line for line in [*_cells(block), *_contrasts(block)])
    for claim in report.claims:
        yield from _claims(claim)
    for dropped in report.not_asked:
        yield {"kind": "claim", "table": dropped.name, "verdict": NOT_ASKED, "why": dropped.why}


def _cells(block: MetricBlock) -> Iterator[dict[str, Any]]:
    for (row, column), cell in block.cells.items():
        place = {"row": row, "column": column}
        for seed, value in cell.values.items():
            yield {"kind": "value", **place, "seed": seed, "value": value, "run_id": cell.run_ids.get(seed)}
        summary = cell.summary
        numbers = {"value": summary.mean, "sd": summary.sd, "n": summary.n, "m": cell.planned, "published": cell.published}
        marks = {"best": block.best, "near": block.near, "dagger": block.daggers}
        shown = " ".join(mark for mark, places in marks.items() if (row, column) in places)
        yield {"kind": "summary", **place, **numbers, "marks": shown}


def _contrasts(block: MetricBlock) -> Iterator[dict[str, Any]]:
    for contrast in block.contrasts:
        yield {
            "kind": "contrast",
            "family": contrast.family,
            "left": contrast.left,
            "right": contrast.right,
            "m": contrast.m,
            **_comparison(contrast.result),
            "p": contrast.result.p,
            "holm": contrast.holm,
            "against_baseline": contrast.against_baseline,
            "detectable": contrast.detectable,
            "r": contrast.pairing and contrast.pairing.r,
            "relative_efficiency": contrast.pairing and contrast.pairing.efficiency,
            "superiority": contrast.superiority,
            "why": contrast.result.reason,
        }


def _claims(claim: ClaimResult) -> Iterator[dict[str, Any]]:
    for part in claim.parts:
        yield {
            "kind": "claim",
            "table": claim.name,
            "metric": claim.metric,
            "row": part.label,
            "family": claim.family,
            "left": part.contrast,
            **_comparison(part.result),
            "m": claim.m,
            "p": part.p,
            "holm": part.holm,
            "detectable": part.detectable,
            "margin": claim.margin,
            "verdict": part.verdict,
            "why": part.why,
            "run_id": ";".join(part.run_ids),
        }


def _comparison(result: Comparison) -> dict[str, Any]:
    return {
        "value": result.difference,
        "sd": result.sd,
        "n": result.n,
        "test": result.test,
        "confidence": None if result.ci_low is None else result.confidence,
        "ci_low": result.ci_low,
        "ci_high": result.ci_high,
        "t": result.t,
        "df": result.df,
    }


def _text(value: Any) -> Any:
    """Return what stands in a field: nothing for None and for infinity, as in JSON."""
    return "" if value is None or (isinstance(value, float) and not math.isfinite(value)) else value
