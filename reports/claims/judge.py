"""Every claim of a suite with its verdict, look by look.

A claim's contrasts (one, or one for each level of an axis) are a family, or belong to the family that the suite names. With
several looks, each tests at its share of alpha; what is settled at one look stays settled, with the data of that look, and
only the rest is due to more seeds. Bonferroni's inequality over the looks, and Holm's within the family, keep the family's
error rate at or under alpha.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.grammar.schedule import Schedule
from bench.reports.claims.base import ClaimContrast
from bench.reports.claims.kinds import KINDS, Claim
from bench.reports.claims.outlook import seeds_needed
from bench.reports.claims.results import ClaimResult, ContrastResult, Due, Judgement
from bench.reports.claims.verdicts import (
    EQUIVALENT,
    INSUFFICIENT,
    NEGLIGIBLE,
    REFUTED,
    SETTLED,
    SUPPORTED,
    UNRESOLVED,
    Evidence,
    PValues,
    decide,
    gather,
    sentence,
)
from bench.reports.records.arms import Records
from bench.reports.records.predictions import Predictions
from bench.reports.statistics import holm, smallest_detectable


@dataclass
class _Open:
    """A contrast on its way to a verdict. name: of its claim. look: the last one that is complete, -1 before the first. partial:
    whether the first look lacks trials: it is shown, but nothing follows from it."""

    name: str
    claim: Claim
    contrast: ClaimContrast
    schedule: Schedule
    result: ContrastResult | None = None
    evidence: Evidence | None = None
    settled: bool = False
    look: int = -1
    partial: bool = False
    m: int = 1

    @property
    def contradicts(self) -> bool:
        """Whether it settles its claim: what must hold in every contrast does not."""
        return self.result is not None and _upholds(self.claim, self.result.verdict) is False

    def waits_for(self, look: int) -> bool:
        return not self.settled and not self.partial and self.look == look - 1 and look < len(self.schedule.looks)


def judge(
    claims: Mapping[str, tuple[Claim, Sequence[ClaimContrast]]],
    schedules: Mapping[str, Schedule],
    trials: Records,
    predictions: Predictions | None = None,
) -> Judgement:
    """Judge every claim whose cells are among the trials.

    schedules: stage → the seeds declared for it. predictions: see `bench.reports.records.predictions`.
    """
    families: dict[str, list[_Open]] = {}
    for name, (claim, contrasts) in claims.items():
        if all(trials.has(arm) for contrast in contrasts for arm in contrast.arms):
            for contrast in contrasts:
                schedule = schedules[contrast.arms[0].stage]
                families.setdefault(claim.family or name, []).append(_Open(name, claim, contrast, schedule))
    due: Due = {}
    results = {}
    for family, members in families.items():
        for look in range(max(len(member.schedule.looks) for member in members)):
            _look(members, look, trials, predictions, due)
        for name in dict.fromkeys(member.name for member in members):
            results[name] = _result(name, [member for member in members if member.name == name], family)
    return Judgement([results[name] for name in claims if name in results], due)


def _look(members: list[_Open], look: int, trials: Records, predictions: Predictions | None, due: Due) -> None:
    """Take one look at a family: measure what is still open, correct all together, decide."""
    contradicted = {member.name for member in members if member.settled and member.contradicts}
    for member in members:
        if member.waits_for(look) and member.name not in contradicted:
            _measure(member, look, trials, predictions, due)
    measured = [(member, member.evidence) for member in members if member.evidence]
    corrected = [holm([*column]) for column in zip(*(evidence.p for _, evidence in measured), strict=True)]
    m = max(1, sum(evidence.p.difference is not None for _, evidence in measured))
    for (member, evidence), p in zip(measured, zip(*corrected, strict=True), strict=True):
        if (member.look == look or member.partial) and not member.settled:
            member.result, member.m = _contrast(member, evidence, PValues(*p), m), m
            member.settled = member.result.verdict in SETTLED


def _measure(member: _Open, look: int, trials: Records, predictions: Predictions | None, due: Due) -> None:
    """Measure a contrast at a look; one whose trials are still to run is due, unless it is the first."""
    seeds = member.schedule.looks[look]
    wanted = [record for arm in member.contrast.arms for record in trials.of(arm, seeds)]
    whole = len({record.seed for record in wanted}) == len(seeds) and not any(record.outcome.is_open for record in wanted)
    if look and not whole:
        if not (member.evidence and member.evidence.empty):
            _make_due(member, look, due)
        return
    member.evidence = gather(member.claim, member.contrast, trials, seeds, member.schedule.alpha, predictions)
    member.partial = not whole
    if whole:
        member.look = look


def _make_due(member: _Open, look: int, due: Due) -> None:
    for arm in member.contrast.arms:
        for cell in arm.cells:
            key = (arm.stage, tuple(cell.labels.items()))
            due[key] = max(due.get(key, 0), look)


def _contrast(member: _Open, evidence: Evidence, corrected: PValues, m: int) -> ContrastResult:
    claim, alpha = member.claim, member.schedule.alpha
    verdict, why = decide(claim, evidence, corrected, m, alpha)
    left_out = {seed: reason for arm in evidence.arms for seed, reason in arm.without.items()}
    if left_out and not evidence.empty:
        why += f" Without a result: {', '.join(f'seed {seed} ({reason})' for seed, reason in sorted(left_out.items()))}."
    if evidence.remark:
        why += f" {sentence(evidence.remark)}"
    directed = bool(KINDS[claim.kind].direction(claim))
    return ContrastResult(
        label=member.contrast.label,
        contrast=KINDS[claim.kind].text(member.contrast),
        result=evidence.shown,
        p=evidence.p.difference if directed else evidence.p.equivalence,
        holm=corrected.difference if directed else corrected.equivalence,
        equivalence_p=corrected.equivalence,
        verdict=verdict,
        why=why,
        detectable=smallest_detectable(evidence.tested, alpha / m),
        seeds_needed=seeds_needed(claim, evidence.tested, alpha / m) if verdict == UNRESOLVED else None,
        run_ids=evidence.run_ids,
        look=max(member.look, 0),
        preliminary=member.partial,
    )


def _result(name: str, members: Sequence[_Open], family: str) -> ClaimResult:
    """Return the result of a claim. members: its contrasts."""
    claim, schedule = members[0].claim, members[0].schedule
    contrasts = [member.result for member in members if member.result]
    verdict, holds = _whole(claim, [contrast.verdict for contrast in contrasts])
    look = ""
    if len(schedule.looks) > 1:
        last = max(contrast.look for contrast in contrasts)
        look = f"look {last + 1} of {len(schedule.looks)}, {len(schedule.looks[last])} seeds"
    kind = KINDS[claim.kind]
    return ClaimResult(
        name=name,
        says=claim.says,
        kind=claim.kind,
        metric=" and ".join(kind.metrics(claim).values()),
        margin=claim.margin,
        test=kind.test(claim),
        family=family,
        m=max(member.m for member in members),
        alpha=schedule.alpha,
        look=look,
        parts=contrasts,
        verdict=verdict,
        holds=holds,
        ratio=getattr(claim, "ratio", None),
    )


def _upholds(claim: Claim, verdict: str) -> bool | None:
    """Return whether a verdict says that a claim holds; None where it leaves that open."""
    if verdict not in SETTLED:
        return None
    return verdict in ((SUPPORTED,) if KINDS[claim.kind].direction(claim) else (EQUIVALENT, NEGLIGIBLE))


def _whole(claim: Claim, verdicts: Sequence[str]) -> tuple[str, bool | None]:
    """Return the verdict on a claim that must hold in every contrast, and whether it holds."""
    if len(set(verdicts)) == 1:
        return verdicts[0], _upholds(claim, verdicts[0])
    holds = [_upholds(claim, verdict) for verdict in verdicts]
    if False in holds:
        return REFUTED, False
    if None in holds:
        return (UNRESOLVED if UNRESOLVED in verdicts else INSUFFICIENT), None
    return EQUIVALENT, True  # equivalent in some contrasts, different but negligible in the others
