"""Two metrics go together, over cells or over classes."""

from collections.abc import Mapping
from typing import Literal

from bench.config import Fraction
from bench.reports.claims.arms import ArmFinder
from bench.reports.claims.base import ClaimContrast, ClaimKind, ClaimSpec, Measured, Question, at_shared
from bench.reports.records.arms import Arm
from bench.reports.records.derived import class_pairs
from bench.reports.statistics import correlation
from bench.trackers.record import Outcome

LEAST = 4
"""Cells from which on a correlation says something."""


class Correlation(ClaimSpec):
    """Two metrics go together, over the cells that `where` leaves, or over the classes where both metrics hold a `*`.

    Seeds are averaged first: the sample is the cells or classes, not the seeds.
    """

    kind: Literal["correlation"]
    x: str
    y: str
    direction: Literal["positive", "negative"]
    method: Literal["pearson", "spearman"] = "pearson"
    margin: Fraction | None = None
    """Largest correlation that does not matter."""


class OfCorrelation(ClaimKind):
    spec = Correlation
    sample = "items"
    effect = "correlation"

    def contrast(self, claim: Correlation, label: str, arms: ArmFinder) -> ClaimContrast:
        cells = arms.cells()
        if ("*" in claim.x) != ("*" in claim.y) or claim.x.count("*") > 1 or claim.y.count("*") > 1:
            mend = "write `*` once in both metrics, for the class, or in neither"
            raise arms.error("a correlation is over classes or over cells", mend, "x")
        if "*" in claim.x:
            return ClaimContrast(label, (arms.arm({}),))
        chosen = {**claim.where, **arms.each}
        arm = arms.arm({axis: ["all"] for axis in cells.levels if axis not in chosen})
        if len(arm.cells) < LEAST:
            raise arms.error(f"a correlation over {len(arm.cells)} cells says nothing", "leave at least four")
        return ClaimContrast(label, tuple(Arm(arm.stage, cell.labels, (cell,)) for cell in arm.cells))

    def measure(self, question: Question) -> Measured:
        claim, run_ids = question.claim, None
        if "*" in claim.x:
            arm = question.contrast.arms[0]
            records = question.trials.of(arm, question.seeds)
            runs = [record.run for record in records if record.run and record.outcome is Outcome.FINISHED]
            points = list(class_pairs([run.metrics for run in runs], claim.x, claim.y).values())
            run_ids = tuple(run.run_id for run in runs)
        else:  # every cell with x, then every cell with y
            means = [sum(arm.values.values()) / len(arm.values) for arm in question.arms]
            points = list(zip(means[: len(means) // 2], means[len(means) // 2 :], strict=True))
        x, y = ([point[i] for point in points] for i in (0, 1))
        return Measured(correlation(x, y, method=claim.method, confidence=question.confidence), run_ids=run_ids)

    def direction(self, claim: Correlation) -> int:
        return 1 if claim.direction == "positive" else -1

    def text(self, contrast: ClaimContrast) -> str:
        return at_shared(f"{len(contrast.arms)} cells" if len(contrast.arms) > 1 else "classes", contrast)

    def is_vacuous(self, contrast: ClaimContrast) -> bool:
        return False  # its arms are the cells that it is over

    def widest(self, span: float, contrast: ClaimContrast) -> float:
        return 1.0

    def metrics(self, claim: Correlation) -> Mapping[str, str]:
        return {"x": claim.x, "y": claim.y}

    def test(self, claim: Correlation) -> str:
        return claim.method


KINDS = (OfCorrelation(),)
