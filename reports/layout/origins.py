"""What stands below a table on trials that were made from those of other stages."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from bench.reports.numbers import shortened
from bench.reports.tables.blocks import MetricBlock
from bench.reports.tables.build import BETWEEN, TableData


def origins(table: TableData, blocks: Sequence[MetricBlock]) -> list[str]:
    """Return a remark for each origin: what comes from there, and from where.

    Where all cells of a column have the same origin, it is told of the column, else of the row, else of the cell.
    """
    by_place: dict[tuple[str, str], tuple[str, ...]] = {}
    for block in blocks:
        for place, cell in ((place, cell) for place, cell in block.cells.items() if cell.values):
            by_place[place] = tuple(dict.fromkeys((*by_place.get(place, ()), *cell.origins)))
    if not any(by_place.values()):
        return []
    if len(set(by_place.values())) == 1:
        return [f"Every trial {_joined(next(iter(by_place.values())))}."]
    for named in (lambda row, column: column, lambda row, column: row):
        if (remarks := _by(by_place, named)) is not None:
            return remarks
    return _by(by_place, lambda row, column: BETWEEN.join((row, column))) or []


def _by(by_place: dict[tuple[str, str], tuple[str, ...]], named: Callable[[str, str], str]) -> list[str] | None:
    """Return the remarks by what places are called; None where places of one name differ."""
    by_name: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for place, texts in by_place.items():
        by_name[named(*place)].add(texts)
    if any(len(texts) > 1 for texts in by_name.values()):
        return None
    names: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, (texts,) in by_name.items():
        names[texts].append(name)
    return [f"{', '.join(group)}: {_joined(texts)}." for texts, group in names.items() if texts]


def _joined(texts: tuple[str, ...]) -> str:
    return shortened(" and ".join(texts))
