"""What a claim's comparison amounts to: one of six verdicts, with the sentence that explains it.

Three hypotheses are tested, each two-sided and corrected within the claim's family: that there is no difference, that the
difference reaches the margin (TOST), and that it stays inside. "Not significant" alone is never "the same".
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bench.grammar.metrics import by_name
from bench.reports.claims.base import ClaimContrast, Measured, Question
from bench.reports.claims.kinds import KINDS, Claim
from bench.reports.claims.outlook import band, span, unsettled
from bench.reports.records.arms import ArmValues, Records, unlike
from bench.reports.records.predictions import Predictions
from bench.reports.statistics import Comparison, beyond, equivalence, interval

SUPPORTED, REFUTED = "supported", "refuted"
EQUIVALENT, NEGLIGIBLE = "equivalent", "different but negligible"
UNRESOLVED, INSUFFICIENT = "unresolved", "insufficient seeds"
SETTLED = (SUPPORTED, REFUTED, EQUIVALENT, NEGLIGIBLE)


class PValues(NamedTuple):
    """Of the three hypotheses: no difference, a difference that reaches the margin, one that stays inside. None: no test."""

    difference: float | None = None
    equivalence: float | None = None
    beyond: float | None = None


NO_TEST = PValues()


@dataclass(frozen=True)
class Evidence:
    """What was measured for one contrast, before any correction.

    shown: the comparison as the reader sees it. tested: the same with a claimed ratio divided out, so that 0 (or 1) is the
    hypothesis. empty: whether an arm has no value at all, so that more seeds would not help.
    """

    shown: Comparison
    tested: Comparison
    arms: list[ArmValues]
    p: PValues = NO_TEST
    empty: bool = False
    remark: str = ""
    run_ids: tuple[str, ...] = ()

    @property
    def common(self) -> set[int]:
        """The seeds for which every arm has a value."""
        return set.intersection(*(set(arm.values) for arm in self.arms)) if self.arms else set()


def gather(
    claim: Claim, contrast: ClaimContrast, trials: Records, seeds: Sequence[int], alpha: float, predictions: Predictions | None
) -> Evidence:
    """Measure one contrast of a claim. predictions: gives a trial's stored predictions, for tests over seeds and images."""
    arms = _arms(claim, contrast, trials, seeds)
    run_ids = tuple(dict.fromkeys(run_id for arm in arms for run_id in arm.run_ids))
    if lacking := [arm for arm in arms if not arm.values]:
        reasons = list(dict.fromkeys(lacking[0].without.values())) or ["not run"]
        nothing = Comparison(reason=f"there is no result of {lacking[0].name or 'an arm'} ({'; '.join(reasons)})")
        return Evidence(nothing, nothing, arms, empty=True, run_ids=run_ids)
    if reason := _unlike_times(claim, arms):
        measured = Measured(Comparison(reason=reason))
    else:
        question = Question(claim, contrast, arms, trials, seeds, 1 - alpha, predictions)
        measured = KINDS[claim.kind].measure(question)
    return Evidence(
        shown=measured.shown or measured.tested,
        tested=measured.tested,
        arms=arms,
        p=_p_values(measured.tested, claim.margin),
        remark=measured.remark,
        run_ids=run_ids if measured.run_ids is None else measured.run_ids,
    )


def _arms(claim: Claim, contrast: ClaimContrast, trials: Records, seeds: Sequence[int]) -> list[ArmValues]:
    """Return the values of every metric of a claim, arm by arm; a number that is compared with has it for each seed."""
    metrics = [metric for metric in KINDS[claim.kind].metrics(claim).values() if "*" not in metric]
    arms = [trials.values(arm, metric, seeds) for metric in metrics for arm in contrast.arms]
    if contrast.number is not None:
        arms.append(ArmValues(f"{contrast.number:g}", dict.fromkeys(arms[0].values, contrast.number)))
    return arms


def _unlike_times(claim: Claim, arms: Sequence[ArmValues]) -> str:
    """Say why times cannot be compared; "" for other metrics too."""
    timed = any(by_name(metric).is_ratio for metric in KINDS[claim.kind].metrics(claim).values())
    return unlike(set().union(*(arm.conditions for arm in arms))) if timed else ""


def _p_values(tested: Comparison, margin: float | None) -> PValues:
    if tested.p is None or margin is None:
        return PValues(tested.p)
    return PValues(tested.p, equivalence(tested, margin), beyond(tested, margin))


def decide(claim: Claim, evidence: Evidence, corrected: PValues, m: int, alpha: float) -> tuple[str, str]:
    """Return the verdict on one contrast and the sentence that says why. corrected: by Holm's procedure. m: family size."""
    tested, margin = evidence.tested, claim.margin
    if tested.p is None:
        few = evidence.empty or len(evidence.common) < 2
        return (INSUFFICIENT if few else UNRESOLVED), sentence(tested.reason)
    if tested.test == "sign-flip" and tested.smallest_p is not None and tested.smallest_p * m > alpha:
        reason = f"the smallest p that n={tested.n} seeds allow is {tested.smallest_p:.4g}"
        reason += f", times m={m} in the family" if m > 1 else ""
        return INSUFFICIENT, sentence(f"{reason}: above alpha {alpha:.3g}")
    significant, negligible, outside = (p is not None and p <= alpha for p in corrected)
    if negligible and margin is not None:
        if ends := interval(tested, 1 - 2 * alpha):
            what = f"the {100 * (1 - 2 * alpha):.3g} % interval, {span(*ends, tested.ratio)},"
        else:
            what = f"the {KINDS[claim.kind].effect}, the same in every seed,"
        within = f"{what} lies within {band(margin, tested)}"
        return (NEGLIGIBLE, f"Significant, but {within}.") if significant else (EQUIVALENT, sentence(within))
    direction = KINDS[claim.kind].direction(claim)
    if not direction and outside and margin is not None:
        return REFUTED, f"Differs by more than the margin, {band(margin, tested)}."
    if direction and significant and tested.difference is not None:
        above = math.log(tested.difference) if tested.ratio else tested.difference
        if direction * above > 0:
            return SUPPORTED, "Significant in the direction claimed."
        return REFUTED, "Significant in the opposite direction."
    return UNRESOLVED, unsettled(claim, tested, alpha / m)


def sentence(text: str) -> str:
    """Return part of a sentence as a whole one."""
    return f"{text[:1].upper()}{text[1:]}."
