"""The numbers of a report for programs: every cell with its values by seed and the runs that they come from."""

import json
from dataclasses import asdict
from typing import Any

from reports.report import Report
from reports.tables import Block, Table


def render(report: Report) -> str:
    """Return the report as JSON. A value is in the unit that the table shows."""
    told = {
        "suite": report.suite,
        "title": report.title,
        "profile": report.profile,
        "complete": report.complete,
        "tables": {table.name: _table(table) for table in report.tables},
        "ledger": [asdict(entry) for entry in report.ledger],
        "summary": asdict(report.summary),
    }
    return json.dumps(told, indent=2, ensure_ascii=False)


def _table(table: Table) -> dict[str, Any]:
    blocks = [_block(block) for block in table.blocks]
    return {"title": table.title, "stage": table.stage, "rows": table.row_axes, "columns": table.column_axes, "blocks": blocks}


def _block(block: Block) -> dict[str, Any]:
    cells = [
        {
            "row": row,
            "column": column,
            **asdict(cell.summary),
            "planned": cell.planned,
            "values": cell.values,
            "run_ids": cell.run_ids,
            "without": cell.without,
            "published": cell.published,
        }
        for (row, column), cell in block.cells.items()
    ]
    contrasts = [
        {"family": one.family, "left": one.left, "right": one.right, **asdict(one.result), "holm": one.holm}
        for one in block.contrasts
    ]
    return {"metric": block.metric, "unit": block.unit, "cells": cells, "contrasts": contrasts}
