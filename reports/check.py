"""Compares the numbers that stand in a file with those that the stored runs give now."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from bench.errors import BenchError
from bench.reports.formats import FORMATS
from bench.reports.formats.reading import Reading, ReadTable, Value
from bench.reports.layout import outline
from bench.reports.report import ReportData

COUNTS = re.compile(r"\b(n|m|alpha)\s?=\s?([\d.]+(?: to [\d.]+)?)(?<!\.)")
CLOSE = 1e-9
"""Relative difference up to which unrounded numbers are the same: other versions of a library round the last digits otherwise."""


@dataclass(frozen=True)
class Disagreement:
    """One place where a file says something else. said, now: what it says and what the runs give; None where one lacks it.

    why: the sentence, where those two do not say it.
    """

    table: str
    row: str
    column: str
    said: str | None
    now: str | None
    why: str = ""

    def __str__(self) -> str:
        said, now = (None if text is None else " ".join(text.split()) for text in (self.said, self.now))
        place = ", ".join(
            [self.table, *([f"row {self.row}"] if self.row else []), *([f"column {self.column}"] if self.column else [])]
        )
        if self.why:
            return f"{place}: {self.why}"
        if said is None:
            return f"{place}: is not in the file" + (f"; the stored runs give {now}" if now else "")
        if now is None:
            return f"{place}: stands in the file" + (f" ({said})" if said else "") + "; the stored runs give none"
        return f"{place}: the file says {said or 'nothing'}, the stored runs give {now or 'nothing'}"


def check(report: ReportData, text: str, format: str) -> list[Disagreement]:
    """Return every place where the tables in a text differ from the report as the stored runs give it now.

    format: one of `bench.reports.formats.FORMATS`. The text may be a whole report, of which no table may lack, or any document
    with some of its tables in it, under their captions. Prose, notes, dates and provenance do not count. Raises BenchError where
    no table of the suite stands in it, or where it is the report of another suite or profile.
    """
    module = FORMATS[format].load()
    said, now = module.read(text), module.read(module.render(report))
    source = " ".join(f"{report.suite}, profile {report.profile}".split())
    shown = module.shown or str
    if said.sources and shown(source) not in said.sources:
        raise BenchError(
            f"holds no report of suite {source}, but of suite {'; '.join(said.sources)}",
            mend="name the suite and the --profile that the file was made from",
        )
    place = partial(_by_caption, shown=module.shown) if module.shown else _by_name
    expected, actual = place(now, report), place(said, report)
    there = dict(expected)
    if not any(title in there for title, _ in actual):
        raise BenchError(
            f"holds no table of suite {source}", mend=f"a table is known by how its caption begins: {'; '.join(there)}"
        )
    differences = []
    for title, table in actual:
        if title in there:
            differences += _compare(title, table, there[title])
        elif table.rows:
            differences.append(Disagreement(title, "", "", "", None))
    if said.whole:
        titles = {title for title, _ in actual}
        differences += [
            Disagreement(title, "", "", None, None) for title, table in expected if title not in titles and table.rows
        ]
    return list(dict.fromkeys([*differences, *_gone(report, said.runs, now.runs)]))


def _by_caption(reading: Reading, report: ReportData, shown: Callable[[str], str]) -> list[tuple[str, ReadTable]]:
    """Return the tables that are parts of the report, with the title of each: the longest that its caption begins with."""
    placed_parts = [part for section in outline.sections(report) for part in section.parts]
    if (first := outline.at_a_glance(report)) is not None:
        placed_parts.append(first)
    parts = {shown(part.grid.title): part for part in placed_parts}
    placed = []
    for table in reading.tables:
        titles = [title for title, part in parts.items() if table.caption.startswith(title)]
        if titles:
            title = max(titles, key=len)
            keys = [shown(key) for key in parts[title].keys]
            if set(table.header) & set(keys):
                placed.append((title, replace(table, keys=tuple(keys))))
    return placed


def _by_name(reading: Reading, report: ReportData) -> list[tuple[str, ReadTable]]:
    """Return all tables of a format for programs, with their titles; there a table is known by its name in the suite."""
    titles = Counter(t.title for t in report.tables)
    named = {t.name: t.title if titles[t.title] == 1 else f"{t.title} ({t.name})" for t in report.tables}
    return [
        (f"{named.get(table.name, table.name)}: {table.caption}" if table.name else table.caption, table)
        for table in reading.tables
    ]


def _compare(title: str, said: ReadTable, now: ReadTable) -> list[Disagreement]:
    """Compare two tables with the same keys: what the caption counts, then columns, then rows, then cells."""
    differences = _captions(title, said.caption, now.caption)
    for column in now.header:
        if column not in said.header:
            differences.append(Disagreement(title, "", column, None, ""))
    for column in said.header:
        if column not in now.header:
            differences.append(Disagreement(title, "", column, "", None))
    before, after = _by_key(said), _by_key(now)
    for key, row in after.items():
        name = _name(key)
        if key not in before:
            differences.append(Disagreement(title, name, "", None, _row(row, now)))
            continue
        for column, value in row.items():
            if column in said.header and not _same(before[key].get(column), value):
                differences.append(Disagreement(title, name, column, _text(before[key].get(column)), _text(value)))
    for key, row in before.items():
        if key not in after:
            differences.append(Disagreement(title, _name(key), "", _row(row, said), None))
    return differences


def _captions(title: str, said: str, now: str) -> list[Disagreement]:
    """Compare n, m and alpha; one that the file's caption leaves out is no disagreement."""
    before, after = (dict(reversed(COUNTS.findall(caption.removeprefix(title)))) for caption in (said, now))
    return [
        Disagreement(title, "", f"{name} in the caption", before[name], after.get(name))
        for name in before
        if before[name] != after.get(name)
    ]


