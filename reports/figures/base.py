"""What every kind of figure has: its shape in a suite, how it is built from records, and how it is drawn."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from bench.config import Config
from bench.errors import BenchError, did_you_mean
from bench.grammar.cells import Cells
from bench.grammar.checks import check_axes, levels_of
from bench.grammar.document import DocPath, Document
from bench.grammar.parts import Labels, Words, listed
from bench.reports.claims.results import ClaimResult
from bench.reports.figures.cells import Store
from bench.reports.records.collect import Record
from bench.reports.tables.build import TableData
from bench.reports.tables.grammar import Table as TableSpec
from bench.trackers import StoredRun

AXES = ("lines", "bars", "rows", "axis", "panels")
"""Settings of a figure that name axes."""


class FigureSpec(Config):
    """A figure as a suite says it. A kind adds `kind: Literal[NAME]`, and what else it needs."""

    title: str | None = None


class OfStage(FigureSpec):
    """Draws cells of a stage."""

    stage: str
    where: dict[str, Labels] = {}
    """Only cells with these labels."""
    panels: Words = []
    """Axes whose levels stand side by side."""


Importances = Callable[[str, Sequence[StoredRun]], Mapping[str, float]]
"""(stage, the runs of one of its searches) → parameter → its importance, together 1; {} where there is none."""


@dataclass(frozen=True)
class FigureSource:
    """What figures are built from. records: of the whole suite, so that an arm has the same colour in every figure. store: a
    tracker; None leaves curves, matrices and images empty. importances: of the parameters of a search."""

    records: Sequence[Record]
    tables: Sequence[TableData] = ()
    claims: Sequence[ClaimResult] = ()
    store: Store | None = None
    importances: Importances = lambda stage, runs: {}


Check = Callable[[Document, DocPath, Any, Mapping[str, Cells], Mapping[str, TableSpec]], None]
Named = tuple[DocPath, str, bool]
"""Where a figure names a metric, the metric, and whether it must be recorded every epoch."""


@dataclass(frozen=True)
class Kind:
    """A kind of figure.

    spec: its shape. check(document, path, spec, cells by stage, tables): raises BenchError where what it draws does not exist.
    build(name, spec, source): returns a title, the data and the caption. draw(data): returns the drawing, of Matplotlib, which is
    imported within. metrics(spec): yields the metrics that it names.
    """

    spec: type[FigureSpec]
    check: Check
    build: Callable[[str, Any, FigureSource], tuple[str, Any, str]]
    draw: Callable[[Any], Any]
    metrics: Callable[[Any], Iterable[Named]] = field(default=lambda spec: ())

    @property
    def name(self) -> str:
        name: str = get_args(self.spec.model_fields["kind"].annotation)[0]
        return name


@dataclass(frozen=True)
class Figure:
    """A figure of a report. caption: what it shows and how to read it, beginning with its title. table, stage: what it draws, ""
    of all claims."""

    name: str
    title: str
    caption: str
    kind: str
    data: Any = field(repr=False)
    table: str = ""
    stage: str = ""


def table_of(name: str, table: str, source: FigureSource) -> TableData:
    """Return the table that a figure draws. Raises BenchError where it is not among the report's."""
    known = {table_data.name: table_data for table_data in source.tables}
    if table not in known:
        raise BenchError(f"no table {table!r}", where=f"figure {name}", mend=did_you_mean(table, known))
    return known[table]


def check_table(
    document: Document, at: DocPath, figure: Any, stages: Mapping[str, Cells], tables: Mapping[str, TableSpec]
) -> None:
    """Check that the table exists that a figure draws, if it names one."""
    if figure.table is not None and figure.table not in tables:
        raise document.error((*at, "table"), f"no table {figure.table!r}", did_you_mean(figure.table, tables))


def check_cells(
    document: Document, at: DocPath, figure: OfStage, stages: Mapping[str, Cells], tables: Mapping[str, TableSpec]
) -> None:
    """Check that the axes and labels exist that a figure of a stage names, and that each of its places is one cell."""
    check_labels(document, at, figure, stages)
    check_places(document, at, figure, stages)


def check_labels(document: Document, at: DocPath, figure: OfStage, stages: Mapping[str, Cells]) -> None:
    """Check that the axes and labels exist that a figure of a stage names."""
    known = levels_of(document, at, figure.stage, stages)
    check_axes(document, at, _axes(figure), figure.where, figure.stage, known)


def check_places(
    document: Document, at: DocPath, figure: OfStage, stages: Mapping[str, Cells], placed: Iterable[str] = ()
) -> None:
    """Check that each place of a figure is one cell. placed: axes that the figure lays out by itself."""
    known = stages[figure.stage].levels
    shown = stages[figure.stage].where(figure.where)
    free = known.keys() - {*placed, *(axis for axes in _axes(figure).values() for axis in axes)}
    loose = [axis for axis in known if axis in free and len({cell.labels.get(axis) for cell in shown}) > 1]
    if loose:
        mend = f"add {loose[0]!r} to `panels`, or pin it: `where: {{{loose[0]}: {known[loose[0]][0]}}}`"
        raise document.error(at, f"axis {loose[0]!r} varies within what figure {at[-1]!r} draws", mend)


def _axes(figure: OfStage) -> dict[str, list[str]]:
    return {part: listed(getattr(figure, part, [])) for part in AXES}
