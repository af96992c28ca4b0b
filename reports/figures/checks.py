"""Whether a figure fits the cells of its stage, or the suite's tables."""

from collections.abc import Mapping

from bench.errors import did_you_mean
from bench.grammar.cells import TRIAL, Cells
from bench.grammar.checks import check_axes, levels_of
from bench.grammar.document import Document
from bench.reports.figures.grammar import CriticalDifference, Figure, Images, OfStage, Scatter, Trials
from bench.reports.tables.grammar import Table


def check_figure(document: Document, name: str, figure: Figure, stages: Mapping[str, Cells], tables: Mapping[str, Table]) -> None:
    """Check that what a figure draws exists."""
    at = ("figures", name)
    if not isinstance(figure, OfStage):
        if figure.table is not None and figure.table not in tables:
            raise document.error((*at, "table"), f"no table {figure.table!r}", did_you_mean(figure.table, tables))
        if isinstance(figure, CriticalDifference) and (tables[figure.table].by_class or not tables[figure.table].columns):
            raise document.error((*at, "table"), "ranks need tasks as rows and methods as columns", "choose a table of two axes")
        return
    stage = figure.stage
    known = levels_of(document, at, stage, stages)
    axes: dict[str, list[str]] = {part: getattr(figure, part, []) for part in ("lines", "bars", "rows", "panels")}
    check_axes(document, at, axes, figure.where, stage, known)
    shown = stages[stage].where(figure.where)
    placed = {axis for part in axes.values() for axis in part}
    if isinstance(figure, Images) and not any(not cell.ensemble and cell.data.config.denoise for cell in shown):
        raise document.error(at, "no trial here has denoised images", "name a stage, and a part of it, with `data.denoise`")
    if isinstance(figure, Trials):
        if TRIAL not in known:
            raise document.error((*at, "stage"), f"stage {stage!r} is no search", "name a stage with `search:`")
        placed.add(TRIAL)
    if isinstance(figure, Scatter):
        if len({metric.endswith("/*") for metric in (figure.x, figure.y)}) > 1:
            mend = "end both metrics with `/*`, or neither"
            raise document.error((*at, "x"), "a dot is a class or a cell, not both", mend)
        if not figure.x.endswith("/*"):
            return  # each cell is a dot
    loose = [a for a in known if a not in placed and len({cell.labels.get(a) for cell in shown}) > 1]
    if loose:
        mend = f"add {loose[0]!r} to `panels`, or pin it: `where: {{{loose[0]}: {known[loose[0]][0]}}}`"
        raise document.error(at, f"axis {loose[0]!r} varies within what figure {name!r} draws", mend)
