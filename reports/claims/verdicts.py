"""What a claim's contrasts amount to at a level: the verdict on each, and on the claim, which must hold in all of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bench.reports.claims.base import names_of
from bench.reports.claims.evidence import Evidence
from bench.reports.claims.outlook import unsettled
from bench.reports.claims.rules import (
    DESCRIPTIVE,
    EQUIVALENT,
    IDENTICAL,
    INSUFFICIENT,
    LEAST_SEEDS,
    NEGLIGIBLE,
    REFUTED,
    REGIME,
    SELECTED,
    SUPPORTED,
    SURVIVORS,
    UNRESOLVED,
    Decision,
    against_p,
    decide,
    for_p,
)
from bench.reports.statistics import Comparison, holm, holm_levels

RANK = (IDENTICAL, EQUIVALENT, NEGLIGIBLE, SUPPORTED)
"""Of the verdicts by which a claim holds, in several contrasts, the last one is told."""
OPEN = (REGIME, SELECTED, SURVIVORS, UNRESOLVED, INSUFFICIENT, DESCRIPTIVE)
"""Of those by which nobody knows whether it holds, the first."""


@dataclass(frozen=True)
class ClaimDecision:
    """The verdict on a claim, and those on its contrasts."""

    parts: list[Decision] = field(default_factory=list)
    verdict: str = UNRESOLVED
    holds: bool | None = None


def settles(parts: Sequence[Evidence]) -> float | None:
    """Return the level from which on a claim has a verdict: where all of its contrasts uphold it, or one, corrected for their
    number (Holm), speaks against it. None where nothing was tested."""
    if not any(part.is_judged or part.measured.identical for part in parts):
        return None
    refuting = [p for p in holm([part.against_p for part in parts]) if p is not None]
    return min(max(part.for_p for part in parts), *refuting)


def judged(parts: Sequence[Evidence], level: float, m: int, alpha: float, held: Sequence[Decision | None]) -> ClaimDecision:
    """Return the verdict on a claim at its level in the family. held: of each contrast that upheld it at an earlier look, how. m:
    claims in the family; alpha: its level."""
    levels = holm_levels([part.against_p for part in parts], level)
    decisions = [
        before or _decision(part, level, strict, m, alpha) for part, strict, before in zip(parts, levels, held, strict=True)
    ]
    return ClaimDecision(decisions, *_whole(decisions))


def _decision(part: Evidence, level: float, strict: float, m: int, alpha: float) -> Decision:
    """Judge one contrast: whether its question can be asked, the verdict, and whether that rests on who survived."""
    states = [(required, _state(required, level)) for required in part.requires]
    if failed := [required for required, state in states if state is False]:
        return Decision(REGIME, None, _not_reached(failed[0]))
    decision = _verdict(part, part.tested, level, strict, m, alpha)
    if unknown := [required for required, state in states if state is None]:
        text = f"Whether it can be asked is not known: {_condition(unknown[0])}"
        decision = replace(decision, why=f"{decision.why} {text}.")
    chose = part.selected if decision.holds else part.selected_against if decision.verdict == REFUTED else ""
    if chose:
        return Decision(SELECTED, None, f"{decision.why} But {chose}; `start: {{…, seeds: fresh}}` runs it again.")
    if decision.holds is None or not (part.unbounded or part.worst):
        return decision
    if part.worst is None:
        return Decision(
            SURVIVORS, None, f"{decision.verdict}, of the seeds that have a result: there is no worst for the others."
        )
    worst = _verdict(part, part.worst, level, strict, m, alpha)
    if worst.verdict == decision.verdict:
        return replace(decision, why=f"{decision.why} It stays so with the worst result for each lost seed.")
    return Decision(
        SURVIVORS, None, f"{decision.verdict}, but {worst.verdict} with the worst result for each lost seed.".capitalize()
    )


def _state(required: Evidence, level: float) -> bool | None:
    """Return whether a precondition holds, by its own interval; None where that is not known."""
    states = [_reads(required, c, level) for c in (required.tested, required.worst) if c is not None]
    if required.unbounded or not required.is_judged or len(set(states)) > 1:  # where it rests on who survived, too
        return None
    return states[0]


def _reads(required: Evidence, c: Comparison, level: float) -> bool | None:
    if for_p(required.contrast.rule, c, required.margin) <= level:
        return True
    return False if against_p(required.contrast.rule, c, required.margin) <= level else None


def _condition(required: Evidence) -> str:
    if required.above_chance is not None:
        return f"{names_of(required.contrast.arms)[0]} above chance by {required.above_chance:g}"
    return f"{required.contrast.wording} ({required.claim.relation.name.replace('_', ' ')})"


def _not_reached(required: Evidence) -> str:
    value = required.tested.difference
    number = required.contrast.number or 0.0
    value_text = "" if value is None else f": it is {number + value if not required.tested.ratio else value:.4g}"
    return f"Its condition fails, {_condition(required)}{value_text}."


def _verdict(part: Evidence, tested: Comparison, level: float, strict: float, m: int, alpha: float) -> Decision:
    """Judge one comparison: what speaks against the claim must do so at the stricter level, corrected for the claim's
    contrasts."""
    rule = part.contrast.rule
    if part.measured.described:
        return Decision(DESCRIPTIVE, None, sentence(part.measured.described))
    if part.measured.identical and tested is part.tested:
        text = "the predictions of both arms are the same in every seed"
        return Decision(IDENTICAL, part.holds_identical, sentence(text))
    if tested.p is None:
        seeds = min(len(arm.values) for arm in part.arms) if tested.test == "welch" else len(part.common)
        few = not part.empty and seeds < LEAST_SEEDS
        return Decision(INSUFFICIENT if few else UNRESOLVED, None, sentence(tested.reason))
    if part.is_short:
        return Decision(INSUFFICIENT, None, "Two seeds are too few for a verdict; plan at least three.")
    counted = tested.test in ("sign-flip", "permutation") or tested.correlates
    if counted and tested.smallest_p is not None and tested.smallest_p > alpha / m:
        reason = f"the smallest p that n={tested.n} {part.claim.relation.sample} allow is {tested.smallest_p:.4g}"
        reason += f", times m={m} in the family" if m > 1 else ""
        return Decision(INSUFFICIENT, None, sentence(f"{reason}: above alpha {alpha:.3g}"))
    number = part.contrast.number
    against = decide(rule, tested, part.margin, strict, number)
    if against.holds is False:
        return against
    upheld = decide(rule, tested, part.margin, level, number)
    if upheld.holds:
        return upheld
    if upheld.holds is False:
        return Decision(UNRESOLVED, None, f"{upheld.why} That is not enough against the claim among its comparisons (Holm).")
    return Decision(UNRESOLVED, None, unsettled(rule, tested, part.margin, alpha / m, part.claim.relation.sample))


def _whole(decisions: Sequence[Decision]) -> tuple[str, bool | None]:
    """Return the verdict on a claim that must hold in every contrast, and whether it holds."""
    verdicts = [decision.verdict for decision in decisions]
    if len(set(verdicts)) == 1 and len({decision.holds for decision in decisions}) == 1:
        return verdicts[0], decisions[0].holds
    if any(decision.holds is False for decision in decisions):
        return REFUTED, False
    if any(decision.holds is None for decision in decisions):
        return next(verdict for verdict in OPEN if verdict in verdicts), None
    return max(verdicts, key=RANK.index), True


def sentence(text: str) -> str:
    """Return part of a sentence as a whole one."""
    return f"{text[:1].upper()}{text[1:]}."
