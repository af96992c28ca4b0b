"""Before anything trains: are the data, models and weights there, and do they go together?"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from bench.config import Data, Trained
from bench.errors import BenchError, ErrorCode
from bench.grammar.cells import Cell, Section
from bench.runner.executors.base import Executor
from bench.runner.fingerprints import SILENT
from bench.runner.messages import CountShared, Facts, Fault, Inspect, Prepare
from bench.runner.plan import Kind, Plan, State, digests, kind
from bench.suite.dependencies import trained_by

logger = logging.getLogger("bench")
LIMIT, LEAST = 300.0, 10.0
"""Seconds that a check or a probe may take at most; and, however short the trials, at least: much is imported in it."""


def within(time_limit: float | None) -> float:
    """Return for how many seconds a check or a probe may take, where a trial may take so many."""
    return LIMIT if time_limit is None else min(LIMIT, max(time_limit, LEAST))


Absent = dict[str, BenchError]
"""`read_by` of a section → what it reads that is not on this machine."""


def read_by(section: Section[Any]) -> str:
    """Return what tells what a section reads."""
    return section.config.origin if isinstance(section.config, Data) else section.key


def preflight(
    plan: Plan,
    executor: Executor,
    *,
    contracts: bool = False,
    time_limit: float | None = None,
    absent: Absent | None = None,
) -> None:
    """Check every distinct data set and model on a worker, those that a search may draw included. What `plan.facts` tells already
    is not checked again.

    contracts: check too whether parts of the user's own do what is asked of such parts. time_limit: of a trial, see `within`.
    A check that takes longer, dies, runs out of memory or raises something unexpected is a fault of its cell, and the
    others go on. absent: what is known not to be here; data sets that turn out so are added, and cells that need any of it are
    not checked. None: they are an error. Raises BenchError, with file and line, for an unknown model, missing or unreadable data,
    and whatever else would fail every trial of a cell by a mistake in the suite.
    """
    limit = within(time_limit)
    cells = list({kind(cell): cell for cell in _distinct(plan) if kind(cell) not in plan.facts}.values())
    data = {cell.data.config.origin: cell for cell in _at_hand(cells, absent)}
    for cell in data.values():  # one by one: two workers would wait for each other's lock
        try:
            executor.map([Prepare(cell.data.config, folder=cell.data.folder)], progress=logger.info, limit=SILENT)
        except BenchError as error:
            if absent is None or error.code is not ErrorCode.NOT_PREPARED:
                raise _placed(error, cell, "data") from None
            absent[read_by(cell.data)] = _placed(error, cell, "data")
    cells = _at_hand(cells, absent)
    if not plan.facts:
        _check_held_out(plan, executor, absent)
    facts, faulty = dict(plan.facts), dict(plan.faulty)
    problems: dict[str, BenchError] = {}
    seeds = _varying_seeds(plan)
    crossed = {kind(cell) for job in plan.jobs.values() for cell in job.cells if cell.crossed}
    requests = [Inspect(cell.config, contracts, seeds.get(kind(cell), (0,)), kind(cell) in crossed) for cell in cells]
    answers = executor.attempt(requests, limit=limit)
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


def _at_hand(cells: Sequence[Cell], absent: Absent | None) -> list[Cell]:
    """Return the cells of which nothing is absent."""
    return [cell for cell in cells if not any(read_by(part) in (absent or ()) for part in (cell.data, cell.model, cell.train))]


def _check_held_out(plan: Plan, executor: Executor, absent: Absent | None) -> None:
    """Refuse weights that were trained on images which a trial that starts from them holds out: its results would be too good."""
    suite = plan.suite
    pairs: dict[tuple[str, str], tuple[Cell, Cell, CountShared]] = {}
    for cell in (cell for stage in suite.cells for cell in suite.all_cells[stage]):
        source = trained_by(suite.document, cell, suite.all_cells)
        if source and source.data.config.origin == cell.data.config.origin and _at_hand([cell], absent):
            for trained, tested in _drawn_pairs(plan, source, cell):
                if trained != tested:
                    asked = CountShared(trained, tested, cell.data.folder)
                    pairs[trained.model_dump_json(), tested.model_dump_json()] = source, cell, asked
    shared = executor.map([asked for _, _, asked in pairs.values()], limit=SILENT)
    for (source, cell, _), images in zip(pairs.values(), shared, strict=True):
        if images:
            vary = " and the same `vary:`" if source.data.config.vary or cell.data.config.vary else ""
            raise BenchError(
                f"stage {source.stage!r} trains these weights on {images} of the images that {cell.stage}: {cell.name} holds out",
                where=cell.model.place(("weights",)),
                mend=f"give both the same `data.split`, `classes`, `sizes` and `subset`{vary}, or train on another source",
            )


def _drawn_pairs(plan: Plan, source: Cell, cell: Cell) -> Iterator[tuple[Data, Data]]:
    """Yield the data that the weights of a cell are trained on, and its own, of each seed; of one, where nothing varies."""
    trained, tested = source.data.config, cell.data.config
    if not trained.vary and not tested.vary:
        yield trained, tested
        return
    weights = cell.model.config.weights
    fixed = weights.seed if isinstance(weights, Trained) else None
    for seed in _seeds_of(plan, cell.stage):
        yield trained.drawn(seed if fixed is None else fixed), tested.drawn(seed)


def _varying_seeds(plan: Plan) -> dict[Kind, tuple[int, ...]]:
    """Return all seeds that trials of a kind of cell may have, where their data vary with them."""
    seeds: dict[Kind, set[int]] = {}
    of_stage: dict[str, list[int]] = {}
    cells = [cell for job in plan.jobs.values() for cell in job.cells]
    cells += [cell for stage in plan.suite.cells for cell in plan.suite.all_cells[stage].samples]
    for cell in cells:
        if cell.data.config.vary:
            if cell.stage not in of_stage:
                of_stage[cell.stage] = _seeds_of(plan, cell.stage)
            seeds.setdefault(kind(cell), set()).update(of_stage[cell.stage])
    return {of_kind: tuple(sorted(numbers)) for of_kind, numbers in seeds.items()}


def _seeds_of(plan: Plan, stage: str) -> list[int]:
    """Return all seeds that trials of a stage may have, a pilot's included."""
    return [*plan.suite.all_seeds(stage), *plan.suite.schedule(stage).pilot]


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
