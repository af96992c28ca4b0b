"""Stages to cells: products, zips, exclusions and ablations of axes, each cell with its checked configuration.

A cell's configuration is three sections (data, model, train), and a section depends on few axes. So each distinct section
is merged, checked and hashed once, however many cells share it; that is what lets 100,000 cells expand in a second.
"""

import gc
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from bench.config import SECTIONS, Data, Model, Train, TrialConfig
from bench.errors import did_you_mean
from bench.paths import beside
from bench.suite.document import DocPath, Document, merged
from bench.suite.schema import Grid, Stage, SuiteFile
from bench.suite.validation import validated

ENGINE = 1
"""Raised whenever the same configuration and seed would give another result, so that old results are not mixed in."""


@dataclass(frozen=True, eq=False)
class Section:
    """One distinct data, model or train section.

    digest: hash of what it says, file paths left out: files are known by their content. key: tells it from every other
    section, file paths included. place: gives `file:line` of one of its settings, for errors that only show when the
    section is used.
    """

    config: Data | Model | Train
    digest: str
    key: str
    place: Callable[[DocPath], str]


class Cell(NamedTuple):
    """One combination of levels of a stage."""

    stage: str
    labels: dict[str, str]
    data: Section
    model: Section
    train: Section

    @property
    def config(self) -> TrialConfig:
        return TrialConfig.model_construct(data=self.data.config, model=self.model.config, train=self.train.config)

    @property
    def name(self) -> str:
        return ", ".join(f"{axis}={label}" for axis, label in self.labels.items())


class Cells(list[Cell]):
    """The cells of a stage."""

    @cached_property
    def levels(self) -> dict[str, list[str]]:
        """axis → its labels, in the suite's order."""
        found: dict[str, dict[str, None]] = {}
        for cell in self:
            for axis, label in cell.labels.items():
                found.setdefault(axis, {})[label] = None
        return {axis: list(labels) for axis, labels in found.items()}

    def where(self, wanted: Mapping[str, Sequence[str]]) -> list[Cell]:
        """Return the cells with one of the labels wanted of each axis."""
        found: list[Cell] = self
        for axis, labels in wanted.items():
            found = [cell for cell in found if cell.labels.get(axis) in labels]
        return found


class Trial(NamedTuple):
    """One cell with one seed. fingerprint: hash of everything that determines its result."""

    cell: Cell
    seed: int
    fingerprint: str


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the garbage collector: over 100,000 new objects that all stay, it takes half of the time and finds nothing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def cells(document: Document, suite: SuiteFile, stage: str) -> Cells:
    """Expand one stage.

    Raises BenchError, with file and line, for an axis or label that is not there, zipped axes of unequal length, two
    grids of a union that give one cell two configurations, a stage that comes to nothing, or a configuration that is
    not valid.
    """
    spec = suite.stages[stage]
    sections = _Sections(document, suite, stage, spec)
    found: dict[tuple[tuple[str, str], ...], Cell] = {}
    for grid, path in _grids(spec, ("stages", stage)):
        levels = _Levels(document, grid, path)
        for cell in levels.cells(stage, sections):
            key = tuple(cell.labels.items())
            first = found.setdefault(key, cell)
            if first is not cell and first[2:] != cell[2:] and [s.key for s in first[2:]] != [s.key for s in cell[2:]]:
                raise document.error(path, f"two grids give the cell {cell.name!r} different configurations", "rename a label")
    if not found:
        raise document.error(("stages", stage), f"stage {stage!r} has no cells left", "exclude less")
    return Cells(found.values())


def trials(cells: list[Cell], seeds: list[int], identity: Callable[[Data | Model], str]) -> list[Trial]:
    """Return every cell with every seed.

    identity: content hash of what a data or model section reads from outside (images, weights); "" for nothing.
    """
    identities: dict[int, str] = {}
    result = []
    for cell in cells:
        for section in (cell.data, cell.model):
            if id(section) not in identities:
                identities[id(section)] = identity(section.config)
        files = (identities[id(cell.data)], identities[id(cell.model)])
        stamp = "\n".join((str(ENGINE), cell.data.digest, cell.model.digest, cell.train.digest, *files))
        result += [Trial(cell, seed, hashlib.sha256(f"{stamp}\n{seed}".encode()).hexdigest()[:32]) for seed in seeds]
    return result


