"""Which contrasts a claim is: those of its relation, at each level of `each`."""

from collections.abc import Mapping
from dataclasses import replace

from bench.grammar.cells import Cells
from bench.grammar.document import Document
from bench.grammar.metrics import by_name
from bench.reports.claims.arms import ArmFinder
from bench.reports.claims.base import ClaimContrast, Requirement, names_of
from bench.reports.claims.grammar import CLASS, Condition
from bench.reports.claims.relations import RELATIONS, Claim


def contrasts(document: Document, name: str, claim: Claim, stages: Mapping[str, Cells]) -> list[ClaimContrast]:
    """Return a claim's contrasts. BenchError, with file and line, for a stage, axis, label or cell that is not there."""
    finder = ArmFinder(document, ("claims", name), claim, stages)
    result: list[ClaimContrast] = []
    for find in finder.at_each():
        requires = tuple(_required(find, i, condition) for i, condition in enumerate(claim.requires))
        for contrast in _judged(find):
            label = "; ".join(filter(None, (find.label, contrast.label)))
            result.append(replace(contrast, label=label, requires=requires, of_class=find.each.get(CLASS, "")))
    return result


def _judged(find: ArmFinder) -> list[ClaimContrast]:
    """Return the contrasts of a claim at one combination of the levels of `each`."""
    result = []
    for contrast in find.claim.relation.contrasts(find.claim, find):
        _check_means(contrast, find)
        result.append(replace(contrast, ratio=_is_ratio(find.claim, contrast, find)))
    return result


def _required(find: ArmFinder, i: int, condition: Condition) -> Requirement:
    """Return a precondition, with what it has from its claim. Raises BenchError where an arm is not there."""
    claim = find.claim
    said = {key: value for key in ("metric", "stage", "of") if (value := getattr(condition, key)) is not None}
    chance = condition.above_chance is not None
    relation = "higher_than" if chance else condition.relation
    settings = {"metric": claim.measure, "spread": None, "requires": [], "margin": condition.margin, "test": None, **said}
    own = dict.fromkeys(RELATIONS) | {relation: 0.0 if chance else getattr(condition, relation)}
    required = claim.model_copy(update=settings | own | {"across": {}, "within": {}, "scale": None})
    finder = replace(find, claim=required, at=(*find.at, "requires", i))
    (contrast,) = _judged(finder)
    return Requirement(required, contrast, condition.above_chance)


def _check_means(contrast: ClaimContrast, find: ArmFinder) -> None:
    """Check that arms that are means over the same axis have the same levels there: they would differ by that. Raises
    BenchError."""
    first, *others = contrast.arms
    for other in others:
        axes = [axis for axis in first.averaged if axis in other.averaged and first.labels[axis] == other.labels[axis]]
        if lacking := first.points(axes) ^ other.points(axes):
            point = min(lacking, key=str)
            place = ", ".join(f"{axis}={label}" for axis, label in zip(axes, point, strict=True))
            which = names_of((first, other))[0 if point in other.points(axes) else 1]
            mend = f"average the same levels in both: name them, `mean_over: {{{axes[0]}: […]}}`"
            raise find.error(f"{which} has no cell at {place}, over which the arm it is compared with is averaged", mend)


def _is_ratio(claim: Claim, contrast: ClaimContrast, find: ArmFinder) -> bool:
    """Whether logarithms are compared: of what is divided, and of times. Raises BenchError where both are mixed with
    differences."""
    if claim.spread is not None and any(side.other for side in contrast.sides):
        raise find.error("a spread is that of one arm, and this is of two", "take `minus` or `divided_by` out")
    if claim.spread is not None or claim.relation.kind == "a metric":
        return False
    divided = any(side.divides for side in contrast.sides)
    is_ratio = divided or by_name(claim.metric).is_ratio
    if is_ratio and any(side.subtracts for side in contrast.sides):
        raise find.error(f"{claim.metric} is compared by ratios, and a difference is taken", "write `divided_by` for `minus`")
    return is_ratio
