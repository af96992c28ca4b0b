"""Every claim of a suite with its verdict, look by look.

A claim's contrasts (one, or one for each level of an axis) are a family, or belong to the family that the suite names. With
several looks, each tests at its share of alpha; what is settled at one look stays settled, with the data of that look, and
only the rest is due to more seeds. Bonferroni's inequality over the looks, and Holm's within the family, keep the family's
error rate at or under alpha.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.reports.claims.outlook import seeds_needed, smallest_found
from bench.reports.claims.verdicts import (
    EQUIVALENT,
    INSUFFICIENT,
    NEGLIGIBLE,
    REFUTED,
    SETTLED,
    SUPPORTED,
    UNRESOLVED,
    Evidence,
    decide,
    gather,
    sentence,
)
from bench.reports.records.arms import Trials
from bench.reports.records.predictions import Predictions
from bench.reports.statistics import Comparison, holm

if TYPE_CHECKING:
    from bench.grammar.schedule import Schedule
    from bench.reports.claims.contrasts import Contrast
    from bench.reports.claims.grammar import Claim


@dataclass(frozen=True)
class Part:
    """One contrast of a claim; a claim with `each: AXIS` has one for each level.

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
    parts: list[Part]
    verdict: str
    holds: bool | None
    ratio: float | None = None


@dataclass(frozen=True)
class Judgement:
    """All claims, and the cells whose next seeds are due: (stage, labels) → look, from 0."""

    claims: list[ClaimResult]
    due: dict[tuple[str, tuple], int] = field(default_factory=dict)


@dataclass
class _Open:
    """A contrast on its way to a verdict. look: the last one that is complete, -1 before the first."""

    claim: "Claim"
    contrast: "Contrast"
    schedule: "Schedule"
    part: Part | None = None
    found: Evidence | None = None
    settled: bool = False
    look: int = -1
    m: int = 1


def judge(
    claims: Mapping[str, tuple["Claim", Sequence["Contrast"]]],
    schedules: Mapping[str, "Schedule"],
    trials: Trials,
    predictions: Predictions | None = None,
) -> Judgement:
    """Judge every claim whose cells are among the trials.

    schedules: stage → the seeds declared for it. predictions: see `bench.reports.predictions`.
    """
    families: dict[str, list[tuple[str, _Open]]] = {}
    for name, (claim, contrasts) in claims.items():
        if all(trials.has(arm) for contrast in contrasts for arm in contrast.arms):
            for contrast in contrasts:
                schedule = schedules[contrast.arms[0].stage]
                families.setdefault(claim.family or name, []).append((name, _Open(claim, contrast, schedule)))
    due: dict[tuple[str, tuple], int] = {}
    for members in families.values():
        for look in range(max(len(one.schedule.looks) for _, one in members)):
            _look(members, look, trials, predictions, due)
    results = []
    for family, members in families.items():
        for name in dict.fromkeys(name for name, _ in members):
            own = [one for other, one in members if other == name]
            results.append(_result(name, own, family))
    order = {name: i for i, name in enumerate(claims)}
    return Judgement(sorted(results, key=lambda result: order[result.name]), due)


def _look(members: list[tuple[str, _Open]], look: int, trials: Trials, predictions, due: dict) -> None:
    """Take one look at a family: measure what is still open, correct all together, decide."""
    refuted = {name for name, one in members if one.settled and _against(one)}
    waiting = [
        (name, one)
        for name, one in members
        if not one.settled and one.look == look - 1 and look < len(one.schedule.looks) and name not in refuted
    ]
    for _, one in waiting:
        seeds = one.schedule.looks[look]
        wanted = [record for arm in one.contrast.arms for record in trials.of(arm, seeds)]
        whole = len({record.seed for record in wanted}) == len(seeds) and not any(r.outcome.is_open for r in wanted)
        if look and not whole:
            if not (one.found and one.found.empty):
                _make_due(one, look, due)
            continue
        one.found = gather(one.claim, one.contrast, trials, seeds, one.schedule.alpha, predictions)
        one.look = look if whole else -2  # a first look that is not complete is shown, but nothing follows from it
    measured = [(one, one.found) for _, one in members if one.found]
    columns = [holm([getattr(found, name) for _, found in measured]) for name in ("p_difference", "p_equivalence", "p_beyond")]
    m = max(1, sum(found.p_difference is not None for _, found in measured))
    for (one, found), corrected in zip(measured, zip(*columns, strict=True), strict=True):
        if one.look in (look, -2) and not one.settled:
            one.part, one.m = _part(one, found, corrected, m), m
            one.settled = one.part.verdict in SETTLED


