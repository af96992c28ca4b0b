"""Which trials keep their weights: those from which another stage starts, and, within a limit, those that may turn out to be."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from bench.errors import BenchError
from bench.grammar.cells import Cell
from bench.runner.plan import CellKey, Kind, Plan, digests, key, kind
from bench.suite.dependencies import candidates
from bench.suite.suite import Suite

LIMIT = 10_000_000_000
"""Bytes of weights, at most, that are kept of trials that may turn out to be another stage's source."""


def choose(plan: Plan, limit: int = LIMIT) -> None:
    """Let the trials of possible sources keep their weights, if all of them fit under the limit; note in the plan what it takes.

    limit: bytes, of what runs from now on. `plan.facts` must be known.
    """
    if plan.possible_keepers is None:
        plan.possible_keepers = possible_sources(plan.suite, plan.keepers)
    ahead = [job for job in plan.ahead() if not job.trial.cell.ensemble]
    possible = [job for job in ahead if not job.must_keep and any(key(cell) in plan.possible_keepers for cell in job.cells)]
    sizes = {id(job): plan.facts[kind(job.trial.cell)].weights for job in ahead}
    taken = sum(sizes[id(job)] for job in possible)
    for job in possible:
        job.keeps = taken <= limit
    plan.weights_refused = taken if taken > limit else 0
    plan.weights_kept = sum(sizes[id(job)] for job in ahead if job.keeps)


def possible_sources(suite: Suite, keepers: Iterable[CellKey]) -> frozenset[CellKey]:
    """Return the cells whose trials may turn out to be those of a keeper: it starts from the best of them, and adds nothing.

    Which of them it is, is known only when they have ended; without its weights it would be trained once more.
    """
    sources: set[CellKey] = set(keepers)
    todo = [cell for cells in suite.all_cells.values() for cell in cells if cell.start and key(cell) in sources]
    by_stage: dict[str, list[Cell]] = defaultdict(list)
    for cell in todo:
        by_stage[cell.stage].append(cell)
    while by_stage:
        stage, cells = by_stage.popitem()
        for candidate in _unchanged(suite, stage, cells):
            if key(candidate) not in sources:
                sources.add(key(candidate))
                if candidate.start:
                    by_stage[candidate.stage].append(candidate)
    return frozenset(sources - set(keepers))


def _unchanged(suite: Suite, stage: str, cells: list[Cell]) -> Iterator[Cell]:
    """Yield the cells from which one of these cells of a stage may start, and that give its own configuration then."""
    starting: dict[CellKey, tuple[Cell, list[Cell]]] = {}
    for cell in cells:
        if cell.start:
            axes = {axis: cell.labels[axis] for axis in cell.start.each if axis in cell.labels}
            for candidate in candidates(suite.all_cells[cell.start.stage], cell.start, axes):
                starting.setdefault(key(candidate), (candidate, []))[1].append(cell)
    started: dict[Kind, dict[CellKey, Kind]] = {}  # the trials of a search stand here with one configuration
    for candidate, starters in starting.values():
        configuration = digests(candidate)
        if configuration not in started:
            started[configuration] = _started(suite, stage, candidate)
        if any(started[configuration].get(key(cell)) == configuration for cell in starters):
            yield candidate


def _started(suite: Suite, stage: str, base: Cell) -> dict[CellKey, Kind]:
    """Return what the configuration of each cell of a stage is if it starts from this one; nothing where they do not fit."""
    try:
        cells = suite.expand(stage, lambda start, on: base if start.stage == base.stage else None)
    except BenchError:
        return {}
    return {key(cell): digests(cell) for cell in cells}
