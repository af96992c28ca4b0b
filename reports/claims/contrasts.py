"""Which cells a claim compares: its arms, resolved and checked against the cells of the suite."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.errors import did_you_mean
from bench.grammar.cells import Cells
from bench.grammar.document import DocPath, Document
from bench.reports.claims.grammar import Claim, Comparing, Correlation, Equivalent, Interaction
from bench.reports.records.arms import Arm


@dataclass(frozen=True)
class Contrast:
    """One comparison of a claim. arms: left, right; or first and second of the left, then of the right; or one a level of a
    trend; or one a cell of a correlation. scores: the levels' positions along a trend. number: what the only arm is compared
    with, where the right side is no arm."""

    label: str
    arms: tuple[Arm, ...]
    scores: tuple[float, ...] = ()
    number: float | None = None

    @property
    def text(self) -> str:
        """Return what is compared with what; what all arms share comes last."""
        if self.number is not None:
            return f"{_text(self.arms[0].labels) or self.arms[0].stage} vs {self.number:g}"
        shared = {axis: text for axis, text in self.arms[0].labels.items() if all(a.labels.get(axis) == text for a in self.arms)}
        apart = [{axis: text for axis, text in arm.labels.items() if axis not in shared} for arm in self.arms]
        own = [_text(labels) or arm.stage for labels, arm in zip(apart, self.arms, strict=True)]
        if self.scores:  # levels of one axis
            told = " → ".join([own[0], *(text for labels in apart[1:] for text in labels.values())])
        elif len(own) == 4:
            told = f"({own[0]} − {own[1]}) vs ({own[2]} − {own[3]})"
        elif len(own) == 2:
            told = " vs ".join(own)
        else:
            told = f"{len(own)} cells" if len(own) > 1 else "classes"  # of a correlation
        return f"{told} at {_text(shared)}" if shared else told


def contrasts(document: Document, name: str, claim: Claim, stages: Mapping[str, Cells]) -> list[Contrast]:
    """Return a claim's contrasts. BenchError, with file and line, for a stage, axis, label or cell that is not there."""
    at = ("claims", name)
    if claim.each is None:
        return [_contrast(document, at, claim, {}, "", stages)]
    stage = claim.stage or _first_stage(claim)
    cells = _stage(document, (*at, "stage"), stage, stages)
    levels = cells.levels
    if claim.each not in levels:
        mend = did_you_mean(claim.each, levels)
        raise document.error((*at, "each"), f"stage {stage!r} has no axis {claim.each!r}", mend)
    chosen = _spelled(claim.where.get(claim.each, ["all"]), levels[claim.each])
    if len(chosen) == 1 and claim.each in claim.where:
        raise document.error((*at, "each"), f"axis {claim.each!r} is pinned by `where` already", "take it out of one of them")
    return [_contrast(document, at, claim, {claim.each: [level]}, f"{claim.each}={level}", stages) for level in chosen]


def _contrast(
    document: Document, at: DocPath, claim: Claim, each: dict[str, list[str]], label: str, stages: Mapping[str, Cells]
) -> Contrast:
    def arm(chosen: Mapping[str, list[str]], path: DocPath) -> Arm:
        own = dict(chosen)
        named = own.pop("stage", None) or ([claim.stage] if claim.stage else [])
        if len(named) != 1:
            raise document.error(path, "an arm is of one stage", "add `stage: …` to the claim or to the arm")
        return _arm(document, path, named[0], {**claim.where, **each, **own}, stages)

    if isinstance(claim, (Comparing, Equivalent)):
        left = arm(claim.left, (*at, "left"))
        if not isinstance(claim.right, dict):
            return Contrast(label, (left,), number=claim.right)
        return Contrast(label, (left, arm(claim.right, (*at, "right"))))
    if isinstance(claim, Interaction):
        pairs = [(side, i) for side in ("left", "right") for i in (0, 1)]
        return Contrast(label, tuple(arm(getattr(claim, side)[i], (*at, side, i)) for side, i in pairs))
    if claim.stage is None:
        raise document.error(at, f"a claim of kind {claim.kind} needs a stage", "add `stage: …`")
    cells = _stage(document, (*at, "stage"), claim.stage, stages)
    levels = cells.levels
    if isinstance(claim, Correlation):
        return _correlation(document, at, claim, each, label, claim.stage, cells)
    if claim.along not in levels:
        raise document.error(
            (*at, "along"), f"stage {claim.stage!r} has no axis {claim.along!r}", did_you_mean(claim.along, levels)
        )
    along = _spelled(claim.where.get(claim.along, ["all"]), levels[claim.along])
    if len(along) < 2:
        raise document.error((*at, "along"), f"a trend needs two levels of axis {claim.along!r}", "leave it out of `where`")
    arms = tuple(arm({claim.along: [level]}, at) for level in along)
    return Contrast(label, arms, _scores(along))


