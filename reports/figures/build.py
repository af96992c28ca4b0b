"""Turn what a suite wants drawn into figures as data."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.errors import BenchError, did_you_mean
from bench.reports.claims.judge import ClaimResult
from bench.reports.figures import of_comparisons, of_images, of_scatter, of_stages, of_tables, of_trials
from bench.reports.figures.cells import Store
from bench.reports.figures.data import Drawn, Figure
from bench.reports.records.collect import Record
from bench.reports.tables.build import Table

if TYPE_CHECKING:
    from bench.reports.figures.grammar import Figure as FigureSpec


def build(
    name: str,
    spec: "FigureSpec",
    records: Sequence[Record],
    tables: Sequence[Table],
    claims: Sequence[ClaimResult],
    store: Store | None,
) -> Figure:
    """Return a figure of the suite.

    records: of the whole suite, so that an arm has the same colour in every figure. store: a tracker; None leaves curves and
    confusion matrices empty. BenchError where the figure's table is not among the tables, or two cells would be drawn as one.
    """
    data: Drawn
    match spec.kind:
        case "dots":
            table = _table(name, spec.table, tables)
            title, (data, told) = f"{table.title}: every seed", of_tables.dots(table, records)
        case "boxes":
            table = _table(name, spec.table, tables)
            title, (data, told) = f"{table.title}: box plots", of_tables.boxes(table, records)
        case "critical-difference":
            table = _table(name, spec.table, tables)
            title, (data, told) = f"{table.title}: mean ranks", of_tables.rank_diagram(table, records)
        case "forest" if spec.table:
            table = _table(name, spec.table, tables)
            title, (data, told) = f"{table.title}: differences", of_comparisons.of_table(table)
        case "forest":
            title, (data, told) = "Claims", of_comparisons.of_claims(claims)
        case "curves":
            title = f"Learning curves of stage {spec.stage}: {', '.join(spec.metric)}"
            data, told = of_stages.curves(name, spec, records, store)
        case "classes":
            title, (data, told) = f"{spec.metric} by class, stage {spec.stage}", of_stages.classes(name, spec, records)
        case "trials":
            title, (data, told) = f"Trials of stage {spec.stage}: {spec.metric}", of_trials.trials(name, spec, records, store)
        case "scatter":
            dots, told = of_scatter.scatter(name, spec, records)
            title, data = f"{dots.y} against {dots.x}, stage {spec.stage}", dots
        case "confusion":
            title, (data, told) = f"Confusion, stage {spec.stage}", of_stages.confusion(name, spec, records, store)
        case "images":
            title, (data, told) = (
                f"Images before and after denoising, stage {spec.stage}",
                of_images.images(name, spec, records, store),
            )
    title = spec.title or f"{title}{_where(spec)}"
    return Figure(name, title, f"{title}. {told}", spec.kind, data)


def _table(figure: str, name: str, tables: Sequence[Table]) -> Table:
    known = {table.name: table for table in tables}
    if name not in known:
        raise BenchError(f"no table {name!r}", where=f"figure {figure}", mend=did_you_mean(name, known))
    return known[name]


def _where(spec: "FigureSpec") -> str:
    chosen = [f"{axis} = {', '.join(labels)}" for axis, labels in getattr(spec, "where", {}).items()]
    return f" ({'; '.join(chosen)})" if chosen else ""
