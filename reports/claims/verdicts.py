"""What a claim's comparison amounts to: one of six verdicts, with the sentence that explains it.

Three hypotheses are tested, each two-sided and corrected within the claim's family: that there is no difference, that the
difference reaches the margin (TOST), and that it stays inside. "Not significant" alone is never "the same".
"""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench.grammar.metrics import TIMES
from bench.reports.claims.outlook import band, span, unsettled
from bench.reports.records.arms import ArmValues, Trials, compared, unlike
from bench.reports.records.derived import class_pairs
from bench.reports.records.predictions import Predictions, crossed_comparison
from bench.reports.statistics import (
    Comparison,
    beyond,
    correlation,
    equivalence,
    interval,
    one_sample,
)
from bench.trackers import StoredRun
from bench.trackers.record import Outcome

if TYPE_CHECKING:
    from bench.reports.claims.contrasts import Contrast
    from bench.reports.claims.grammar import Claim, Comparing, Correlation, Equivalent

SUPPORTED, REFUTED = "supported", "refuted"
EQUIVALENT, NEGLIGIBLE = "equivalent", "different but negligible"
UNRESOLVED, INSUFFICIENT = "unresolved", "insufficient seeds"
SETTLED = (SUPPORTED, REFUTED, EQUIVALENT, NEGLIGIBLE)
NEGATIVE = ("less", "decreasing", "negative")


@dataclass(frozen=True)
class Evidence:
    """What was measured for one contrast, before any correction.

    shown: the comparison as the reader sees it. tested: the same with a claimed ratio divided out, so that 0 (or 1) is the
    hypothesis. p_difference, p_equivalence, p_beyond: of the three hypotheses, None where there is no test.
    """

    shown: Comparison
    tested: Comparison
    arms: list[ArmValues]
    p_difference: float | None
    p_equivalence: float | None
    p_beyond: float | None
    empty: bool = False
    """Whether an arm has no value at all, so that more seeds would not help."""
    remark: str = ""
    run_ids: tuple[str, ...] = ()

    @property
    def common(self) -> set[int]:
        """The seeds for which every arm has a value."""
        return set.intersection(*(set(arm.values) for arm in self.arms)) if self.arms else set()


def gather(
    claim: "Claim", contrast: "Contrast", trials: Trials, seeds: list[int], alpha: float, predictions: Predictions | None
) -> Evidence:
    """Measure one contrast of a claim. predictions: gives a trial's stored predictions, for tests over seeds and images."""
    metrics = [claim.x, claim.y] if claim.kind == "correlation" else [claim.metric]
    arms = [trials.values(arm, metric, seeds) for metric in metrics for arm in contrast.arms if "*" not in metric]
    if contrast.number is not None:
        arms.append(ArmValues(f"{contrast.number:g}", dict.fromkeys(arms[0].values, contrast.number)))
    confidence, ratio, remark = 1 - alpha, 1.0, ""
    if lacking := [arm for arm in arms if not arm.values]:
        reasons = list(dict.fromkeys(lacking[0].without.values())) or ["not run"]
        tested = Comparison(reason=f"there is no result of {lacking[0].name or 'an arm'} ({'; '.join(reasons)})")
        return Evidence(tested, tested, arms, None, None, None, empty=True, run_ids=_run_ids(arms))
    if metrics[0] in TIMES and (reason := unlike(set().union(*(arm.conditions for arm in arms)))):
        tested = Comparison(reason=reason)
    elif claim.kind == "trend":
        tested = _deltas(arms, _slopes(contrast.scores), claim.test, confidence)
    elif claim.kind == "interaction":
        tested = _deltas(arms, (1.0, -1.0, -1.0, 1.0), claim.test, confidence)
    elif claim.kind == "correlation":
        points = _by_class(claim, contrast, trials, seeds) if "*" in claim.x else _by_cell(arms)
        x, y = ([point[i] for point in points] for i in (0, 1))
        tested = correlation(x, y, method=claim.method, confidence=confidence)
    elif claim.test == "crossed":
        left, right = arms
        tested, remark = crossed_comparison(left, right, claim.metric, confidence, predictions)
    else:
        ratio = getattr(claim, "ratio", None) or 1.0
        tested = _two(claim, arms, ratio, confidence)
    shown = tested
    if ratio != 1.0 and tested.difference is not None:
        shown = replace(
            tested,
            difference=tested.difference * ratio,
            ci_low=tested.ci_low and tested.ci_low * ratio,
            ci_high=tested.ci_high and tested.ci_high * ratio,
            deltas={seed: delta * ratio for seed, delta in tested.deltas.items()},
        )
    margin = claim.margin if tested.p is not None else None
    return Evidence(
        shown,
        tested,
        arms,
        tested.p,
        equivalence(tested, margin) if margin else None,
        beyond(tested, margin) if margin else None,
        remark=remark,
        run_ids=_run_ids(arms) if arms else tuple(run.run_id for run in _finished(contrast, trials, seeds)),
    )


