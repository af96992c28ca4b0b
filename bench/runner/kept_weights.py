"""Which trials keep their weights: those from which another stage starts, and, within a limit, those that may turn out to be."""

from bench.errors import BenchError
from bench.runner.plan import Plan, State
from bench.runner.preflight import digests, kind
from bench.suite import Cell, Suite
from bench.suite.links import candidates

LIMIT = 10_000_000_000
"""Bytes of weights, at most, that are kept of trials that may turn out to be another stage's source."""
CellKey = tuple[str, tuple[tuple[str, str], ...]]
"""A cell: its stage, and its labels in order."""


def key(cell: Cell) -> CellKey:
    return cell.stage, tuple(cell.labels.items())


def possible_sources(suite: Suite, keepers: set[CellKey]) -> set[CellKey]:
    """Return the cells whose trials may turn out to be those of a keeper: it starts from the best of them, and adds nothing.

    Which of them it is, is known only when they have ended; without its weights it would be trained once more.
    """
    found: set[CellKey] = set()
    todo = [cell for cells in suite.all_cells.values() for cell in cells if cell.start and key(cell) in keepers]
    while todo:
        cell = todo.pop()
        for candidate in _unchanged(suite, cell):
            if key(candidate) not in found:
                found.add(key(candidate))
                todo += [candidate] if candidate.start else []
    return found - keepers


def _unchanged(suite: Suite, cell: Cell) -> list[Cell]:
    """Return the cells that a cell may start from, and that give its own configuration then."""
    if not cell.start:
        return []
    axes = {axis: cell.labels[axis] for axis in cell.start.each if axis in cell.labels}
    unchanged: list[Cell] = []
    answers: dict[tuple[str, str, str], bool] = {}  # the trials of a search stand here with one configuration
    for candidate in candidates(suite.all_cells[cell.start.stage], cell.start, axes):
        if digests(candidate) not in answers:
            answers[digests(candidate)] = digests(candidate) == _started(suite, cell, candidate)
        if answers[digests(candidate)]:
            unchanged.append(candidate)
    return unchanged


def _started(suite: Suite, cell: Cell, base: Cell) -> tuple[str, str, str] | None:
    """Return what a cell's configuration is if it starts from this one; None where they do not go together."""
    try:
        cells = suite.expand(cell.stage, lambda start, on: base if start == cell.start else None)
    except BenchError:
        return None
    return next((digests(one) for one in cells if one.labels == cell.labels), None)


def choose(plan: Plan, limit: int = LIMIT) -> None:
    """Let the trials of possible sources keep their weights, if all of them fit under the limit; note in the plan what it takes.

    limit: bytes, of what runs from now on. `plan.facts` must be known.
    """
    possible = [job for job in plan.ahead() if job.may_keep and not job.keeps]
    sizes = {id(job): plan.facts[kind(job.trial.cell)].weights for job in plan.ahead() if not job.trial.cell.ensemble}
    taken = sum(sizes[id(job)] for job in possible)
    if taken <= limit:
        for job in possible:
            job.keeps = True
        plan.weights_refused = 0
    else:
        plan.weights_refused = taken
    plan.weights_kept = sum(sizes[id(job)] for job in plan.ahead() if job.keeps and job.state in (State.TODO, State.WAITING))
