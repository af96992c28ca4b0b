"""Which cells the arms of a claim are: laid over the subject, completed, and checked against the cells of the suite.

Every axis on which an arm's cells differ is accounted for exactly once: by the subject `of`, the relation, `each`, `mean_over`,
`across` or `within`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError, did_you_mean
from bench.grammar.cells import SPLIT, Cell, Cells
from bench.grammar.document import DocPath, Document
from bench.reports.claims.base import Side, as_text
from bench.reports.claims.grammar import CLASS, OPERATORS, Patch, patched
from bench.reports.records.arms import Arm

if TYPE_CHECKING:
    from bench.reports.claims.relations import Claim

WAYS_OUT = "it must hold at each: `each: {axis}`; take the mean: `mean_over: {axis}`; or say which: `of: {{{axis}: {level}}}`"


@dataclass(frozen=True)
class ArmFinder:
    """Finds the arms of a claim at one combination of the levels of `each`. at: where the claim stands. each: axis → its
    level."""

    document: Document
    at: DocPath
    claim: "Claim"
    stages: Mapping[str, Cells]
    each: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The levels of `each`, as text."""
        return as_text(self.each)

    @property
    def stage(self) -> str:
        """The stage of the claim's subject. Raises BenchError where it names none and there are several."""
        said = self.claim.of.get("stage") or self.claim.stage
        if said is None and len(self.stages) > 1:
            raise self.error("a claim is of a stage", f"add `stage: …`, one of {', '.join(self.stages)}")
        return str(said or next(iter(self.stages)))

    @property
    def cells(self) -> Cells:
        """The cells of the claim's stage that it does not leave out."""
        return self.of(self.stage, "stage")

    def at_each(self) -> list["ArmFinder"]:
        """Return a finder for each combination of the levels of `each` that cells have; this one, where the claim names none."""
        self._check()
        if not self.claim.each:
            return [self]
        cell_axes = {axis: chosen for axis, chosen in self.claim.each.items() if axis != CLASS}
        levels = {axis: self.levels(axis, chosen, "each") for axis, chosen in cell_axes.items()}
        classes = [{CLASS: name} for name in self.claim.each.get(CLASS) or ()] or [{}]
        there = {tuple(cell.labels.get(axis) for axis in levels) for cell in self._cells_but_for(())}
        combinations = [labels for labels in product(*levels.values()) if labels in there]
        return [
            replace(self, each=dict(zip(levels, labels, strict=True)) | of_class)
            for labels in combinations
            for of_class in classes
        ]

    def levels(self, axis: str, chosen: Sequence[str] | None, *path: str | int) -> list[str]:
        """Return the labels of an axis of the claim's stage: those chosen, else all that its cells have at this level of
        `each`."""
        known = self.cells.levels
        if axis not in known:
            raise self.error(f"stage {self.stage!r} has no axis {axis!r}", self._near_axis(axis, known), *path)
        for label in chosen or ():
            if label not in known[axis]:
                raise self.error(f"axis {axis!r} has no level {label!r}", _near_level(label, axis, known[axis]), *path)
        return list(chosen or known[axis])

    def subject(self) -> Side:
        """Return the claim's subject."""
        return self.side({}, "of")

    def side(self, patch: Patch, *path: str | int) -> Side:
        """Return the subject with an arm laid over it."""
        return self._side(patched(self.claim.of, patch), patch, path)

    def beside(self, labels: Mapping[str, str]) -> Side:
        """Return the subject at a level of one or several axes."""
        return self.side({axis: [label] for axis, label in labels.items()}, self.claim.relation.name)

    def points(self, axes: Mapping[str, Sequence[str] | None]) -> list[tuple[dict[str, str], Side]]:
        """Return every combination of levels that cells have on these axes, and the subject there."""
        levels = {axis: self.levels(axis, chosen, self.claim.relation.name) for axis, chosen in axes.items()}
        there = [cell.labels for cell in self._cells_but_for(levels)]
        combinations = [dict(zip(levels, labels, strict=True)) for labels in product(*levels.values())]
        return [
            (labels, self.beside(labels))
            for labels in combinations
            if any(labels.items() <= of_cell.items() for of_cell in there)
        ]

    def _cells_but_for(self, free: Iterable[str]) -> list[Cell]:
        """Return the claim's cells with the subject's labels at this level of `each`, but for those on some axes."""
        cells, free = self.cells, set(free)
        said = {axis: labels for axis, labels in self.claim.of.items() if isinstance(labels, list) and axis not in free}
        wanted = said | {axis: [label] for axis, label in self.each.items()}
        return cells.where({axis: labels for axis, labels in wanted.items() if axis in cells.levels})

    def of(self, stage: str, *path: str | int) -> Cells:
        """Return the cells of a stage that the claim does not leave out."""
        if stage not in self.stages:
            raise self.error(f"no stage {stage!r}", did_you_mean(stage, self.stages), *path)
        cells = self.stages[stage]
        if not self.claim.exclude:
            return cells
        return Cells(cell for cell in cells if not any(_matches(cell, partial) for partial in self.claim.exclude))

    def error(self, message: str, mend: str, *path: str | int) -> BenchError:
        return self.document.error((*self.at, *path), message, mend)

    # ------------------------------------------------------------ resolving

    def _side(self, arm: Patch, said: Mapping[str, Any], path: tuple[str | int, ...]) -> Side:
        """Return what a complete arm stands for. said: what it says itself; the rest it has from the arm around it, or from
        `of`."""
        labels = {axis: value for axis, value in arm.items() if axis not in OPERATORS and value is not None}
        own = self._arm(labels, said, path)
        operator = next((name for name in OPERATORS if arm.get(name) is not None), "")
        if not operator:
            return Side(own)
        inner = arm[operator]
        if not inner:
            raise self.error(f"`{operator}` says nothing that differs", "name the other arm, {AXIS: LABEL}", *path, operator)
        other = self._side(patched(labels, inner), inner, (*path, operator))
        return Side(own, other, operator)

    def _arm(self, arm: Mapping[str, Any], said: Mapping[str, Any], path: tuple[str | int, ...]) -> Arm:
        stage = arm.get("stage") or self.stage
        cells = self.of(stage, *path, "stage")
        levels = cells.levels
        wanted: dict[str, list[str]] = {}
        at = {axis: label for axis, label in self.each.items() if axis != CLASS}
        if doubled := [axis for axis in at if axis in said]:
            axis = doubled[0]
            raise self.error(f"axis {axis!r} stands in `each` too", "take it out of one of them", *path, axis)
        for axis, labels in {**arm, **{axis: [label] for axis, label in at.items()}}.items():
            if axis == "stage" or (axis not in levels and axis not in said and stage != self.stage):
                continue  # another stage's arm takes over the axes that it has
            if axis not in levels:
                raise self.error(f"stage {stage!r} has no axis {axis!r}", self._near_axis(axis, levels), *path, axis)
            for label in labels:
                if label not in levels[axis]:
                    raise self.error(f"axis {axis!r} has no level {label!r}", _near_level(label, axis, levels[axis]), *path, axis)
            wanted[axis] = labels
        means = {axis: chosen or levels[axis] for axis, chosen in self.claim.mean_over.items() if axis in levels}
        crossed = any(cell.crossed for cell in cells) and SPLIT not in wanted and SPLIT not in means
        splits = {SPLIT: levels[SPLIT]} if crossed else {}
        matches = cells.where(wanted | means | splits)
        if not matches:
            text = ", ".join(f"{axis}={'|'.join(labels)}" for axis, labels in (wanted | means).items())
            raise self.error(f"stage {stage!r} has no cell {text}", "choose labels that occur together", *path)
        free = [axis for axis in levels if axis not in wanted and axis not in means and axis not in splits]
        if loose := [axis for axis in free if len({cell.labels.get(axis) for cell in matches}) > 1]:
            axis = loose[0]
            mend = WAYS_OUT.format(axis=axis, level=levels[axis][0])
            raise self.error(f"axis {axis!r} is open: {_side_name(path)} has cells of all its levels", mend, *path)
        texts = {axis: _mean_of(labels, levels[axis]) for axis, labels in (wanted | means).items()}
        averaged = tuple(sorted(axis for axis, labels in (wanted | means).items() if axis in means or len(labels) > 1))
        return Arm(stage, texts, tuple(matches), averaged, self._members(matches))

    def _members(self, cells: Iterable[Cell]) -> tuple[Cell, ...]:
        """Return the cells whose trials vote in those of some cells that are ensembles."""
        stages = dict.fromkeys(stage for cell in cells if cell.ensemble for stage in cell.ensemble.config.stages)
        return tuple(cell for stage in stages for cell in self.stages[stage])

    def _near_axis(self, axis: str, levels: Mapping[str, list[str]]) -> str:
        """Say what was meant by an axis that is none: it may be a level."""
        if of := next((known for known, labels in levels.items() if axis in labels), None):
            return f"{axis!r} is a level: write `{of}: {axis}`"
        return did_you_mean(axis, [*levels, "stage"])

    # ------------------------------------------------------------ every axis once

    def _check(self) -> None:
        """Check that the axes that the claim names are there, and that none is accounted for twice."""
        claim, known, name = self.claim, self.cells.levels, self.claim.relation.name
        every = self.stages[self.stage].levels
        for axis, labels in ((axis, labels) for partial in claim.exclude for axis, labels in partial.items()):
            if axis not in every:
                raise self.error(f"stage {self.stage!r} has no axis {axis!r}", self._near_axis(axis, known), "exclude")
            if missing := [label for label in labels if label not in every[axis]]:
                mend = did_you_mean(missing[0], every[axis])
                raise self.error(f"axis {axis!r} has no level {missing[0]!r}", mend, "exclude")
        pinned = {axis: None for axis in claim.of if axis != "stage" and axis not in OPERATORS and claim.of[axis] is not None}
        own = {axis: None for axis in claim.relation.axes(claim) if axis != "class"}
        each = {axis: chosen for axis, chosen in claim.each.items() if axis != CLASS}
        parts: dict[str, Mapping[str, Any]] = {"of": pinned, name: own, "each": each, "mean_over": claim.mean_over}
        parts |= {key: {axis: None for axis in getattr(claim, key) if axis != "class"} for key in ("across", "within")}
        if claim.relation.pins_its_axes or claim.across:
            parts.pop(name)  # the subject is one of their levels, or they stand in `across` and `within`
        seen: dict[str, str] = {}
        for key, axes in parts.items():
            for axis, chosen in axes.items():
                if axis in seen:
                    mend = f"take it out of one of them ({axis!r} is accounted for once)"
                    raise self.error(f"axis {axis!r} stands in both `{seen[axis]}` and `{key}`", mend, key)
                seen[axis] = key
                if key != "of":
                    self.levels(axis, chosen, key)


def _matches(cell: Cell, partial: Mapping[str, Sequence[str]]) -> bool:
    return all(cell.labels.get(axis) in labels for axis, labels in partial.items())


def _mean_of(labels: Sequence[str], levels: Sequence[str]) -> str:
    if len(labels) == 1:
        return labels[0]
    return "all (mean)" if set(labels) == set(levels) else f"{' and '.join(labels)} (mean)"


def _near_level(label: str, axis: str, levels: Sequence[str]) -> str:
    if label == "all":
        return f"all levels together are `mean_over: {axis}`; that it must hold at each is `each: {axis}`"
    return did_you_mean(label, levels)


def _side_name(path: tuple[str | int, ...]) -> str:
    return f"`{path[0]}`" if path else "the subject"
