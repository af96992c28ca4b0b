"""Reads a CSV report: its lines as tables whose rows are found by their keys."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from bench.errors import BenchError
from bench.reports.formats.reading import CONTRAST_KEYS, SUMMARY_KEYS, Reading, Value, clean, records

KEYS = {
    "value": (*SUMMARY_KEYS, "seed"),
    "summary": SUMMARY_KEYS,
    "contrast": CONTRAST_KEYS,
    "claim": ("row", "left"),
}
LABELS = ("metric", "unit", "row", "column", "seed", "family", "left", "right", "marks", "test", "verdict", "why")
"""Columns of text, or of names; every other holds numbers."""


def read(text: str) -> Reading:
    """Return the lines of a CSV report, a table for each kind of line of each metric. BenchError where the text is none."""
    try:
        lines = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    except csv.Error as error:
        raise BenchError(f"is no CSV report of bench ({error})") from None
    if not lines or not {"kind", "table", "value"} <= lines[0].keys():
        raise BenchError("is no CSV report of bench (its first line does not name the columns)")
    groups: dict[tuple[str, str, str], list[dict[str, str]]] = {}
    for line in lines:
        groups.setdefault((line["kind"], line["table"] or "", line.get("metric") or ""), []).append(line)
    tables = []
    for (kind, name, metric), group in groups.items():
        if kind in KEYS:
            rows = [{k: _value(k, v) for k, v in line.items() if k and k not in ("kind", "table", "run_id")} for line in group]
            if kind == "claim":
                tables.append(records(f"claim {name}", rows, KEYS[kind]))
            else:
                tables.append(records(f"{metric}, {kind} lines", rows, KEYS[kind], name))
    return Reading(tables, list(_runs(lines)))


def _value(column: str, text: str | None) -> Value:
    if not text:
        return None
    if column in LABELS:
        return clean(text)
    try:
        return float(text)
    except ValueError:
        return text


def _runs(lines: Iterable[Mapping[str, str]]) -> Iterable[dict[str, Any]]:
    for line in lines:
        ids = line.get("run_id")
        if ids and line["kind"] == "value":
            place = {name: line.get(name) for name in ("table", "metric", "row", "column")}
            yield place | {"runs": {line.get("seed"): ids}}
        elif ids and line["kind"] == "claim":
            yield {"claim": line["table"], "part": line.get("row"), "runs": ids.split(";")}
