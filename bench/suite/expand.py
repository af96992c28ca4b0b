"""Stages to cells: products, zips, exclusions and ablations of axes, each cell with its checked configuration.

A cell's configuration is three sections (data, model, train), and a section depends on few axes. So each distinct section
is merged, checked and hashed once, however many cells share it; that is what lets 100,000 cells expand in a second.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bench.config import SECTIONS
from bench.suite.cells import TRIAL, Best, Cell, Cells, Layer
from bench.suite.document import DocPath, Document, nested
from bench.suite.levels import Levels
from bench.suite.schema import Grid, Stage, SuiteFile
from bench.suite.sections import Sections
from bench.suite.stages import Range, Search


def cells(document: Document, suite: SuiteFile, stage: str, best: Best) -> Cells:
    """Expand one stage. A search's cells are its trials, on the axis TRIAL: as long as they are not sampled, with the first
    value of every parameter.

    Raises BenchError, with file and line, for an axis or label that is not there, zipped axes of unequal length, two
    grids of a union that give one cell two configurations, a stage that comes to nothing, or a configuration that is
    not valid.
    """
    spec = suite.stages[stage]
    found: dict[tuple[tuple[str, str], ...], Cell] = {}
    search = spec.search
    lows = sample_layers(search, {name: _ends(parameter)[0] for name, parameter in search.space.items()}, stage) if search else []
    for grid, path in _grids(spec, ("stages", stage)):
        levels = Levels(document, grid, path)
        sections = Sections(document, suite, stage, best, lows)
        for cell in _cells(stage, levels, sections):
            key = tuple(cell.labels.items())
            first = found.setdefault(key, cell)
            if first is not cell and first[2:] != cell[2:] and [s.key for s in first[2:5]] != [s.key for s in cell[2:5]]:
                raise document.error(path, f"two grids give the cell {cell.name!r} different configurations", "rename a label")
        if search:
            _check_space(document, suite, stage, levels, best)
    if not found:
        raise document.error(("stages", stage), f"stage {stage!r} has no cells left", "exclude less")
    if search:
        return Cells(
            cell._replace(labels={**cell.labels, TRIAL: str(number)})
            for cell in found.values()
            for number in range(search.trials)
        )
    return Cells(found.values())


def _cells(stage: str, levels: Levels, sections: Sections) -> Iterator[Cell]:
    makers = [sections.maker(name, levels) for name in (*SECTIONS, *(["ensemble"] if sections.votes else []))]
    starter = sections.starter(levels)
    for choice, labels in levels.combinations():
        if starter is None:
            yield Cell(stage, labels, *[make(choice, None) for make in makers])
        else:
            start, base, waits = starter(choice, labels)
            yield Cell(stage, labels, *[make(choice, base) for make in makers])._replace(start=start, waits=waits)


def sampled(
    document: Document, suite: SuiteFile, stage: str, labels: Mapping[str, str], parameters: Mapping[str, Any], best: Best
) -> Cell:
    """Return the cell of a search's trial. parameters: name → number of an interval, or label."""
    layers = sample_layers(suite.stages[stage].search, parameters, stage)
    for grid, path in _grids(suite.stages[stage], ("stages", stage)):
        sections = Sections(document, suite, stage, best, layers)
        for cell in _cells(stage, Levels(document, grid, path), sections):
            if all(labels.get(axis) == label for axis, label in cell.labels.items()):
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
    """Return the values of a parameter that are tried before anything runs: the ends of an interval, every level."""
    return [parameter.low, parameter.high] if isinstance(parameter, Range) else list(parameter)


def _check_space(document: Document, suite: SuiteFile, stage: str, levels: Levels, best: Best) -> None:
    """Check that a trial can be configured with every level, and both ends of every interval."""
    search = suite.stages[stage].search
    lows = {name: _ends(parameter)[0] for name, parameter in search.space.items()}
    for name, parameter in search.space.items():
        if isinstance(parameter, Range) and (wrong := [path for path in parameter.path if path.split(".")[0] not in SECTIONS]):
            mend = "begin with data, model or train, for example train.optimizer.lr"
            raise document.error(("stages", stage, "search", "space", name, "path"), f"no setting {wrong[0]!r}", mend)
        for path in parameter.path if isinstance(parameter, Range) else ():  # a wrong value stands where the interval does
            at, steps = ("stages", stage, "search", "space", name), path.split(".")
            document.places |= {(*at, *steps[:n]): document.place(at) for n in range(1, len(steps) + 1)}
        for value in _ends(parameter)[1:]:
            layers = sample_layers(search, lows | {name: value}, stage)
            next(_cells(stage, levels, Sections(document, suite, stage, best, layers)))


def _grids(spec: Stage, path: DocPath) -> Iterator[tuple[Grid, DocPath]]:
    if spec.axes or not spec.union:
        yield spec, path
    for i, grid in enumerate(spec.union):
        yield grid, (*path, "union", i)