def _grids(spec: Stage, path: DocPath) -> Iterator[tuple[Grid, DocPath]]:
    if spec.axes:
        yield spec, path
    for i, grid in enumerate(spec.union):
        yield grid, (*path, "union", i)


class _Levels:
    """The choices of one grid: which labels go together, and from which patches."""

    def __init__(self, document: Document, grid: Grid, path: DocPath):
        self.document, self.grid, self.path = document, grid, path
        self.axes = list(grid.axes)
        self.labels = [list(levels) for levels in grid.axes.values()]
        self.affects = [{section for patch in levels.values() for section in patch} for levels in grid.axes.values()]
        for i, partial in enumerate(grid.exclude):
            self._known(partial, ("exclude", i))
        for axis, partial in grid.when.items():
            self._known({axis: []}, ("when",))
            self._known(partial, ("when", axis))
            if axis in partial:
                raise document.error((*path, "when", axis), f"axis {axis!r} cannot depend on itself")
        for i, group in enumerate(grid.zip):
            self._known({axis: [] for axis in group}, ("zip", i))
            lengths = {axis: len(grid.axes[axis]) for axis in group}
            if len(set(lengths.values())) > 1:
                told = ", ".join(f"{axis} {n}" for axis, n in lengths.items())
                raise document.error((*path, "zip", i), f"zipped axes need as many levels each ({told})", "add or drop levels")
        zipped = [axis for group in grid.zip for axis in group]
        if twice := {axis for axis in zipped if zipped.count(axis) > 1}:
            raise document.error((*path, "zip"), f"axis {min(twice)!r} is zipped twice", "put all of them into one group")
        if together := [axis for axis in grid.when if axis in zipped]:
            raise document.error(
                (*path, "when", together[0]), f"axis {together[0]!r} is zipped, so it cannot be absent on its own"
            )
        if grid.ablate is not None:
            self._known({axis: [label] for axis, label in grid.ablate.items()}, ("ablate",))
            if missing := [axis for axis in self.axes if axis not in grid.ablate]:
                raise document.error(
                    (*path, "ablate"), f"the baseline has no label of axis {missing[0]!r}", f"add `{missing[0]}: …`"
                )

    def _known(self, partial: dict[str, list[str]], path: DocPath) -> None:
        for axis, labels in partial.items():
            if axis not in self.grid.axes:
                raise self.document.error((*self.path, *path, axis), f"no axis {axis!r} here", did_you_mean(axis, self.axes))
            for label in labels:
                if label not in self.grid.axes[axis]:
                    mend = did_you_mean(label, self.grid.axes[axis])
                    raise self.document.error((*self.path, *path, axis), f"axis {axis!r} has no level {label!r}", mend)

    def _choices(self) -> Iterator[tuple[int, ...]]:
        """Yield the level number of every axis, for each combination."""
        groups = [group for group in self.grid.zip if group]
        together = {axis: group for group in groups for axis in group}
        leaders = [axis for axis in self.axes if axis not in together or together[axis][0] == axis]
        if not groups:
            yield from product(*(range(len(labels)) for labels in self.labels))
            return
        for choice in product(*(range(len(self.grid.axes[axis])) for axis in leaders)):
            chosen = dict(zip(leaders, choice, strict=True))
            yield tuple(chosen[together[axis][0]] if axis in together else chosen[axis] for axis in self.axes)

    def cells(self, stage: str, sections: "_Sections") -> Iterator[Cell]:
        number = [{label: i for i, label in enumerate(labels)} for labels in self.labels]
        position = {axis: i for i, axis in enumerate(self.axes)}

        def rule(partial: dict[str, list[str]]) -> list[tuple[int, set[int]]]:
            return [(position[axis], {number[position[axis]][label] for label in labels}) for axis, labels in partial.items()]

        excluded = [rule(partial) for partial in self.grid.exclude]
        conditions = [(position[axis], rule(partial)) for axis, partial in self.grid.when.items()]
        baseline = None
        if self.grid.ablate is not None:
            baseline = tuple(number[i][self.grid.ablate[axis]] for i, axis in enumerate(self.axes))
        makers = [sections.maker(name, self) for name in SECTIONS]
        names = self.axes
        for choice in self._choices():
            if baseline is not None and sum(a != b for a, b in zip(choice, baseline, strict=True)) > 1:
                continue
            if conditions:
                absent = {axis for axis, partial in conditions if not all(choice[i] in allowed for i, allowed in partial)}
                if any(choice[axis] for axis in absent):
                    continue  # the first level stands for the absent axis, the others would repeat the cell
                choice = tuple(-1 if i in absent else level for i, level in enumerate(choice))
                labels = {names[i]: self.labels[i][level] for i, level in enumerate(choice) if level >= 0}
            if excluded and any(all(choice[i] in allowed for i, allowed in partial) for partial in excluded):
                continue
            if not conditions:
                labels = {axis: labels[level] for axis, labels, level in zip(names, self.labels, choice, strict=True)}
            yield Cell(stage, labels, *[make(choice) for make in makers])


