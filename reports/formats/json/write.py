"""The numbers of a report for programs: every cell with its values by seed and the runs that they come from."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from bench.reports.claims.results import ClaimResult
from bench.reports.claims.rules import NOT_ASKED
from bench.reports.declared import Declared
from bench.reports.layout.head import totals
from bench.reports.report import ReportData
from bench.reports.statistics import Comparison
from bench.reports.tables.blocks import MetricBlock
from bench.reports.tables.build import TableData


def render(report: ReportData, figures: Mapping[str, str] = {}) -> str:
    """Return the report as JSON. A value is in the unit that the table shows. figures: name of a figure → path of its image."""
    content = {
        "suite": report.suite,
        "title": report.title,
        "profile": report.profile,
        **_about(report),
        "complete": report.complete,
        "exploratory": report.exploratory,
        **({"declared": _declared(report.declared)} if report.declared else {}),
        "verdicts": _verdicts(report),
        "claims": {claim.name: _claim(report, claim) for claim in report.claims} | _not_asked(report),
        **({"pilot": [asdict(size) for size in report.pilot]} if report.pilot else {}),
        "tables": {table.name: _table(table) for table in report.tables},
        "searches": {search.name: asdict(search) for search in report.searches},
        "figures": {
            figure.name: {
                "title": figure.title,
                "kind": figure.kind,
                "caption": figure.caption,
                "file": figures.get(figure.name) or None,
            }
            for figure in report.figures
        },
        "ledger": [asdict(entry) for entry in report.ledger],
        "summary": asdict(report.summary),
    }
    return json.dumps(_finite(content), indent=2, ensure_ascii=False, allow_nan=False)


def _about(report: ReportData) -> dict[str, Any]:
    if (about := report.about) is None:
        return {}
    return {"about": f"{about.name}: {about.sentence}", "differences": about.differences}


def _finite(content: Any) -> Any:
    """Return the same with None for infinity, which JSON cannot say: the end of an interval can be too large for a float."""
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _verdicts(report: ReportData) -> dict[str, Any]:
    """Return what is said of all claims together."""
    sums = asdict(totals(report))
    return {"counts": sums.pop("verdicts"), **sums}


def _claim(report: ReportData, claim: ClaimResult) -> dict[str, Any]:
    parts = {part.label: asdict(part) | {"result": _comparison(part.result)} for part in claim.parts}
    return asdict(claim) | {"parts": parts, "exploratory": report.is_exploratory(claim.name)}


def _not_asked(report: ReportData) -> dict[str, Any]:
    return {
        claim.name: {"name": claim.name, "says": claim.says, "verdict": NOT_ASKED, "holds": None, "why": claim.why, "parts": {}}
        for claim in report.not_asked
    }


def _comparison(c: Comparison) -> dict[str, Any]:
    """Return a comparison without what only its test needs."""
    return {key: value for key, value in asdict(c).items() if key not in ("errors", "resolution", "test_to_train")}


def _declared(declared: Declared) -> dict[str, Any]:
    return asdict(declared) | {"exploratory": sorted(declared.exploratory)}


def _table(table: TableData) -> dict[str, Any]:
    return {
        "title": table.title,
        "stage": table.stage,
        "rows": table.row_axes,
        "columns": table.column_axes,
        "test": table.test,
        "alpha": table.alpha,
        "baseline": table.baseline,
        "blocks": [_block(block) for block in table.blocks],
    }


def _block(block: MetricBlock) -> dict[str, Any]:
    cells = [
        {
            "row": row,
            "column": column,
            **asdict(cell.summary),
            "best": (row, column) in block.best,
            "near_best": (row, column) in block.near,
            "differs_from_baseline": (row, column) in block.daggers,
            "planned": cell.planned,
            "values": cell.values,
            "run_ids": cell.run_ids,
            "without": cell.without,
            "published": cell.published,
            "origins": cell.origins,
        }
        for (row, column), cell in block.cells.items()
    ]
    contrasts = [
        {
            "family": contrast.family,
            "left": contrast.left,
            "right": contrast.right,
            **_comparison(contrast.result),
            "m": contrast.m,
            "holm": contrast.holm,
            "against_baseline": contrast.against_baseline,
            "detectable": contrast.detectable,
            "r": contrast.pairing and contrast.pairing.r,
            "relative_efficiency": contrast.pairing and contrast.pairing.efficiency,
            "superiority": contrast.superiority,
        }
        for contrast in block.contrasts
    ]
    return {"metric": block.metric, "unit": block.unit, "better": block.better, "cells": cells, "contrasts": contrasts}
