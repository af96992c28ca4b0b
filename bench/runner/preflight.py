"""Before anything trains: are the data, models and weights there, and do they go together?"""

import logging
from collections.abc import Sequence
from dataclasses import replace

from bench.errors import BenchError
from bench.grammar.cells import Cell
from bench.runner.executors.base import Executor
from bench.runner.fingerprints import SILENT
from bench.runner.messages import CountShared, Facts, Fault, Inspect, Prepare
from bench.runner.plan import Plan, State, digests, kind
from bench.suite.dependencies import trained_by

logger = logging.getLogger("bench")
LIMIT, LEAST = 300.0, 10.0
"""Seconds that a check or a probe may take at most; and, however short the trials, at least: much is imported in it."""


def within(time_limit: float | None) -> float:
    """Return for how many seconds a check or a probe may take, where a trial may take so many."""
    return LIMIT if time_limit is None else min(LIMIT, max(time_limit, LEAST))


def preflight(plan: Plan, executor: Executor, *, contracts: bool = False, time_limit: float | None = None) -> None:
    """Check every distinct data set and model on a worker, those that a search may draw included. What `plan.facts` tells already
    is not checked again.

    contracts: check too whether parts of the user's own do what is asked of such parts. time_limit: of a trial, see `within`.
    A check that takes longer, dies, runs out of memory or raises something unexpected is a fault of its cell, and the
    others go on. Raises BenchError, with file and line, for an unknown model, missing or unreadable data, and whatever else would
    fail every trial of a cell by a mistake in the suite.
    """
    limit = within(time_limit)
    cells = list({kind(cell): cell for cell in _distinct(plan) if kind(cell) not in plan.facts}.values())
    data = {cell.data.config.origin: cell for cell in cells}
    for cell in data.values():  # one by one: two workers would wait for each other's lock
        try:
            executor.map([Prepare(cell.data.config, folder=cell.data.folder)], progress=logger.info, limit=SILENT)
        except BenchError as error:
            raise _placed(error, cell, "data") from None
    if not plan.facts:
        _check_held_out(plan, executor)
    facts, faulty = dict(plan.facts), dict(plan.faulty)
    problems: dict[str, BenchError] = {}
    answers = executor.attempt([Inspect(cell.config, contracts) for cell in cells], limit=limit)
    for cell, answer in zip(cells, answers, strict=True):
        if isinstance(answer, Fault):
            placed = blamed(answer.error, cell) if answer.outcome else _placed(answer.error, cell, "data")
            facts[kind(cell)] = Facts()
            if answer.outcome:
                faulty[kind(cell)] = replace(answer, error=placed)
            else:
                problems.setdefault(str(placed), placed)
            continue
        facts[kind(cell)] = answer
        for section, problem in answer.errors:
            placed = _placed(problem, cell, section)
            problems.setdefault(str(placed), placed)
    if len(problems) == 1:
        raise next(iter(problems.values()))
    if problems:
        codes = {placed.code for placed in problems.values()}
        raise BenchError("\n".join(problems), code=codes.pop() if len(codes) == 1 else None)
    plan.facts, plan.faulty = facts, faulty


def blamed(error: BenchError, cell: Cell, sections: Sequence[str] = ("model", "train", "data")) -> BenchError:
    """Return an error that nothing says the place of, with the line of the part that is most likely at fault: one of the user's
    own, in the first of these sections that has one, else what that section is."""
    section = next((name for name in sections if getattr(cell, name).own), sections[0])
    component = next(iter(getattr(cell, section).own), "")
    known = BenchError(error.message, where=error.where, mend=error.mend, code=error.code, component=component)
    return _placed(known, cell, section)


def _check_held_out(plan: Plan, executor: Executor) -> None:
    """Refuse weights that were trained on images which a trial that starts from them holds out: its results would be too good."""
    suite, pairs = plan.suite, {}
    for cell in (cell for stage in suite.cells for cell in suite.all_cells[stage]):
        source = trained_by(suite.document, cell, suite.all_cells)
        if source and source.data.config.origin == cell.data.config.origin and source.data.key != cell.data.key:
            pairs[source.data.key, cell.data.key] = source, cell
    requests = [CountShared(source.data.config, cell.data.config, cell.data.folder) for source, cell in pairs.values()]
    shared = executor.map(requests, limit=SILENT)
    for (source, cell), images in zip(pairs.values(), shared, strict=True):
        if images:
            raise BenchError(
                f"stage {source.stage!r} trains these weights on {images} of the images that {cell.stage}: {cell.name} holds out",
                where=cell.model.place(("weights",)),
                mend="give both the same `data.split`, `classes`, `sizes` and `subset`, or train the weights on another source",
            )


def _distinct(plan: Plan) -> list[Cell]:
    """Return one cell for each distinct configuration."""
    jobs = (job for job in plan.jobs.values() if job.state is not State.FAILED)  # of which the outcome stands
    cells = [job.trial.cell for job in jobs if not job.trial.cell.ensemble]
    cells += [cell for stage in plan.suite.cells for cell in plan.suite.all_cells[stage].samples]
    return list({digests(cell): cell for cell in cells}.values())


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