def _by_key(table: ReadTable) -> dict[tuple[str, ...], dict[str, Value]]:
    """Return the rows by what names them. A bold first cell heads the rows below it, and is part of their names; rows with equal
    names are numbered."""
    rows: dict[tuple[str, ...], dict[str, Value]] = {}
    seen: Counter[tuple[str, ...]] = Counter()
    head = ""
    for row in table.rows:
        key = tuple(_text(row.get(name)).partition("\n")[0] for name in table.keys)
        if key[:1] and key[0].startswith("**") and len(key) > 1:
            head = key[0].strip("*")
            key = (head, *key[1:])
        elif head:
            key = (head, *key)
        seen[key] += 1
        rows[(*key, f"({seen[key]})") if seen[key] > 1 else key] = row
    return rows


def _same(said: Value, now: Value) -> bool:
    if isinstance(said, float) and isinstance(now, float):
        return math.isclose(said, now, rel_tol=CLOSE, abs_tol=1e-15) or (math.isnan(said) and math.isnan(now))
    return (said if said is not None else "") == (now if now is not None else "")


def _name(key: Iterable[str]) -> str:
    return ", ".join(part for part in key if part) or "(no name)"


def _row(row: Mapping[str, Value], table: ReadTable) -> str:
    """Return a row in short: what stands beside its keys."""
    cells = [_text(value) for name, value in row.items() if name not in table.keys and value not in (None, "")]
    return "; ".join(cells[:3]) + ("; …" if len(cells) > 3 else "")


def _text(value: Value) -> str:
    return "" if value is None else repr(value) if isinstance(value, float) else value


def _gone(report: ReportData, said: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[Disagreement]:
    """Return the places whose runs a file names, and of which a run is no longer there, nor another of the same trial."""
    titles = {table.name: table.title for table in report.tables}
    there = _places(now)
    differences = []
    for place, before in _places(said).items():
        after = there.get(place, {})
        lost = {seed: run_id for seed, run_id in before.items() if seed not in after}
        if "" in before:  # a claim's runs, without their seeds: any new one may have taken the place of one that is gone
            gone, new = set(before[""]) - set(after.get("", ())), set(after.get("", ())) - set(before[""])
            lost = {} if len(gone) <= len(new) else {"": sorted(gone)}
        if not lost:
            continue
        table, metric, row, column = place
        title = f"{titles.get(table, table)}: {metric}" if metric else f"claim {table}"
        ids = [*lost[""]] if "" in lost else [f"{run_id} (seed {seed})" for seed, run_id in lost.items()]
        why = f"its run{'s' if len(ids) > 1 else ''} {', '.join(ids)} {'are' if len(ids) > 1 else 'is'} no longer stored"
        differences.append(Disagreement(title, row, column, ", ".join(ids), None, why))
    return differences


def _places(records: list[dict[str, Any]]) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    """Return (table, metric, row, column) → seed → run; for a claim (claim, "", part, "") → "" → its runs."""
    places: dict[tuple[str, str, str, str], dict[str, Any]] = {}
    for record in records:
        if isinstance(record["runs"], dict):
            table, metric, row, column = (
                " ".join(str(record.get(name) or "").split()) for name in ("table", "metric", "row", "column")
            )
            place = table, metric, row, column
            places.setdefault(place, {}).update(record["runs"])
        else:
            place = (str(record.get("claim") or ""), "", " ".join(str(record.get("part") or "").split()), "")
            places.setdefault(place, {})[""] = tuple(map(str, record["runs"]))
    return places
