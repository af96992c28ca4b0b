"""Reads a JSON report: its records as tables whose rows are found by their keys."""

import json
from collections.abc import Mapping
from typing import Any

from bench.errors import BenchError
from bench.reports.formats.reading import CONTRAST_KEYS, SUMMARY_KEYS, Reading, Value, records


def read(text: str) -> Reading:
    """Return the cells, contrasts and claims of a JSON report. BenchError where the text is none."""
    try:
        report = json.loads(text)
        return _json(report)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BenchError(f"is no JSON report of bench ({type(error).__name__}: {error})") from None


def _json(report: dict[str, Any]) -> Reading:
    tables, runs = [], []
    for name, table in report["tables"].items():
        for block in table["blocks"]:
            shared = {"unit": block["unit"]}
            cells = [_flat(shared | {k: v for k, v in cell.items() if k != "run_ids"}) for cell in block["cells"]]
            tables.append(records(block["metric"], cells, SUMMARY_KEYS, name))
            contrasts = [_flat(contrast) for contrast in block["contrasts"]]
            tables.append(records(f"comparisons of {block['metric']}", contrasts, CONTRAST_KEYS, name))
            runs += [
                {"table": name, "metric": block["metric"], "row": c["row"], "column": c["column"], "runs": c["run_ids"]}
                for c in block["cells"]
            ]
    for name, search in report.get("searches", {}).items():
        rows = [_flat({k: v for k, v in attempt.items() if k != "run_id"}) for attempt in search["attempts"]]
        tables.append(records(f"search {name}", rows, ("trial",)))
        runs += [
            {
                "table": name,
                "metric": search["metric"],
                "row": attempt["trial"],
                "column": "",
                "runs": {attempt["trial"]: attempt["run_id"]},
            }
            for attempt in search["attempts"]
            if attempt["run_id"]
        ]
    for name, claim in report["claims"].items():
        whole = {k: v for k, v in claim.items() if k != "parts"}
        rows = [_flat({"label": "", "contrast": ""} | whole)]
        for part in claim["parts"].values():
            rows.append(_flat({k: v for k, v in part.items() if k != "run_ids"}))
            runs.append({"claim": name, "part": part["label"], "runs": part["run_ids"]})
        tables.append(records(f"claim {name}", rows, ("label", "contrast")))
    if sizes := report.get("pilot"):
        tables.append(records("pilot", [_flat(size) for size in sizes], ("claim", "label", "contrast")))
    return Reading(tables, runs, [f"{report['suite']}, profile {report['profile']}"])


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
