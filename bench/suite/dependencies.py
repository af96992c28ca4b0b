"""What ties stages together: the best cell that a stage starts from, the weights that another trained, the trials that vote."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bench.config import Trained
from bench.errors import BenchError, did_you_mean
from bench.grammar.cells import TRIAL, Cell, Cells
from bench.grammar.document import DocPath, Document
from bench.grammar.parts import SeedPlan
from bench.grammar.stages import Ensemble, Patch, Range, Search, Stage, Start
from bench.suite.schema import SuiteFile

NO_AXES = ("stage", "minus", "divided_by", "class")
"""Words that claims and tables have for something else."""


def first(cells: Cells, start: Start, labels: Mapping[str, str]) -> Cell:
    """Return the first cell among which the best will be sought. BenchError where there is none."""
    matches = candidates(cells, start, labels)
    if not matches:
        levels = ", ".join(f"{axis}={label}" for axis, label in labels.items())
        raise BenchError(f"stage {start.stage!r} has no cell {levels} to start from", mend="let both stages have these levels")
    return matches[0]


def candidates(cells: Cells, start: Start, labels: Mapping[str, str]) -> list[Cell]:
    """Return the cells of which the best is to be kept. labels: of this stage's cell, on the axes of `start.each` that it has."""
    return cells.where({axis: [labels[axis]] for axis in start.each if axis in labels})


def check_stages(document: Document, spec: SuiteFile) -> None:
    """Check what stages are made of, before they are expanded. BenchError with file and line."""
    for stage, part in spec.stages.items():
        at: DocPath = ("stages", stage)
        if not (part.axes or part.union or part.search or part.ensemble):
            mend = "add `axes:` with at least one axis, or `union:`, `search:`, `sweep:` or `ensemble:`"
            raise document.error(at, f"stage {stage!r} has no axes", mend)
        if part.union and (part.exclude or part.when or part.zip or part.ablate) and not part.axes:
            raise document.error(at, "exclude, when, zip and ablate belong into the grids of the union")
        for path, grid in ((at, part), *(((*at, "union", i), grid) for i, grid in enumerate(part.union))):
            if taken := [axis for axis in grid.axes if axis in NO_AXES]:
                message = f"no axis can be named {taken[0]!r}: claims and tables have another meaning for it"
                raise document.error((*path, "axes", taken[0]), message, "give it another name")
        if part.search and part.ensemble:
            raise document.error((*at, "ensemble"), f"stage {stage!r} searches and votes", "make two stages of it")
        if part.search:
            _check_search(document, at, spec, stage, part.search)
        if (part.search or part.ensemble) and isinstance(part.seeds, SeedPlan) and part.seeds.pilot:
            what = "a search, whose trials choose" if part.search else "an ensemble, in which no pilot votes"
            mend = "take `pilot` out, and give one to the stages whose trials are compared"
            raise document.error((*at, "seeds", "pilot"), f"stage {stage!r} is {what}", mend)
        if part.ensemble and part.ensemble.pool == "seed" and spec.seeds_of(stage).looks:
            mend = "list the stage's own `seeds:`, for example those of the first look"
            raise document.error(at, f"stage {stage!r} is an ensemble, and an ensemble has no looks", mend)
        for patch, path in _patches(spec, stage):
            if "ensemble" in patch and not part.ensemble:
                raise document.error(
                    (*path, "ensemble"), f"stage {stage!r} is no ensemble", "add `ensemble: {stages: […]}` to it"
                )


def _check_search(document: Document, at: DocPath, spec: SuiteFile, stage: str, search: Search) -> None:
    part = spec.stages[stage]
    if spec.seeds_of(stage).looks:
        mend = "give the stage `seeds: 1`, or a list of which each trial draws one"
        raise document.error(at, f"stage {stage!r} is a search, and a search has no looks", mend)
    axes = [axis for grid in (part, *part.union) for axis in grid.axes]
    if clash := [axis for axis in axes if axis == TRIAL or axis in search.space]:
        raise document.error((*at, "axes", clash[0]), f"axis {clash[0]!r} is the search's own", "give it another name")
    if "seed" in search.space:
        mend = "list them as the stage's `seeds: […]`: each trial draws one of them"
        raise document.error((*at, "search", "space", "seed"), "seeds are no parameter of the space", mend)
    for name, parameter in search.space.items():
        for label, patch in () if isinstance(parameter, Range) else parameter.items():
            here = (*at, "search", "space", name, label)
            for key in ("start", "ensemble"):
                if key in patch:
                    raise document.error((*here, key), f"{key!r} is no parameter of a search", "put it into the stage's `patch`")
            if isinstance(patch.get("model", {}).get("weights"), dict):
                mend = "put them into the stage's `patch`, or make a search for each by an axis of the stage"
                raise document.error((*here, "model", "weights"), "weights of a stage are no parameter of a search", mend)


def _check_stage_names(where: str, names: Sequence[str], spec: SuiteFile, stage: str) -> None:
    """Check that stages exist, stand above, and train."""
    order = list(spec.stages)
    above = order[: order.index(stage)]
    training = [name for name in above if not spec.stages[name].ensemble]
    for name in names:
        if name not in order:
            raise BenchError(f"no stage {name!r}", where=where, mend=did_you_mean(name, training))
        if name not in above:
            raise BenchError(
                f"stage {name!r} does not stand above {stage!r}", where=where, mend="move it up: stages run in their order"
            )
        if spec.stages[name].ensemble:
            raise BenchError(
                f"stage {name!r} is an ensemble, which trains nothing", where=where, mend=did_you_mean(name, training)
            )


