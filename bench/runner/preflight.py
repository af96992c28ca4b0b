"""Before anything trains: are the data, models and weights there, and do they go together?"""

import logging

from bench.errors import BenchError
from bench.runner.executors.base import Executor
from bench.runner.messages import CountShared, Inspect, Prepare
from bench.runner.plan import Plan
from bench.suite import Cell
from bench.suite.links import trained_by

logger = logging.getLogger("bench")
Kind = tuple[str, str, str]


def preflight(plan: Plan, executor: Executor, *, contracts: bool = False) -> None:
    """Check every distinct data set and model on a worker, those that a search may draw included. What `plan.facts` tells already
    is not checked again.

    contracts: check too whether parts of the user's own do what is asked of such parts.
    Raises BenchError, with file and line, for an unknown model, missing or unreadable data, and whatever else would fail
    every trial of a cell.
    """
    cells = list({kind(cell): cell for cell in _distinct(plan) if kind(cell) not in plan.facts}.values())
    data = {cell.data.config.origin: cell for cell in cells}
    for cell in data.values():  # one by one: two workers would wait for each other's lock
        try:
            executor.map([Prepare(cell.data.config, folder=cell.data.folder)], progress=logger.info)
        except BenchError as error:
            raise _placed(error, cell, "data") from None
    if not plan.facts:
        _check_held_out(plan, executor)
    found = executor.map(Inspect(cell.config, contracts) for cell in cells)
    facts = plan.facts | dict(zip(map(kind, cells), found, strict=True))
    problems: dict[str, BenchError] = {}
    for cell in cells:
        for section, problem in facts[kind(cell)].errors:
            placed = _placed(problem, cell, section)
            problems.setdefault(str(placed), placed)
    if len(problems) == 1:
        raise next(iter(problems.values()))
    if problems:
        codes = {placed.code for placed in problems.values()}
        raise BenchError("\n".join(problems), code=codes.pop() if len(codes) == 1 else None)
    plan.facts = facts


def _check_held_out(plan: Plan, executor: Executor) -> None:
    """Refuse weights that were trained on images which a trial that starts from them holds out: its results would be too good."""
    suite, pairs = plan.suite, {}
    for cell in (cell for stage in suite.cells for cell in suite.all_cells[stage]):
        source = trained_by(suite.document, cell, suite.all_cells)
        if source and source.data.config.origin == cell.data.config.origin and source.data.key != cell.data.key:
            pairs[source.data.key, cell.data.key] = source, cell
    shared = executor.map(CountShared(source.data.config, cell.data.config, cell.data.folder) for source, cell in pairs.values())
    for (source, cell), images in zip(pairs.values(), shared, strict=True):
        if images:
            raise BenchError(
                f"stage {source.stage!r} trains these weights on {images} of the images that {cell.stage}: {cell.name} holds out",
                where=cell.model.place(("weights",)),
                mend="give both the same `data.split`, `classes`, `sizes` and `subset`, or train the weights on another source",
            )


def _distinct(plan: Plan) -> list[Cell]:
    """Return one cell for each distinct configuration."""
    cells = [job.trial.cell for job in plan.jobs.values() if not job.trial.cell.ensemble]
    cells += [cell for stage in plan.suite.cells for cell in plan.suite.all_cells[stage].samples]
    return list({digests(cell): cell for cell in cells}.values())


def digests(cell: Cell) -> Kind:
    """What tells a configuration from every other."""
    return (cell.data.key, cell.model.key, cell.train.key)


def kind(cell: Cell) -> Kind:
    """What such a check depends on."""
    train = cell.train.config
    return (cell.data.key, cell.model.key, train.model_dump_json(include={"precision", "compile", "loss"}))


def _placed(error: BenchError, cell: Cell, section: str) -> BenchError:
    """Return the error with the line of the suite that asked for what failed."""
    setting = {"data": "source", "model": "name", "train": "loss"}[section]
    part = getattr(cell, section)
    if section == "data" and part.config.path:
        setting = "path"
    if error.component:
        setting = next((key for key, value in part.config if error.component in str(value)), setting)
    path = error.where.split(".")
    if path[0] == section and len(path) > 1:  # the error names the setting itself
        return error.at(part.place(tuple(path[1:])))
    return error.at(part.place((setting,)))
