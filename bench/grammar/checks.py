"""Whether the axes and labels exist that a part of a suite names."""

from collections.abc import Mapping, Sequence

from bench.errors import did_you_mean
from bench.grammar.cells import Cells
from bench.grammar.document import DocPath, Document


def levels_of(document: Document, at: DocPath, stage: str, stages: Mapping[str, Cells]) -> dict[str, list[str]]:
    """Return the labels of each axis of a stage."""
    if stage not in stages:
        raise document.error((*at, "stage"), f"no stage {stage!r}", did_you_mean(stage, stages))
    return stages[stage].levels


def check_axes(
    document: Document,
    at: DocPath,
    parts: Mapping[str, Sequence[str]],
    where: Mapping[str, Sequence[str]],
    stage: str,
    known: Mapping[str, Sequence[str]],
) -> None:
    """Check that axes and labels exist."""
    for part, axes in (*parts.items(), ("where", list(where))):
        for axis in axes:
            if axis not in known:
                raise document.error((*at, part), f"stage {stage!r} has no axis {axis!r}", did_you_mean(axis, known))
    for axis, labels in where.items():
        for text in labels:
            if text not in known[axis]:
                mend = did_you_mean(text, known[axis])
                raise document.error((*at, "where", axis), f"axis {axis!r} has no level {text!r}", mend)
