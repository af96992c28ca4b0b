"""Stages to cells: products, zips, exclusions and ablations of axes, each cell with its checked configuration.

A cell's configuration is three sections (data, model, train), and a section depends on few axes. So each distinct section
is merged, checked and hashed once, however many cells share it; that is what lets 100,000 cells expand in a second.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations, islice
from typing import Any

from bench.config import SECTIONS, Data, Model, Train
from bench.grammar.cells import SPLIT, TRIAL, BestCell, Cell, Cells, Layer
from bench.grammar.document import DocPath, Document, nested
from bench.grammar.stages import Ensemble, Grid, Range, Search, Stage
from bench.grammar.vary import Splits
from bench.suite.levels import Levels
from bench.suite.schema import SuiteFile
from bench.suite.sections import Sections


def cells(document: Document, suite: SuiteFile, stage: str, best: BestCell) -> Cells:
    """Expand one stage. A search's cells are its trials, on the axis TRIAL: as long as they are not sampled, with the first
    value of every parameter.

    Raises BenchError, with file and line, for an axis or label that is not there, zipped axes of unequal length, two
    grids of a union that give one cell two configurations, a stage that comes to nothing, or a configuration that is
    not valid.
    """
    spec = suite.stages[stage]
    by_labels: dict[tuple[tuple[str, str], ...], Cell] = {}
    search = spec.search
    samples: list[Cell] = []
    lows = sample_layers(search, {name: _ends(parameter)[0] for name, parameter in search.space.items()}, stage) if search else []
    for grid, path in _grids(spec, ("stages", stage)):
        levels = Levels(document, grid, path)
        sections = Sections(document, suite, stage, best, lows)
        for cell in _cells(stage, levels, sections):
            key = tuple(cell.labels.items())
            first = by_labels.setdefault(key, cell)
            if first is not cell and first[2:] != cell[2:] and _keys(first) != _keys(cell):
                raise document.error(path, f"two grids give the cell {cell.name!r} different configurations", "rename a label")
        if search:
            samples += _check_space(document, suite, stage, search, levels, best)
    if not by_labels:
        raise document.error(("stages", stage), f"stage {stage!r} has no cells left", "exclude less")
    if not search:
        return Cells(by_labels.values())
    trials = Cells(
        cell._replace(labels={**cell.labels, TRIAL: str(number)})
        for cell in by_labels.values()
        for number in range(search.trials)
    )
    trials.samples = samples
    return trials


def _keys(cell: Cell) -> list[str]:
    return [section.key for section in (cell.data, cell.model, cell.train, cell.ensemble) if section]


def _cells(stage: str, levels: Levels, sections: Sections) -> Iterator[Cell]:
    data, model = sections.maker("data", Data, levels), sections.maker("model", Model, levels)
    train = sections.maker("train", Train, levels)
    votes = sections.maker("ensemble", Ensemble, levels) if sections.votes else None
    starter = sections.starter(levels)
    crossed = isinstance(sections.suite.varies(stage), Splits)
    for choice, labels in levels.combinations():
        start, base, waits = starter(choice, labels) if starter else (None, None, "")
        ensemble = votes(choice, base) if votes else None
        configs = data(choice, base), model(choice, base), train(choice, base)
        yield Cell(stage, labels, *configs, ensemble, start, waits, crossed and SPLIT in labels)


def sampled(
    document: Document, suite: SuiteFile, stage: str, labels: Mapping[str, str], parameters: Mapping[str, Any], best: BestCell
) -> Cell:
    """Return the cell of a search's trial. parameters: name → number of an interval, or label."""
    search = suite.stages[stage].search
    if search is None:
        raise ValueError(f"stage {stage} is no search")
    layers = sample_layers(search, parameters, stage)
    grid_labels = {axis: label for axis, label in labels.items() if axis != TRIAL}
    for grid, path in _grids(suite.stages[stage], ("stages", stage)):
        sections = Sections(document, suite, stage, best, layers)
        for cell in _cells(stage, Levels(document, grid, path), sections):
            if cell.labels == grid_labels:
                return cell._replace(labels=dict(labels))
    raise ValueError(f"no cell {dict(labels)} in stage {stage}")


def sample_layers(search: Search, parameters: Mapping[str, Any], stage: str) -> list[Layer]:
    """Return the patches of sampled parameters, in the order of the space."""
    layers: list[Layer] = []
    for name, parameter in search.space.items():
        at = ("stages", stage, "search", "space", name)
        if isinstance(parameter, Range):
            layers += [(nested(path, parameters[name]), at) for path in parameter.path]
        else:
            layers.append((parameter[parameters[name]], (*at, parameters[name])))
    return layers


def _ends(parameter: Range | dict[str, Any]) -> list[Any]:
    """Return the values of a parameter that are tried before anything runs: both ends of an interval and a value between, every
    level."""
    if not isinstance(parameter, Range):
        return list(parameter)
    return [parameter.low, parameter.high] if parameter.whole else [parameter.low, parameter.high, parameter.between]


def _check_space(document: Document, suite: SuiteFile, stage: str, search: Search, levels: Levels, best: BestCell) -> list[Cell]:
    """Check that a trial can be configured with every value that `_ends` gives, and every pair of levels of two parameters.
    Returns a cell for each."""
    lows = {name: _ends(parameter)[0] for name, parameter in search.space.items()}
    for name, parameter in search.space.items():
        if isinstance(parameter, Range) and (wrong := [path for path in parameter.path if path.split(".")[0] not in SECTIONS]):
            mend = "begin with data, model or train, for example train.optimizer.lr"
            raise document.error(("stages", stage, "search", "space", name, "path"), f"no setting {wrong[0]!r}", mend)
        for path in parameter.path if isinstance(parameter, Range) else ():  # a wrong value stands where the interval does
            at, steps = ("stages", stage, "search", "space", name), path.split(".")
            document.places |= {(*at, *steps[:n]): document.place(at) for n in range(1, len(steps) + 1)}
    tried = [{name: value} for name, parameter in search.space.items() for value in _ends(parameter)[1:]]
    named = {name: parameter for name, parameter in search.space.items() if not isinstance(parameter, Range)}
    for (first, first_levels), (second, second_levels) in combinations(named.items(), 2):
        tried += [{first: a, second: b} for a in list(first_levels)[1:] for b in list(second_levels)[1:]]
    samples: list[Cell] = []
    for values in tried:
        layers = sample_layers(search, lows | values, stage)
        samples += islice(_cells(stage, levels, Sections(document, suite, stage, best, layers)), 1)
    return samples


def _grids(spec: Stage, path: DocPath) -> Iterator[tuple[Grid, DocPath]]:
    if spec.axes or not spec.union:
        yield spec, path
    for i, grid in enumerate(spec.union):
        yield grid, (*path, "union", i)
