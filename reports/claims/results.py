"""What became of claims, as data."""

from dataclasses import dataclass, field

from bench.reports.statistics import Comparison

Due = dict[tuple[str, tuple], int]
"""(stage, labels) of a cell → the look, from 0, for which its seeds are due."""


@dataclass(frozen=True)
class ContrastResult:
    """What became of one contrast of a claim; a claim with `each: AXIS` has one for each level.

    p: of the hypothesis that the verdict turns on (of no difference; for `equivalent`, of a difference that reaches the
    margin). holm: p corrected within the family. detectable: the difference (for times the factor) found with 80 % power.
    preliminary: whether some of its trials are still to run, so that the verdict may change.
    """

    label: str
    contrast: str
    result: Comparison
    p: float | None
    holm: float | None
    equivalence_p: float | None
    verdict: str
    why: str
    detectable: float | None
    seeds_needed: int | None
    run_ids: tuple[str, ...]
    look: int = 0
    preliminary: bool = False


@dataclass(frozen=True)
class ClaimResult:
    """A claim and what became of it. holds: whether the sentence may be said; None while nobody knows.

    ratio: the multiple of the right arm that the left one was held against, if any. m: size of its family. alpha: level of
    each look. look: how many looks it took, "" where only one was declared.
    """

    name: str
    says: str
    kind: str
    metric: str
    margin: float | None
    test: str
    family: str
    m: int
    alpha: float
    look: str
    parts: list[ContrastResult]
    verdict: str
    holds: bool | None
    ratio: float | None = None


@dataclass(frozen=True)
class Judgement:
    """All claims, and the cells whose next seeds are due."""

    claims: list[ClaimResult]
    due: Due = field(default_factory=dict)