def check_votes(place: Callable[[DocPath], str], ensemble: Ensemble, spec: SuiteFile, stage: str) -> None:
    """Check the stages whose trials vote."""
    _check_stage_names(place(("stages",)), ensemble.stages, spec, stage)


def check_start(document: Document, at: DocPath, start: Start, spec: SuiteFile, stage: str) -> None:
    """Check what a cell starts from."""
    _check_stage_names(document.place((*at, "stage")), [start.stage], spec, stage)
    if start.seeds and (spec.stages[stage].search or spec.stages[stage].ensemble):
        raise document.error((*at, "seeds"), f"stage {stage!r} has no seeds of its own to be fresh", "take `seeds: fresh` out")
    for axis in start.each:
        for where in (stage, start.stage):
            if axis not in (axes := _axes(spec, where)):
                raise document.error((*at, "each"), f"stage {where!r} has no axis {axis!r}", did_you_mean(axis, axes))


def sources(cell: Cell) -> set[str]:
    """Return the stages that a cell rests on."""
    stages = {cell.start.stage} if cell.start else set()
    if cell.ensemble:
        stages.update(cell.ensemble.config.stages)
    if type(weights := cell.model.config.weights) is Trained:  # of a pydantic class, isinstance takes microseconds
        stages.add(weights.stage)
    return stages


def trained_by(document: Document, cell: Cell, stages: Mapping[str, Cells]) -> Cell | None:
    """Return the cell whose weights a cell starts from, if it does.

    BenchError, with file and line, where there is none, where there are several, or where it is of another architecture.
    """
    origin = cell.model.config.weights
    if type(origin) is not Trained:
        return None
    where = cell.model.place(("weights",))
    names = list(stages)
    if origin.stage not in names[: names.index(cell.stage)]:
        mend = did_you_mean(origin.stage, names[: names.index(cell.stage)])
        raise BenchError(f"no stage {origin.stage!r} stands above {cell.stage!r}", where=where, mend=mend)
    cells = stages[origin.stage]
    if TRIAL in cells.levels:
        mend = "let a stage start from its best, `start: {stage: …}`, and take the weights of that one"
        raise BenchError(f"stage {origin.stage!r} is a search, which keeps no weights", where=where, mend=mend)
    if unknown := [axis for axis in origin.cell if axis not in cells.levels]:
        mend = did_you_mean(unknown[0], cells.levels)
        raise BenchError(f"stage {origin.stage!r} has no axis {unknown[0]!r}", where=where, mend=mend)
    for axis, label in origin.cell.items():
        if label not in cells.levels[axis]:
            mend = did_you_mean(label, cells.levels[axis])
            raise BenchError(f"axis {axis!r} of stage {origin.stage!r} has no level {label!r}", where=where, mend=mend)
    shared = {axis: label for axis, label in cell.labels.items() if label in cells.levels.get(axis, [])}
    matches = cells.where({axis: [label] for axis, label in (shared | origin.cell).items()})
    if len(matches) != 1:
        mend = f"name one: `weights: {{stage: {origin.stage}, cell: {{AXIS: LABEL}}}}`"
        raise BenchError(f"{len(matches)} cells of stage {origin.stage!r} could give the weights", where=where, mend=mend)
    source, model = matches[0].model.config, cell.model.config
    if not cell.waits and not matches[0].waits and (source.name, source.args) != (model.name, model.args):
        architectures = [f"{config.name} {config.args}" if config.args else config.name for config in (source, model)]
        raise BenchError(
            f"stage {origin.stage!r} trained {architectures[0]}, and its weights do not fit {architectures[1]}",
            where=where,
            mend="give both the same `model.name` and `model.args` (heads may differ)",
        )
    return matches[0]


def check_seeds(cell: Cell, fixed: int | None, stage: str, there: Sequence[int], seeds: Sequence[int], on_demand: bool) -> None:
    """Check that the weights that a cell starts from will be there for each of its seeds.

    fixed: the seed whose weights all of them start from, if one is named. stage: which trains them. there: its seeds.
    on_demand: whether either stage may be given more.
    """
    mend = "give both stages the same seeds, or name one: `weights: {…, seed: 0}`"
    if missing := [seed for seed in (seeds if fixed is None else [fixed]) if seed not in there]:
        message = f"stage {stage!r} has no trial with seed {missing[0]} whose weights this could start from"
    elif fixed is None and on_demand:
        message = "seeds that are added on demand would have no weights to start from"
        mend = "name one seed, `weights: {…, seed: 0}`, or list the `seeds:` of both stages"
    else:
        return
    raise BenchError(message, where=cell.model.place(("weights",)), mend=mend)


def _axes(spec: SuiteFile, stage: str) -> list[str]:
    part = spec.stages[stage]
    return list(
        dict.fromkeys([*part.axes, *(axis for grid in part.union for axis in grid.axes), *([TRIAL] if part.search else [])])
    )


def starts(part: Stage) -> list[dict[str, Any]]:
    """Return what cells of a stage start from, as its patches say it; those that name a stage."""
    patches = [part.patch, *(patch for grid in (part, *part.union) for levels in grid.axes.values() for patch in levels.values())]
    named = [patch["start"] for patch in patches if isinstance(patch.get("start"), dict)]
    return [start for start in named if isinstance(start.get("stage"), str)]


def _patches(spec: SuiteFile, stage: str) -> Iterator[tuple[Patch, DocPath]]:
    """Yield every patch of a stage with its path."""
    at: DocPath = ("stages", stage)
    part = spec.stages[stage]
    yield part.patch, (*at, "patch")
    for path, grid in ((at, part), *(((*at, "union", i), grid) for i, grid in enumerate(part.union))):
        for axis, levels in grid.axes.items():
            for label, patch in levels.items():
                yield patch, (*path, "axes", axis, label)