class _Sections:
    """Merges, checks and hashes each distinct section once."""

    def __init__(self, document: Document, suite: SuiteFile, stage: str, spec: Stage):
        self.document, self.spec, self.stage = document, spec, stage
        self.folder = Path(document.file).parent
        raw = document.data
        self.base = {"data": raw["data"], **raw["base"]}
        self.base_paths: dict[str, DocPath] = {
            "data": ("data",),
            "model": ("base", "model"),
            "train": ("base", "train"),
        }

    def maker(self, name: str, levels: _Levels) -> Callable[[tuple[int, ...]], Section]:
        """Return the function from level numbers to the section `name`."""
        involved = [i for i, affects in enumerate(levels.affects) if name in affects]
        cache: dict[tuple[int, ...], Section] = {}

        def make(choice: tuple[int, ...]) -> Section:
            key = tuple([choice[i] for i in involved])
            section = cache.get(key)
            if section is None:
                section = cache[key] = self._section(name, levels, [(i, choice[i]) for i in involved if choice[i] >= 0])
            return section

        return make

    def _section(self, name: str, levels: _Levels, chosen: list[tuple[int, int]]) -> Section:
        layers: list[tuple[Any, DocPath]] = [(self.base.get(name, {}), self.base_paths[name])]
        if name in self.spec.patch:
            layers.append((self.spec.patch[name], ("stages", self.stage, "patch", name)))
        for axis, level in chosen:
            label = levels.labels[axis][level]
            patch = levels.grid.axes[levels.axes[axis]][label]
            if name in patch:
                layers.append((patch[name], (*levels.path, "axes", levels.axes[axis], label, name)))
        value: Any = {}
        for patch, _ in layers:
            value = merged(value, patch)

        def place(loc: DocPath) -> str:
            for cut in range(len(loc), -1, -1):  # the latest layer that says this very thing, else its nearest parent
                for _, path in reversed(layers):
                    if (*path, *loc[:cut]) in self.document.places:
                        return self.document.places[(*path, *loc[:cut])]
            return self.document.place(layers[-1][1])

        config = validated(SECTIONS[name], value, place, name)
        said = config.model_dump(mode="json", exclude_defaults=True, exclude={"path", "weights"})
        digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
        # a file is named relative to the suite that names it, and known by its content
        key = digest
        for field in {"data": ["path"], "model": ["weights"]}.get(name, []):
            if (file := getattr(config, field)) is not None:
                config = config.model_copy(update={field: beside(file, self.folder)})
                key = f"{digest} {getattr(config, field)}"
        return Section(config, digest, key, place)
