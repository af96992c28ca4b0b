"""Which contrasts a claim is: one, or one for each level of an axis."""

from collections.abc import Mapping

from bench.errors import did_you_mean
from bench.grammar.cells import Cells
from bench.grammar.document import Document
from bench.reports.claims.arms import ArmFinder, spelled
from bench.reports.claims.base import ClaimContrast
from bench.reports.claims.kinds import KINDS, Claim


def contrasts(document: Document, name: str, claim: Claim, stages: Mapping[str, Cells]) -> list[ClaimContrast]:
    """Return a claim's contrasts. BenchError, with file and line, for a stage, axis, label or cell that is not there."""
    at, kind = ("claims", name), KINDS[claim.kind]
    arms = ArmFinder(document, at, claim, stages)
    if claim.each is None:
        return [kind.contrast(claim, "", arms)]
    stage = kind.stage(claim)
    levels = arms.of(stage, "stage").levels
    if claim.each not in levels:
        raise arms.error(f"stage {stage!r} has no axis {claim.each!r}", did_you_mean(claim.each, levels), "each")
    chosen = spelled(claim.where.get(claim.each, ["all"]), levels[claim.each])
    if len(chosen) == 1 and claim.each in claim.where:
        raise arms.error(f"axis {claim.each!r} is pinned by `where` already", "take it out of one of them", "each")
    return [
        kind.contrast(claim, f"{claim.each}={level}", ArmFinder(document, at, claim, stages, {claim.each: [level]}))
        for level in chosen
    ]
