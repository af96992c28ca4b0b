"""Which MLflow runs each number comes from, as lines that stand in the comments of a file and can be read back."""

import json
from collections.abc import Iterator
from typing import Any

from bench.reports.report import ReportData


def lines(report: ReportData) -> Iterator[str]:
    """Yield a line of JSON for each cell with a value and each part of a claim; ASCII, on one line, never with `--`.

    A cell names its runs by seed, a search each trial's, a claim just its runs: {"table", "metric", "row", "column", "runs":
    {seed: id}} or {"claim", "part", "runs": [id]}.
    """
    for table in report.tables:
        for block in table.blocks:
            for (row, column), cell in block.cells.items():
                if cell.run_ids:
                    place = {"table": table.name, "metric": block.metric, "row": row, "column": column}
                    yield _line(place | {"runs": {str(seed): run for seed, run in cell.run_ids.items()}})
    for search in report.searches:
        for attempt in search.attempts:
            if attempt.run_id:
                place = {"table": search.name, "metric": search.metric, "row": attempt.trial, "column": ""}
                yield _line(place | {"runs": {attempt.trial: attempt.run_id}})
    for claim in report.claims:
        for part in claim.parts:
            if part.run_ids:
                yield _line({"claim": claim.name, "part": part.label, "runs": list(part.run_ids)})


def read(text: str) -> list[dict[str, Any]]:
    """Return what such lines in a file say; other lines, and lines that somebody broke, are passed over."""
    records = []
    for line in text.splitlines():
        line = line.lstrip("% ").rstrip()
        if line.startswith("{") and line.endswith("}") and '"runs"' in line:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict) and isinstance(record.get("runs"), dict | list):
                records.append(record)
    return records


def seeds(report: ReportData) -> dict[str, int]:
    """Return the seed of every run that a table shows."""
    cells = (cell for table in report.tables for block in table.blocks for cell in block.cells.values())
    return {run: seed for cell in cells for seed, run in cell.run_ids.items()}


def _line(record: dict[str, Any]) -> str:
    # an HTML comment must not hold two hyphens; they can only stand inside a string here
    return json.dumps(record).replace("--", "-\\u002d")
