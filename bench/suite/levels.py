"""The combinations of the levels of one grid."""

from collections.abc import Iterator
from itertools import product

from bench.errors import did_you_mean
from bench.grammar.cells import SPLIT
from bench.grammar.document import DocPath, Document
from bench.grammar.stages import Grid


class Levels:
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
                counts = ", ".join(f"{axis} {n}" for axis, n in lengths.items())
                raise document.error((*path, "zip", i), f"zipped axes need as many levels each ({counts})", "add or drop levels")
        zipped = [axis for group in grid.zip for axis in group]
        if twice := {axis for axis in zipped if zipped.count(axis) > 1}:
            raise document.error((*path, "zip"), f"axis {min(twice)!r} is zipped twice", "put all of them into one group")
        if together := [axis for axis in grid.when if axis in zipped]:
            raise document.error(
                (*path, "when", together[0]), f"axis {together[0]!r} is zipped, so it cannot be absent on its own"
            )
        if grid.ablate is not None:
            self._known({axis: [label] for axis, label in grid.ablate.items()}, ("ablate",))
            if missing := [axis for axis in self.axes if axis not in (*grid.ablate, SPLIT)]:
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

    def combinations(self) -> Iterator[tuple[tuple[int, ...], dict[str, str]]]:
        """Yield each combination that the grid keeps: the level number of every axis, -1 where it is absent, and its labels."""
        number = [{label: i for i, label in enumerate(labels)} for labels in self.labels]
        position = {axis: i for i, axis in enumerate(self.axes)}

        def rule(partial: dict[str, list[str]]) -> list[tuple[int, set[int]]]:
            return [(position[axis], {number[position[axis]][label] for label in labels}) for axis, labels in partial.items()]

        excluded = [rule(partial) for partial in self.grid.exclude]
        conditions = [(position[axis], rule(partial)) for axis, partial in self.grid.when.items()]
        baseline = None
        if self.grid.ablate is not None:
            own = self.grid.ablate
            baseline = tuple(number[i][own[axis]] if axis in own else None for i, axis in enumerate(self.axes))  # each split
        names = self.axes
        for choice in self._choices():
            if baseline is not None and sum(a != b is not None for a, b in zip(choice, baseline, strict=True)) > 1:
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
            yield choice, labels