def _make_due(one: _Open, look: int, due: dict) -> None:
    for arm in one.contrast.arms:
        for cell in arm.cells:
            key = (arm.stage, tuple(cell.labels.items()))
            due[key] = max(due.get(key, 0), look)


def _against(one: _Open) -> bool:
    return one.part is not None and _holds(one.claim.kind, one.part.verdict) is False


def _part(one: _Open, found: Evidence, corrected: tuple[float | None, ...], m: int) -> Part:
    alpha = one.schedule.alpha
    verdict, why = decide(one.claim, found, corrected, m, alpha)
    left_out = {seed: reason for arm in found.arms for seed, reason in arm.without.items()}
    if left_out and not found.empty:
        why += f" Without a result: {', '.join(f'seed {seed} ({reason})' for seed, reason in sorted(left_out.items()))}."
    if found.remark:
        why += f" {sentence(found.remark)}"
    turns_on = 1 if one.claim.kind == "equivalent" else 0
    return Part(
        label=one.contrast.label,
        contrast=one.contrast.text,
        result=found.shown,
        p=(found.p_difference, found.p_equivalence)[turns_on],
        holm=corrected[turns_on],
        equivalence_p=corrected[1],
        verdict=verdict,
        why=why,
        detectable=smallest_found(found.tested, alpha / m),
        seeds_needed=seeds_needed(one.claim, found.tested, alpha / m) if verdict == UNRESOLVED else None,
        run_ids=found.run_ids,
        look=max(one.look, 0),
        preliminary=one.look < 0,
    )


def _result(name: str, own: list[_Open], family: str) -> ClaimResult:
    claim, schedule = own[0].claim, own[0].schedule
    parts = [one.part for one in own if one.part]
    verdict, holds = _whole(claim.kind, parts)
    look = ""
    if len(schedule.looks) > 1:
        last = max(part.look for part in parts)
        look = f"look {last + 1} of {len(schedule.looks)}, {len(schedule.looks[last])} seeds"
    metric, test = (f"{claim.x} and {claim.y}", claim.method) if claim.kind == "correlation" else (claim.metric, claim.test)
    return ClaimResult(
        name=name,
        says=claim.says,
        kind=claim.kind,
        metric=metric,
        margin=claim.margin,
        test=test,
        family=family,
        m=max(one.m for one in own),
        alpha=schedule.alpha,
        look=look,
        parts=parts,
        verdict=verdict,
        holds=holds,
        ratio=getattr(claim, "ratio", None),
    )


def _holds(kind: str, verdict: str) -> bool | None:
    if verdict not in SETTLED:
        return None
    return verdict in ((EQUIVALENT, NEGLIGIBLE) if kind == "equivalent" else (SUPPORTED,))


def _whole(kind: str, parts: Sequence[Part]) -> tuple[str, bool | None]:
    """Return the verdict on a claim that must hold in every part."""
    verdicts = [part.verdict for part in parts]
    if len(set(verdicts)) == 1:
        return verdicts[0], _holds(kind, verdicts[0])
    holds = [_holds(kind, verdict) for verdict in verdicts]
    if False in holds:
        return REFUTED, False
    if None in holds:
        return (UNRESOLVED if UNRESOLVED in verdicts else INSUFFICIENT), None
    return EQUIVALENT, True  # equivalent in some parts, different but negligible in the others