def _correlation(
    document: Document, at: DocPath, claim: Correlation, each: dict[str, list[str]], label: str, stage: str, cells: Cells
) -> Contrast:
    if ("*" in claim.x) != ("*" in claim.y) or claim.x.count("*") > 1 or claim.y.count("*") > 1:
        mend = "write `*` once in both metrics, for the class, or in neither"
        raise document.error((*at, "x"), "a correlation is over classes or over cells", mend)
    chosen = {**claim.where, **each}
    if "*" in claim.x:
        return Contrast(label, (_arm(document, at, stage, chosen, {stage: cells}),))
    arm = _arm(document, at, stage, {axis: ["all"] for axis in cells.levels} | chosen, {stage: cells})
    if len(arm.cells) < 4:
        raise document.error(at, f"a correlation over {len(arm.cells)} cells says nothing", "leave at least four")
    return Contrast(label, tuple(Arm(stage, cell.labels, (cell,)) for cell in arm.cells))


def _arm(document: Document, path: DocPath, stage: str, chosen: Mapping[str, list[str]], stages: Mapping[str, Cells]) -> Arm:
    cells = _stage(document, (*path, "stage"), stage, stages)
    levels = cells.levels
    wanted: dict[str, list[str]] = {}
    for axis, labels in chosen.items():
        if axis not in levels:
            raise document.error((*path, axis), f"stage {stage!r} has no axis {axis!r}", did_you_mean(axis, [*levels, "stage"]))
        wanted[axis] = _spelled(labels, levels[axis])
        for label in wanted[axis]:
            if label not in levels[axis]:
                mend = did_you_mean(label, levels[axis])
                raise document.error((*path, axis), f"axis {axis!r} has no level {label!r}", mend)
    found = cells.where(wanted)
    if not found:
        told = ", ".join(f"{axis}={'|'.join(labels)}" for axis, labels in wanted.items())
        raise document.error(path, f"stage {stage!r} has no cell {told}", "choose labels that occur together")
    loose = [axis for axis in levels if axis not in wanted and len({cell.labels.get(axis) for cell in found}) > 1]
    if loose:
        mend = f"pin it, `{loose[0]}: {levels[loose[0]][0]}`, or take the mean over it, `{loose[0]}: all`"
        raise document.error(path, f"axis {loose[0]!r} varies within the arm", mend)
    return Arm(stage, {axis: _mean_of(labels, levels[axis]) for axis, labels in wanted.items()}, tuple(found))


def _stage(document: Document, path: DocPath, stage: str, stages: Mapping[str, Cells]) -> Cells:
    if stage not in stages:
        raise document.error(path, f"no stage {stage!r}", did_you_mean(stage, stages))
    return stages[stage]


def _first_stage(claim: Claim) -> str:
    if isinstance(claim, Interaction):
        return claim.left[0].get("stage", [""])[0]
    return claim.left.get("stage", [""])[0] if isinstance(claim, (Comparing, Equivalent)) else ""


def _spelled(labels: list[str], levels: list[str]) -> list[str]:
    return levels if labels == ["all"] and "all" not in levels else labels


def _mean_of(labels: list[str], levels: list[str]) -> str:
    if len(labels) == 1:
        return labels[0]
    return "all (mean)" if set(labels) == set(levels) else f"{' and '.join(labels)} (mean)"


def _scores(labels: list[str]) -> tuple[float, ...]:
    """Return the positions of levels: their values where all are numbers, else their order."""
    try:
        return tuple(float(label) for label in labels)
    except ValueError:
        return tuple(float(i) for i in range(len(labels)))


def _text(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{axis}={text}" for axis, text in labels.items())
