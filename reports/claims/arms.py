"""Which cells the arms of a claim are: resolved and checked against the cells of the suite."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.errors import BenchError, did_you_mean
from bench.grammar.cells import Cells
from bench.grammar.document import DocPath, Document
from bench.reports.records.arms import Arm


@dataclass(frozen=True)
class ArmFinder:
    """Finds the arms of a claim at one level of `each`. at: where the claim stands. each: the axis of `each` → its level."""

    document: Document
    at: DocPath
    claim: Any
    stages: Mapping[str, Cells]
    each: Mapping[str, list[str]] = field(default_factory=dict)

    def arm(self, chosen: Mapping[str, list[str]], *path: str | int) -> Arm:
        """Return the cells of an arm. chosen: axis → labels, and `stage` where it is not the claim's. path: its keys.

        Raises BenchError for a stage, axis, label or cell that is not there, and for an axis that is left open.
        """
        labels = dict(chosen)
        named = labels.pop("stage", None) or ([self.claim.stage] if self.claim.stage else [])
        if len(named) != 1:
            raise self.error("an arm is of one stage", "add `stage: …` to the claim or to the arm", *path)
        return self._of_stage(named[0], {**self.claim.where, **self.each, **labels}, path)

    def cells(self) -> Cells:
        """Return the cells of the claim's own stage. Raises BenchError where it names none."""
        if self.claim.stage is None:
            raise self.error(f"a claim of kind {self.claim.kind} needs a stage", "add `stage: …`")
        return self.of(self.claim.stage, "stage")

    def levels(self, axis: str, key: str) -> list[str]:
        """Return the labels of an axis of the claim's stage that `where` leaves. key: what names the axis in the claim."""
        known = self.cells().levels
        if axis not in known:
            raise self.error(f"stage {self.claim.stage!r} has no axis {axis!r}", did_you_mean(axis, known), key)
        return spelled(self.claim.where.get(axis, ["all"]), known[axis])

    def of(self, stage: str, *path: str | int) -> Cells:
        """Return the cells of a stage."""
        if stage not in self.stages:
            raise self.error(f"no stage {stage!r}", did_you_mean(stage, self.stages), *path)
        return self.stages[stage]

    def error(self, message: str, mend: str, *path: str | int) -> BenchError:
        return self.document.error((*self.at, *path), message, mend)

    def _of_stage(self, stage: str, chosen: Mapping[str, list[str]], path: tuple[str | int, ...]) -> Arm:
        cells = self.of(stage, *path, "stage")
        levels = cells.levels
        wanted: dict[str, list[str]] = {}
        for axis, labels in chosen.items():
            if axis not in levels:
                raise self.error(f"stage {stage!r} has no axis {axis!r}", did_you_mean(axis, [*levels, "stage"]), *path, axis)
            wanted[axis] = spelled(labels, levels[axis])
            for label in wanted[axis]:
                if label not in levels[axis]:
                    raise self.error(f"axis {axis!r} has no level {label!r}", did_you_mean(label, levels[axis]), *path, axis)
        matches = cells.where(wanted)
        if not matches:
            text = ", ".join(f"{axis}={'|'.join(labels)}" for axis, labels in wanted.items())
            raise self.error(f"stage {stage!r} has no cell {text}", "choose labels that occur together", *path)
        loose = [axis for axis in levels if axis not in wanted and len({cell.labels.get(axis) for cell in matches}) > 1]
        if loose:
            mend = f"pin it, `{loose[0]}: {levels[loose[0]][0]}`, or take the mean over it, `{loose[0]}: all`"
            raise self.error(f"axis {loose[0]!r} varies within the arm", mend, *path)
        return Arm(stage, {axis: _mean_of(labels, levels[axis]) for axis, labels in wanted.items()}, tuple(matches))


def spelled(labels: list[str], levels: list[str]) -> list[str]:
    """Return labels with `all` spelled out."""
    return levels if labels == ["all"] and "all" not in levels else labels


def _mean_of(labels: list[str], levels: list[str]) -> str:
    if len(labels) == 1:
        return labels[0]
    return "all (mean)" if set(labels) == set(levels) else f"{' and '.join(labels)} (mean)"
