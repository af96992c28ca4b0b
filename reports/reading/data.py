"""The formats for programs: their records as tables whose rows are found by their keys."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

from bench.errors import BenchError
from bench.reports.reading.found import Found, Reading, Value, clean

KEYS = {
    "value": ("row", "column", "seed"),
    "summary": ("row", "column"),
    "contrast": ("family", "left", "right"),
    "claim": ("row", "left"),
}
LABELS = ("metric", "unit", "row", "column", "seed", "family", "left", "right", "test", "verdict", "why")
"""Columns of text, or of names; every other holds numbers."""


def read_json(text: str) -> Reading:
    """Return the cells, contrasts and claims of a JSON report. BenchError where the text is none."""
    try:
        told = json.loads(text)
        return _json(told)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BenchError(f"is no JSON report of bench ({type(error).__name__}: {error})") from None


def _json(told: dict[str, Any]) -> Reading:
    tables, runs = [], []
    for name, one in told["tables"].items():
        for block in one["blocks"]:
            shared = {"unit": block["unit"]}
            cells = [_flat(shared | {k: v for k, v in cell.items() if k != "run_ids"}) for cell in block["cells"]]
            tables.append(_found(block["metric"], cells, KEYS["summary"], name))
            contrasts = [_flat(contrast) for contrast in block["contrasts"]]
            tables.append(_found(f"comparisons of {block['metric']}", contrasts, KEYS["contrast"], name))
            runs += [
                {"table": name, "metric": block["metric"], "row": c["row"], "column": c["column"], "runs": c["run_ids"]}
                for c in block["cells"]
            ]
    for name, search in told.get("searches", {}).items():
        rows = [_flat({k: v for k, v in one.items() if k != "run_id"}) for one in search["attempts"]]
        tables.append(_found(f"search {name}", rows, ("trial",)))
        runs += [
            {"table": name, "metric": search["metric"], "row": one["trial"], "column": "", "runs": {one["trial"]: one["run_id"]}}
            for one in search["attempts"]
            if one["run_id"]
        ]
    for name, claim in told["claims"].items():
        whole = {k: v for k, v in claim.items() if k != "parts"}
        rows = [_flat({"label": "", "contrast": ""} | whole)]
        for part in claim["parts"].values():
            rows.append(_flat({k: v for k, v in part.items() if k != "run_ids"}))
            runs.append({"claim": name, "part": part["label"], "runs": part["run_ids"]})
        tables.append(_found(f"claim {name}", rows, ("label", "contrast")))
    return Reading(tables, runs, [f"{told['suite']}, profile {told['profile']}"])


def _flat(record: Mapping[str, Any], before: str = "") -> dict[str, Value]:
    """Return a record without nesting: {"values": {"0": 1}} is {"values 0": 1}."""
    flat: dict[str, Value] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{before}{name} ")
        elif isinstance(value, bool) or not isinstance(value, str | int | float | None):
            flat[before + name] = json.dumps(value)
        else:
            flat[before + name] = float(value) if isinstance(value, int | float) else value
    return flat


def read_csv(text: str) -> Reading:
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
                tables.append(_found(f"claim {name}", rows, KEYS[kind]))
            else:
                tables.append(_found(f"{metric}, {kind} lines", rows, KEYS[kind], name))
    return Reading(tables, list(_csv_runs(lines)))


def _value(column: str, text: str | None) -> Value:
    if not text:
        return None
    if column in LABELS:
        return clean(text)
    try:
        return float(text)
    except ValueError:
        return text


def _csv_runs(lines: Iterable[Mapping[str, str]]) -> Iterable[dict[str, Any]]:
    for line in lines:
        ids = line.get("run_id")
        if ids and line["kind"] == "value":
            place = {name: line.get(name) for name in ("table", "metric", "row", "column")}
            yield place | {"runs": {line.get("seed"): ids}}
        elif ids and line["kind"] == "claim":
            yield {"claim": line["table"], "part": line.get("row"), "runs": ids.split(";")}


def _found(caption: str, rows: list[dict[str, Value]], keys: tuple[str, ...], name: str = "") -> Found:
    return Found(clean(caption), list(dict.fromkeys(column for row in rows for column in row)), rows, keys, clean(name))
