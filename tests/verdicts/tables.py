"""The counts of a simulation as the tables of docs/statistics.md: `python -m tests.verdicts.tables COUNTS.json`."""

import json
import math
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .cases import CASES, LOOKS, RELATIONS, SEEDS

Line = dict[str, Any]
"""What was counted of a case: its name, group, looks and noise, and `counts`."""
Row = tuple[str, str, str, str]
"""What the share is of: group, case, the count, and of which count it is a share."""


def rate(line: Line, what: str = "false", of: str = "studies") -> tuple[float, float]:
    """Return a share of the studies of a line, and its Monte-Carlo error."""
    studies = line["counts"].get(of, 0)
    share = line["counts"].get(what, 0) / studies if studies else 0.0
    return share, math.sqrt(share * (1 - share) / studies) if studies else math.inf


def bound(line: Line) -> float:
    """Return the upper 95 % bound of the share of false verdicts."""
    share, error = rate(line)
    return share + 1.96 * error


def share(line: Line, what: str = "false", of: str = "studies") -> str:
    """Return a share as text, with its error."""
    value, error = rate(line, what, of)
    return f"{value:.4f} ± {error:.4f}" if line["counts"].get(of) else ""


def markdown(lines: Sequence[Line]) -> str:
    """Return all tables."""
    relations = [("relations", case.name, "false", "studies") for case in RELATIONS]
    columns = [(f"n = {looks[0]}", looks, "normal") for looks in SEEDS]
    parts = [table(lines, "claim, and what is true", relations, columns)]
    columns = [(f"{noise}, n = {looks[0]}", looks, noise) for noise in ("skewed", "tied") for looks in SEEDS]
    parts.append(table(lines, "claim, and what is true", relations, columns))
    columns = [(f"n = {looks[0]}", looks, "normal") for looks in SEEDS]
    parts.append(table(lines, "claims, and what is counted", list(counted("others")), columns))
    columns = [(f"looks {', '.join(map(str, looks))}", looks, "normal") for looks in LOOKS]
    parts.append(table(lines, "claims, and what is true", list(counted("looks")), columns))
    return "\n\n".join(filter(None, parts))


def counted(group: str) -> Iterable[Row]:
    """Yield what is told of the cases of a group: false verdicts; those that are withheld; those where the condition holds."""
    for case in CASES:
        if case.group == group:
            yield group, case.name, "false", "studies"
            if case.withheld:
                yield group, case.name, case.withheld, "studies"
            if case.condition:
                yield group, case.name, "false, held", "held"


def table(lines: Sequence[Line], head: str, rows: Sequence[Row], columns: Sequence[tuple[str, tuple[int, ...], str]]) -> str:
    """Return a table in Markdown; rows of which nothing was counted are left out."""
    found = {(line["group"], line["case"], tuple(line["looks"]), line["noise"]): line for line in lines if line["counts"]}
    text = [f"| {head} | {' | '.join(name for name, _, _ in columns)} | studies |", "|---" * (len(columns) + 2) + "|"]
    for group, case, what, of in rows:
        cells = [found.get((group, case, looks, noise)) for _, looks, noise in columns]
        if any(cells):
            shares = [share(line, what, of) if line else "" for line in cells]
            text.append(f"| {case}{TOLD.get(what, f': *{what}*')} | {' | '.join(shares)} | {numbers(cells, of)} |")
    return "\n".join(text) if len(text) > 2 else ""


TOLD = {"false": "", "false, held": ": false, of those whose condition holds"}


def numbers(cells: Iterable[Line | None], of: str) -> str:
    """Return of how many studies a row's shares are: one number where that is the same in all."""
    studies = [line["counts"].get(of, 0) if line else 0 for line in cells]
    alike = sorted({number for number in studies if number})
    return f"{alike[0]:,}" if len(alike) == 1 else ", ".join(f"{number:,}" if number else "–" for number in studies)


if __name__ == "__main__":
    print(markdown(json.loads(Path(sys.argv[1]).read_text())))