def _run_ids(arms: list[ArmValues]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(run_id for arm in arms for run_id in arm.run_ids))


def _finished(contrast: "Contrast", trials: Trials, seeds: list[int]) -> list[StoredRun]:
    """Return the runs of the finished trials of the one arm that a correlation over classes has."""
    return [record.run for record in trials.of(contrast.arms[0], seeds) if record.run and record.outcome is Outcome.FINISHED]


def _two(claim: "Comparing | Equivalent", arms: list[ArmValues], ratio: float, confidence: float) -> Comparison:
    left, right = arms
    log = getattr(claim, "ratio", None) is not None or claim.metric in TIMES
    against = {seed: ratio * value for seed, value in right.values.items()}
    return compared(left.values, against, test=claim.test, ratio=log, confidence=confidence)


def _deltas(arms: list[ArmValues], weights: tuple[float, ...], test: str, confidence: float) -> Comparison:
    """Test a weighted sum of the arms, seed by seed: a double difference, or a slope."""
    common = sorted(set.intersection(*(set(arm.values) for arm in arms)))
    deltas = {seed: math.fsum(w * arm.values[seed] for w, arm in zip(weights, arms, strict=True)) for seed in common}
    scale = max((abs(arm.values[seed]) for arm in arms for seed in common), default=0.0)
    return one_sample(deltas, scale, test=test, confidence=confidence)


def _slopes(scores: tuple[float, ...]) -> tuple[float, ...]:
    """Return weights that give the change along a least-squares line from the first level's position to the last's."""
    middle = sum(scores) / len(scores)
    spread = sum((score - middle) ** 2 for score in scores)
    return tuple((score - middle) / spread * (scores[-1] - scores[0]) for score in scores)


def _by_cell(arms: list[ArmValues]) -> list[tuple[float, float]]:
    """Return x and y of every cell, each averaged over its seeds. arms: every cell with x, then every cell with y."""
    means = [sum(arm.values.values()) / len(arm.values) for arm in arms]
    return list(zip(means[: len(means) // 2], means[len(means) // 2 :], strict=True))


def _by_class(claim: "Correlation", contrast: "Contrast", trials: Trials, seeds: list[int]) -> list[tuple[float, float]]:
    """Return x and y of every class that has both, each averaged over the seeds."""
    stored = [run.metrics for run in _finished(contrast, trials, seeds)]
    return list(class_pairs(stored, claim.x, claim.y).values())


def decide(claim: "Claim", found: Evidence, corrected: tuple[float | None, ...], m: int, alpha: float) -> tuple[str, str]:
    """Return the verdict on one contrast and the sentence that says why.

    corrected: Holm's p of no difference, of a difference that reaches the margin, of one that stays inside. m: family size.
    """
    difference, equal, outside = corrected
    tested, margin = found.tested, claim.margin
    if tested.p is None:
        few = found.empty or len(found.common) < 2
        return (INSUFFICIENT if few else UNRESOLVED), sentence(tested.reason)
    if tested.test == "sign-flip" and tested.smallest_p is not None and tested.smallest_p * m > alpha:
        told = f"the smallest p that n={tested.n} seeds allow is {tested.smallest_p:.4g}"
        told += f", times m={m} in the family" if m > 1 else ""
        return INSUFFICIENT, sentence(f"{told}: above alpha {alpha:.3g}")
    significant = difference is not None and difference <= alpha
    negligible = equal is not None and equal <= alpha
    if negligible and margin is not None and (ends := interval(tested, 1 - 2 * alpha)):
        low, high = ends
        within = (
            f"the {100 * (1 - 2 * alpha):.3g} % interval, {span(low, high, tested.ratio)}, lies within {band(margin, tested)}"
        )
        return (NEGLIGIBLE, f"Significant, but {within}.") if significant else (EQUIVALENT, sentence(within))
    if claim.kind == "equivalent":
        if outside is not None and outside <= alpha:
            return REFUTED, f"Differs by more than the margin, {band(claim.margin, tested)}."
        return UNRESOLVED, unsettled(claim, tested, alpha / m)
    if significant and tested.difference is not None:
        sign = -1 if getattr(claim, "direction", claim.kind) in NEGATIVE else 1
        middle = math.log(tested.difference) if tested.ratio else tested.difference
        if sign * middle > 0:
            return SUPPORTED, "Significant in the direction claimed."
        return REFUTED, "Significant in the opposite direction."
    return UNRESOLVED, unsettled(claim, tested, alpha / m)


def sentence(text: str) -> str:
    """Return part of a sentence as a whole one."""
    return f"{text[:1].upper()}{text[1:]}."
