"""Which MLflow runs each number comes from, as lines that stand in the comments of a file and can be read back."""

import json
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from bench.reports.report import ReportData

MOST = 100_000
"""Runs that one place may have, in what is read."""


def lines(report: ReportData) -> Iterator[str]:
    """Yield a line of JSON with all ids, and one for each place with a value and each part of a claim; ASCII, on one line, never
    with `--`.

    A place names its runs by seed, a search each trial's, a claim just its runs, by where they stand among the ids, from 0:
    {"ids": [id]}, {"table", "metrics", "rows", "column", "runs": {seed: number}} or {"claim", "part", "runs": "0-4,7"}.
    """
    numbers: dict[str, int] = {}
    found = [_numbered(record, numbers) for record in _records(report)]
    if found:
        yield _line({"ids": [*numbers]})
        yield from map(_line, found)


def _numbered(record: dict[str, Any], numbers: dict[str, int]) -> dict[str, Any]:
    """Return a record with numbers in the place of ids; new ids get the next one."""

    def number(run: str) -> int:
        return numbers.setdefault(run, len(numbers))

    runs = record["runs"]
    if isinstance(runs, dict):
        return record | {"runs": {key: number(run) for key, run in runs.items()}}
    return record | {"runs": _ranges([*map(number, runs)])}


def _ranges(numbers: Sequence[int]) -> str:
    """Return numbers in their order, ascending ones by their ends: "0-4,7"."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], number]
        else:
            parts.append([number])
    return ",".join("-".join(map(str, part)) for part in parts)


def _expanded(text: str) -> Iterator[int]:
    """Yield the numbers of such a text; what is none, somebody broke."""
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first.isdecimal() and (last or first).isdecimal() and int(last or first) - int(first) < MOST:
            yield from range(int(first), int(last or first) + 1)


def _records(report: ReportData) -> Iterator[dict[str, Any]]:
    for table in report.tables:
        places: dict[tuple[str, str, tuple[tuple[str, str], ...]], list[str]] = {}
        for block in table.blocks:
            for (row, column), cell in block.cells.items():
                if cell.run_ids:
                    by_seed = tuple((str(seed), run) for seed, run in cell.run_ids.items())
                    places.setdefault((row, column, by_seed), []).append(block.metric)
        rows: dict[tuple[tuple[str, ...], str, tuple[tuple[str, str], ...]], list[str]] = {}
        for (row, column, by_seed), metrics in places.items():
            rows.setdefault((tuple(metrics), column, by_seed), []).append(row)
        for (shared, column, by_seed), named in rows.items():
            yield {"table": table.name, "metrics": list(shared), "rows": named, "column": column, "runs": dict(by_seed)}
    for search in report.searches:
        for attempt in search.attempts:
            if attempt.run_id:
                place = {"table": search.name, "metrics": [search.metric], "rows": [attempt.trial], "column": ""}
                yield place | {"runs": {attempt.trial: attempt.run_id}}
    for claim in report.claims:
        for part in claim.parts:
            if part.run_ids:
                yield {"claim": claim.name, "part": part.label, "runs": list(part.run_ids)}


def read(text: str) -> list[dict[str, Any]]:
    """Return what such lines in a file say: of each metric of a place the runs by their ids. Other lines, and lines that somebody
    broke, are passed over."""
    records: list[dict[str, Any]] = []
    ids: list[str] = []
    for line in text.splitlines():
        line = line.lstrip("% ").rstrip()
        if line.startswith("{") and line.endswith("}") and ('"runs"' in line or '"ids"' in line):
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record.get("ids"), list):
                ids = [str(run) for run in record["ids"]]
            elif isinstance(record.get("runs"), dict | list | str):
                records += _named(record, ids)
    return records


def _named(record: dict[str, Any], ids: list[str]) -> Iterator[dict[str, Any]]:
    """Yield a record a metric and row, with ids in the place of numbers; a number without an id is left out."""

    def known(run: Any) -> bool:
        return not isinstance(run, int) or 0 <= run < len(ids)

    def named(run: Any) -> str:
        return ids[run] if isinstance(run, int) else str(run)

    runs = [*_expanded(record["runs"])] if isinstance(record["runs"], str) else record["runs"]
    if isinstance(runs, dict):
        told: Any = {key: named(run) for key, run in runs.items() if known(run)}
    else:
        told = [named(run) for run in runs if known(run)]
    metrics, rows = (_list(record, name) for name in ("metric", "row"))
    for metric, row in product(metrics, rows):
        yield record | metric | row | {"runs": told}


def _list(record: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Take the values of a field out of a record: of `NAME` or of `NAMEs`; of neither one record without it."""
    several = record.pop(f"{name}s", None)
    return [{name: value} for value in several] if isinstance(several, list) else [{}]


def seeds(report: ReportData) -> dict[str, int]:
    """Return the seed of every run that a table shows."""
    cells = (cell for table in report.tables for block in table.blocks for cell in block.cells.values())
    return {run: seed for cell in cells for seed, run in cell.run_ids.items()}


def _line(record: dict[str, Any]) -> str:
    # an HTML comment must not hold two hyphens; they can only stand inside a string here
    return json.dumps(record, separators=(",", ":")).replace("--", "-\\u002d")
